"""Pixels and boxes move together: a coloured rectangle is still bounded by its box after every change."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sonde.augment.boxes import BoxPolicy, four_in_one, mirrored, packed, parse_boxes, seen_at
from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.core.letterbox import GREY

HEIGHT, WIDTH = 48, 64
RED = torch.tensor([250, 5, 5], dtype=torch.uint8)


def scene(images: int = 6, *, seed: int = 0) -> Batch:
    """A red rectangle on black in each image, with its box and an empty place."""
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.zeros(images, 3, HEIGHT, WIDTH, dtype=torch.uint8)
    target = torch.zeros(images, 2, 5)
    target[:, 1, 0] = -1
    for row in range(images):
        top, left = (int(torch.randint(0, side - 20, (), generator=generator)) for side in (HEIGHT, WIDTH))
        high, wide = (int(torch.randint(8, 20, (), generator=generator)) for _ in range(2))
        pictures[row, :, top : top + high, left : left + wide] = RED[:, None, None]
        target[row, 0] = torch.tensor([row % 3, left, top, left + wide, top + high])
    return Batch({"input": pictures, "target": target}, torch.arange(images))


def red(pictures: Tensor) -> Tensor:
    """(B, H, W) where a pixel is more red than anything else that occurs."""
    values = pictures.float() / 255 if pictures.dtype == torch.uint8 else pictures
    return (values[:, 0] > 0.3) & (values[:, 1] < 0.25 * values[:, 0] + 0.1)


def bounds(mask: Tensor) -> list[float]:
    """Left, top, right, bottom of the true pixels (H, W)."""
    rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
    return [float(columns.min()), float(rows.min()), float(columns.max()) + 1, float(rows.max()) + 1]


def check(batch: Batch, *, off: float) -> int:
    """Every box bounds the red pixels inside it to `off` pixels; returns how many boxes were looked at."""
    seen = 0
    for mask, objects in zip(red(batch["input"]), batch["target"], strict=True):
        for kind, *box in objects.tolist():
            if kind < 0:
                continue
            left, top, right, bottom = (round(side) for side in box)
            inside = torch.zeros_like(mask)
            inside[max(0, top - 2) : bottom + 2, max(0, left - 2) : right + 2] = True
            found = bounds(mask & inside)
            assert found == pytest.approx(box, abs=off)
            seen += 1
    return seen


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "policy", [BoxPolicy(flip=0.5), BoxPolicy(vflip=0.5), BoxPolicy(flip=1, vflip=1)], ids=["flip", "vflip", "both"]
)
def test_mirrored_boxes_bound_their_pixels_exactly(policy: BoxPolicy, seed: int):
    batch = policy(scene(seed=seed), torch.Generator().manual_seed(seed))
    assert batch["input"].dtype == torch.uint8
    assert check(batch, off=0) == 6


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("scale", [0.1, 0.5])
def test_boxes_bound_their_pixels_at_any_scale_and_place(seed: int, scale: float):
    batch = BoxPolicy(flip=0.5, scale=scale)(scene(seed=seed), torch.Generator().manual_seed(seed))
    assert batch["input"].shape == (6, 3, HEIGHT, WIDTH)
    assert check(batch, off=1.01) >= 3  # a blurred edge is a pixel wide
    assert batch["target"][..., 1:].min() >= 0
    assert batch["target"][..., 3].max() <= WIDTH
    assert batch["target"][..., 4].max() <= HEIGHT


def test_what_is_zoomed_out_stands_on_grey():
    batch = scene(1)
    shown, target = seen_at(
        batch["input"], batch["target"], (HEIGHT, WIDTH), torch.tensor([0.5]), torch.tensor([1.0]), torch.tensor([0.0])
    )
    assert shown[0, :, HEIGHT // 2 + 2 :].sub(GREY / 255).abs().max() < 1e-5
    assert shown[0, :, : HEIGHT // 2 - 2, : WIDTH // 2 - 2].sub(GREY / 255).abs().max() < 1e-5
    expected = batch["target"][0, 0, 1:] / 2 + torch.tensor([WIDTH / 2, 0, WIDTH / 2, 0])
    assert torch.allclose(target[0, 0, 1:], expected)


@pytest.mark.parametrize("seed", range(3))
def test_squares_show_four_images_with_their_boxes(seed: int):
    batch = scene(seed=seed)
    pictures, target = four_in_one(batch["input"], batch["target"], torch.Generator().manual_seed(seed))
    assert pictures.shape == (6, 3, 2 * HEIGHT, 2 * WIDTH)
    square = Batch({"input": pictures, "target": target}, batch.index)
    assert check(square, off=0) == 24
    assert torch.equal(pictures[:, :, :HEIGHT, :WIDTH], batch["input"])
    for row in range(6):  # an image's class goes with its pixels: the corners hold images that exist
        tile = pictures[row, :, HEIGHT:, :WIDTH]
        origin = next(place for place in range(6) if torch.equal(batch["input"][place], tile))
        assert target[row, 4, 0] == batch["target"][origin, 0, 0]


@pytest.mark.parametrize("seed", range(6))
def test_the_whole_policy_keeps_boxes_on_their_pixels(seed: int):
    batch = parse_boxes("flip,vflip,mosaic=1,scale=0.5")(scene(seed=seed), torch.Generator().manual_seed(seed))
    assert check(batch, off=1.01) >= 2
    assert batch["target"].shape[1] == int((batch["target"][..., 0] >= 0).sum(1).max())


def test_objects_that_leave_the_picture_lose_their_box():
    target = torch.tensor([[[0.0, 0, 0, 10, 10], [1, 30, 0, 50, 20], [2, 2, 2, 3, 3]]])
    picture = torch.zeros(1, 3, HEIGHT, WIDTH)
    whole = (torch.tensor([2.0]), torch.tensor([1.0]), torch.tensor([0.0]))  # the upper right quarter, twice as large
    _, moved = seen_at(picture, target, (HEIGHT, WIDTH), *whole)
    assert moved[0, :, 0].tolist() == [-1, 1, -1]
    assert moved[0, 1, 1:].tolist() == [0, 0, 36, 40]  # cut at the left
    _, small = seen_at(picture, target, (HEIGHT, WIDTH), torch.tensor([1.0]), torch.tensor([0.0]), torch.tensor([0.0]))
    assert small[0, :, 0].tolist() == [0, 1, -1]  # a side of one pixel teaches nothing


def test_packing_puts_objects_first_and_drops_places_that_no_image_needs():
    target = torch.tensor(
        [[[-1.0, 9, 9, 9, 9], [2, 1, 1, 2, 2], [-1, 0, 0, 0, 0]], [[0, 0, 0, 1, 1], [-1] * 5, [1, 5, 5, 6, 6]]]
    )
    found = packed(target)
    assert found[..., 0].tolist() == [[2, -1], [0, 1]]
    assert found[0, 1].tolist() == [-1, 0, 0, 0, 0]
    assert packed(target[:1, :1]).shape == (1, 0, 5)
    assert packed(torch.zeros(2, 0, 5)).shape == (2, 0, 5)


def test_images_without_objects_pass_through():
    batch = scene()
    batch = Batch({**batch.fields, "target": torch.zeros(6, 0, 5)}, batch.index)
    changed = parse_boxes("flip,mosaic=1,scale=0.3,colour=0.2")(batch, torch.Generator().manual_seed(0))
    assert changed["target"].shape == (6, 0, 5)


def test_the_generator_alone_decides():
    policy = parse_boxes("flip,mosaic=0.5,scale=0.5,colour=0.3")
    one, again, other = (policy(scene(), torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(one["input"], again["input"])
    assert torch.equal(one["target"], again["target"])
    assert not torch.equal(one["input"], other["input"])


def test_colour_changes_pixels_alone():
    batch = scene()
    changed = BoxPolicy(colour=0.5)(batch, torch.Generator().manual_seed(0))
    assert not torch.equal(changed["input"], batch["input"].float() / 255)
    assert torch.equal(changed["target"], batch["target"][:, :1])


def test_mirroring_twice_is_nothing():
    batch = scene()
    all_, none = torch.ones(6, dtype=torch.bool), torch.zeros(6, dtype=torch.bool)
    pictures, target = mirrored(*mirrored(batch["input"], batch["target"], all_, none), all_, none)
    assert torch.equal(pictures, batch["input"])
    assert torch.equal(target, batch["target"])


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("none", BoxPolicy()),
        ("", BoxPolicy()),
        ("flip,color=0.2", BoxPolicy(flip=0.5, colour=0.2)),
        ("mosaic,scale=0.3,vflip=1", BoxPolicy(mosaic=0.5, scale=0.3, vflip=1.0)),
    ],
)
def test_reads_text(text: str, policy: BoxPolicy):
    assert parse_boxes(text) == replace(policy)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flop", "unknown augmentation of images with boxes 'flop'; did you mean 'flip'"),
        ("mixup=0.2", "unknown augmentation of images with boxes 'mixup'"),
        ("scale", "--augment 'scale': write scale=S with a share S in 0..0.9"),
        ("scale=2", "--augment 'scale=2': write scale=S"),
        ("flip=often", "--augment 'flip=often': write flip, or flip=P"),
        ("flip,flip=1", "--augment 'flip,flip=1' gives flip twice"),
    ],
)
def test_refuses_text_that_means_nothing(text: str, message: str):
    with pytest.raises(ConfigError) as caught:
        parse_boxes(text)
    assert str(caught.value).startswith(message)
