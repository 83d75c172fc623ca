import colorsys
import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from sonde.augment import colour


def pictures(count: int = 3, channels: int = 3) -> torch.Tensor:
    return torch.rand(count, channels, 12, 10, generator=torch.Generator().manual_seed(0))


def as_pillow(picture: torch.Tensor) -> Image.Image:
    return Image.fromarray((picture * 255).round().byte().permute(1, 2, 0).numpy())


def bytes_of(picture: torch.Tensor) -> np.ndarray:
    return (picture * 255).permute(1, 2, 0).numpy()


FACTORS = (0.4, 1.0, 1.7)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (colour.brightened, ImageEnhance.Brightness),
        (colour.contrasted, ImageEnhance.Contrast),
        (colour.saturated, ImageEnhance.Color),
        (colour.sharpened, ImageEnhance.Sharpness),
    ],
)
def test_strengths_are_pillows(ours, theirs) -> None:
    x = (pictures() * 255).round() / 255
    for got, picture, factor in zip(ours(x, torch.tensor(FACTORS)), x, FACTORS, strict=True):
        expected = np.asarray(theirs(as_pillow(picture)).enhance(factor)).astype(float)
        assert np.abs(bytes_of(got) - expected).max() <= 2.01  # Pillow rounds to bytes on the way


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda x: colour.equalised(x), ImageOps.equalize),
        (lambda x: colour.stretched(x), ImageOps.autocontrast),
        (lambda x: colour.posterised(x, torch.full((3,), 3.0)), lambda x: ImageOps.posterize(x, 3)),
        (lambda x: colour.solarised(x, torch.full((3,), 100 / 255 - 1e-4)), lambda x: ImageOps.solarize(x, 100)),
    ],
)
def test_levels_are_pillows(ours, theirs) -> None:
    x = (pictures() ** 2 * 0.8 * 255).round() / 255
    for got, picture in zip(ours(x), x, strict=True):
        expected = np.asarray(theirs(as_pillow(picture))).astype(float)
        assert np.abs(bytes_of(got) - expected).max() <= 1.01  # Pillow cuts off where we round


def test_flat_images_survive() -> None:
    flat = torch.full((2, 3, 5, 5), 0.4)
    assert torch.equal(colour.stretched(flat), flat)
    assert torch.equal(colour.equalised(flat), flat)


def test_each_image_has_its_own_strength() -> None:
    x = torch.full((3, 1, 2, 2), 0.5)
    assert colour.brightened(x, torch.tensor([0.0, 1.0, 1.5]))[:, 0, 0, 0].tolist() == [0, 0.5, 0.75]


def neutral(count: int) -> dict[str, torch.Tensor]:
    one = torch.ones(count)
    return {"brightness": one, "contrast": one, "saturation": one, "hue": torch.zeros(count)}


def test_neutral_jitter_changes_nothing() -> None:
    torch.testing.assert_close(colour.jitter(pictures(), **neutral(3)), pictures(), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("name", "alone"),
    [("brightness", colour.brightened), ("contrast", colour.contrasted), ("saturation", colour.saturated)],
)
def test_jitter_of_one_kind_is_that_kind(name: str, alone) -> None:
    x = pictures() * 0.5 + 0.2  # room to move without being clamped
    factor = torch.tensor([0.8, 1.0, 1.2])
    got = colour.jitter(x, **{**neutral(3), name: factor})
    torch.testing.assert_close(got, alone(x, factor), atol=2e-3, rtol=0)  # YIQ's luma weights have three digits


def test_a_turn_of_hue_keeps_brightness_and_turns_the_colour() -> None:
    red = torch.tensor([0.6, 0.4, 0.4]).view(1, 3, 1, 1)
    turned = colour.jitter(red, **{**neutral(1), "hue": torch.tensor([2 * math.pi / 3])})
    torch.testing.assert_close(colour.grey(turned), colour.grey(red), atol=1e-3, rtol=0)
    before, after = (colorsys.rgb_to_hsv(*picture.flatten().tolist())[0] for picture in (red, turned))
    assert min(abs(after - before), 1 - abs(after - before)) == pytest.approx(1 / 3, abs=0.06)


def test_images_of_other_channels_keep_to_brightness_and_contrast() -> None:
    x = pictures(3, 2)
    settings = {**neutral(3), "hue": torch.ones(3), "saturation": torch.zeros(3)}
    torch.testing.assert_close(colour.jitter(x, **settings), x)
    grey = pictures(3, 1)
    got = colour.jitter(grey, **{**neutral(3), "brightness": torch.full((3,), 0.5)})
    torch.testing.assert_close(got, grey * 0.5)


def test_results_stay_in_range() -> None:
    wild = colour.jitter(pictures(), *(torch.full((3,), 9.0) for _ in range(4)))
    assert wild.min() >= 0
    assert wild.max() <= 1
