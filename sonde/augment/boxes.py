"""Augmentation of images whose objects are marked by boxes: pixels and boxes move together, boxes that vanish are dropped."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from sonde.augment import images
from sonde.augment.colour import randomly_jittered
from sonde.augment.parse import ABOVE_ZERO, Reader, number, read_parts
from sonde.core.batch import Batch
from sonde.core.boxes import area, clipped
from sonde.core.letterbox import GREY

VISIBLE = 0.3  # share of an object that must be left in the picture for its box to stay
SMALLEST = 2.0  # pixels: a box with a shorter side holds nothing that can be learned

# B images, N objects of each, C channels, H height, W width


@dataclass(frozen=True, kw_only=True)
class BoxPolicy:
    """Augmentation of `input` (B, C, H, W), uint8 or float in 0..1, and `target` (B, N, 5); 0 leaves a part out.

    All parameters are drawn from the generator that is given, on the host, so a GPU sees the same as a CPU.
    """

    flip: float = 0.0  # probability of mirroring left to right
    vflip: float = 0.0  # and top to bottom
    mosaic: float = 0.0  # probability that a batch shows parts of squares of four images (arXiv:2004.10934, 3.3)
    scale: float = 0.0  # images are shown 1 - scale to 1 + scale times as large, at any place
    colour: float = 0.0  # brightness, contrast, saturation times 1 ± this; hue by a tenth of a circle times this

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The batch with changed `input` and `target`, which then has as many places as its fullest image needs."""
        pictures, target = batch["input"], batch["target"]
        size = pictures.shape[2], pictures.shape[3]
        if self.flip or self.vflip:
            across, upside = torch.rand(2, len(pictures), generator=generator)
            pictures, target = mirrored(pictures, target, across < self.flip, upside < self.vflip)
        squares = bool(torch.rand((), generator=generator) < self.mosaic)
        if squares:
            pictures, target = four_in_one(pictures, target, generator)
        if squares or self.scale:
            enlarged, across, down = torch.rand(3, len(pictures), generator=generator)
            pictures, target = seen_at(pictures, target, size, 1 + self.scale * (2 * enlarged - 1), across, down)
        if self.colour:
            pictures = randomly_jittered(images.as_float(pictures), self.colour, generator)
        return Batch({**batch.fields, "input": pictures, "target": packed(target)}, batch.index)


def mirrored(pictures: Tensor, target: Tensor, across: Tensor, upside: Tensor) -> tuple[Tensor, Tensor]:
    """Left to right where `across` (B,) bool, top to bottom where `upside` (B,) bool."""
    height, width = pictures.shape[2:]
    pictures = images.seen_through(pictures, images.flipped(images.whole(pictures), across=across, upside=upside))
    across, upside = across.to(target.device)[:, None], upside.to(target.device)[:, None]
    kind, left, top, right, bottom = target.unbind(-1)
    sides = [
        kind,
        torch.where(across, width - right, left),
        torch.where(upside, height - bottom, top),
        torch.where(across, width - left, right),
        torch.where(upside, height - top, bottom),
    ]
    return pictures, torch.stack(sides, -1)


