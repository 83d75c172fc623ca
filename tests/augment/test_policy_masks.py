"""Class maps move with their images: where a mask says what an image shows, it does so after every move."""

import pytest
import torch
from torch import Tensor

from sonde.augment import images
from sonde.augment.policy import parse
from sonde.core.batch import Batch
from sonde.core.dataset import IGNORED
from sonde.core.errors import ConfigError

SIDE = 40
ALL = "flip,crop=3,rotate=20,resized-crop=0.5"
MOVES = ["flip", "vflip", "flip=1,vflip=1", "crop=5", "crop=5:zero", "rotate=40", "resized-crop=0.3", ALL]


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def waves(count: int = 24) -> Tensor:
    """Smooth images (count, 1, SIDE, SIDE) in 0..1, whose value changes by less than 0.05 from a pixel to the next."""
    rows, columns = torch.meshgrid(torch.arange(SIDE) / SIDE, torch.arange(SIDE) / SIDE, indexing="ij")
    phase = torch.rand(2, count, 1, 1, generator=drawn(1)) * 6.28
    return (0.5 + 0.25 * (6 * rows + phase[0]).sin() + 0.25 * (6 * columns + 3 * rows + phase[1]).cos())[:, None]


def batch(picture: Tensor) -> Batch:
    target = (picture[:, 0] > 0.5).to(torch.uint8)
    return Batch({"input": picture, "target": target, "objects": target.int() * 7}, torch.arange(len(picture)))


@pytest.mark.parametrize("text", MOVES)
def test_a_mask_that_is_a_thresholded_image_stays_one(text: str) -> None:
    given = batch(waves())
    seen = parse(text)(given, drawn())
    picture, target = seen["input"][:, 0], seen["target"]
    known = target != IGNORED
    certain = known & ((picture - 0.5).abs() > 0.05)  # the nearest pixel and the interpolated value lie within a pixel
    assert certain.float().mean() > 0.4
    assert torch.equal(target[certain] == 1, picture[certain] > 0.5)
    assert not torch.equal(target, given["target"])
    assert target.dtype == torch.uint8
    assert seen["objects"].dtype == torch.int32
    assert torch.equal(seen["objects"], torch.where(known, target, 0).int() * 7)


@pytest.mark.parametrize("text", ["flip", "vflip", "crop=5", "crop=5:zero"])
def test_whole_pixel_moves_are_exact(text: str) -> None:
    picture = torch.randint(0, 200, (50, 1, 9, 9), dtype=torch.uint8, generator=drawn(3))
    given = Batch({"input": picture, "target": picture[:, 0].clone()}, torch.arange(50))
    seen = parse(text)(given, drawn())
    known = seen["target"] != IGNORED
    assert torch.equal(seen["target"][known], seen["input"][:, 0][known])


def test_what_comes_from_beyond_the_edge_counts_nowhere() -> None:
    labels = torch.ones(2, 4, 5, dtype=torch.uint8)
    window = images.shifted(images.whole(labels[:, None]), torch.tensor([1, 0]), torch.tensor([-2, 0]))
    moved = images.labels_seen_through(labels, window, beyond=IGNORED)
    assert moved[0].tolist() == [[IGNORED, IGNORED, 1, 1, 1]] * 3 + [[IGNORED] * 5]
    assert torch.equal(moved[1], labels[1])
    turned = images.labels_warped(labels, images.shift(torch.tensor([0.4, 0.0]), torch.zeros(2)), beyond=IGNORED)
    assert turned[0].tolist() == [[1, 1, 1, IGNORED, IGNORED]] * 4
    assert torch.equal(turned[1], labels[1])


def test_a_quarter_turn_is_torchs() -> None:
    labels = torch.randint(0, 255, (1, 9, 9), dtype=torch.int32, generator=drawn(5))
    turned = images.labels_warped(labels, images.rotation(torch.tensor([90.0]), 9, 9), beyond=0)
    assert torch.equal(turned[0], torch.rot90(labels[0]))


def test_the_picture_is_the_one_that_is_drawn_without_a_mask() -> None:
    picture = waves(8)
    for text in MOVES:
        alone = parse(text)(Batch({"input": picture, "target": torch.arange(8)}, torch.arange(8)), drawn())
        assert torch.equal(alone["input"], parse(text)(batch(picture), drawn())["input"])
        assert alone["target"].tolist() == list(range(8))


def test_colour_and_cutout_leave_the_mask_alone() -> None:
    given = batch(waves().expand(-1, 3, -1, -1).contiguous())
    seen = parse("colour=0.5,cutout=8")(given, drawn())
    assert torch.equal(seen["target"], given["target"])
    assert not torch.equal(seen["input"], given["input"])


@pytest.mark.parametrize("part", ["mixup=0.2", "cutmix=1", "randaugment=2x9"])
def test_what_masks_cannot_follow_is_refused(part: str) -> None:
    name = part.split("=")[0]
    with pytest.raises(
        ConfigError, match=f"^--augment {name}: masks cannot be transformed along with the image; leave it out$"
    ):
        parse(f"flip,{part}").check_moves("masks")
    parse("flip,crop=2,rotate=3,resized-crop=0.5,colour=0.1,cutout=4").check_moves("masks")