def four_in_one(pictures: Tensor, target: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """(B, C, 2H, 2W) and (B, 4N, 5): each image at the upper left of a square with three others of its batch."""
    count, _, height, width = pictures.shape
    others = [torch.randperm(count, generator=generator).to(pictures.device) for _ in range(3)]
    first, second, third, fourth = pictures, *(pictures.index_select(0, places) for places in others)
    square = torch.cat([torch.cat([first, second], 3), torch.cat([third, fourth], 3)], 2)
    tiles = [target]
    for places, (right, down) in zip(others, ((width, 0), (0, height), (width, height)), strict=True):
        tiles.append(target.index_select(0, places) + target.new_tensor([0, right, down, right, down]))
    return square, torch.cat(tiles, 1)


def seen_at(
    pictures: Tensor, target: Tensor, size: tuple[int, int], scale: Tensor, across: Tensor, down: Tensor
) -> tuple[Tensor, Tensor]:
    """Float images of `size` (height, width) that show a part of each, or all of it with grey around.

    scale: (B,) how large it is shown;  across, down: (B,) in [0, 1], where in the room that is left, or over, it lies
    Boxes are cut at the edges; an object of which less than a third is left in the picture has none any more.
    """
    height, width = size
    left = across * (width - scale * pictures.shape[3])  # of the image, in pixels of the result
    top = down * (height - scale * pictures.shape[2])
    shown = _sampled(images.as_float(pictures), size, scale, left, top)
    move = torch.stack([left, top, left, top], -1).to(target.device, target.dtype)
    moved = target[..., 1:] * scale.to(target.device, target.dtype)[:, None, None] + move[:, None]
    boxes = clipped(moved, float(height), float(width))
    sides = (boxes[..., 2:] - boxes[..., :2]).amin(-1)
    stays = (target[..., 0] >= 0) & (area(boxes) >= VISIBLE * area(moved)) & (sides >= SMALLEST)
    return shown, torch.cat([torch.where(stays, target[..., 0], -1)[..., None], boxes], -1)


def packed(target: Tensor) -> Tensor:
    """(B, N, 5) -> (B, M, 5) with the objects first, in their order, and M as many as the fullest image has."""
    filled = target[..., 0] >= 0
    order = filled.to(torch.uint8).argsort(dim=1, descending=True, stable=True)
    most = int(filled.sum(1).max()) if target.shape[1] else 0
    chosen = target.gather(1, order[:, :most, None].expand(-1, -1, 5))
    empty = target.new_tensor([-1, 0, 0, 0, 0])
    return torch.where(chosen[..., :1] >= 0, chosen, empty)


def _sampled(pictures: Tensor, size: tuple[int, int], scale: Tensor, left: Tensor, top: Tensor) -> Tensor:
    """Bilinear; what lies outside the image is grey."""
    device, dtype = pictures.device, pictures.dtype
    places = []
    for length, source, start in ((size[1], pictures.shape[3], left), (size[0], pictures.shape[2], top)):
        middles = torch.arange(length, device=device, dtype=dtype) + 0.5
        start, each = start.to(device, dtype)[:, None], scale.to(device, dtype)[:, None]
        places.append((middles - start) / (each * source) * 2 - 1)  # (B, length) from -1 to 1 over the image
    grid = torch.empty(len(pictures), *size, 2, device=device, dtype=dtype)
    grid[..., 0], grid[..., 1] = places[0][:, None, :], places[1][:, :, None]
    grey = GREY / 255
    return F.grid_sample(pictures - grey, grid, mode="bilinear", padding_mode="zeros", align_corners=False) + grey


def parse_boxes(text: str) -> BoxPolicy:
    """A policy from text such as "flip,scale=0.5,mosaic"; "none" and "" change nothing.

    Raises: ConfigError for an unknown name (with the nearest), a value out of range, a name that comes twice

    >>> parse_boxes("flip,scale=0.4")
    BoxPolicy(flip=0.5, vflip=0.0, mosaic=0.0, scale=0.4, colour=0.0)
    """
    kind = "augmentation of images with boxes"
    return BoxPolicy(**read_parts(text, READERS, kind=kind, defaults=dict.fromkeys(("flip", "vflip", "mosaic"), "0.5")))


READERS: dict[str, tuple[Reader, str]] = {
    "flip": (number("flip", float, 0, 1), "write flip, or flip=P with a probability P in 0..1"),
    "vflip": (number("vflip", float, 0, 1), "write vflip, or vflip=P with a probability P in 0..1"),
    "mosaic": (number("mosaic", float, 0, 1), "write mosaic, or mosaic=P with a probability P in 0..1"),
    "scale": (number("scale", float, ABOVE_ZERO, 0.9), "write scale=S with a share S in 0..0.9"),
    "colour": (number("colour", float, ABOVE_ZERO, 1), "write colour=S with a strength S in 0..1"),
}
READERS["color"] = READERS["colour"]
