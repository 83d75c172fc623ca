"""Which augmentations, how strong: parsed from text such as "flip,crop=4,cutout=8", applied to a batch of raw images."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from sonde.augment import images
from sonde.augment.colour import grey, randomly_jittered
from sonde.augment.mixing import mix
from sonde.augment.parse import ABOVE_ZERO, Reader, number, read_parts
from sonde.augment.randaugment import LEVELS, rand_augment
from sonde.core.batch import Batch
from sonde.core.dataset import IGNORED
from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Augmentation of `input` (B, C, H, W), uint8 or float in 0..1, before normalisation; 0 leaves a part out.

    Other fields that hold a whole number for every pixel, (B, H, W), such as the `target` of a segmentation, are moved along.
    All parameters are drawn from the generator that is given, on the host, so a GPU sees the same as a CPU.
    """

    flip: float = 0.0  # probability of mirroring left to right
    vflip: float = 0.0  # and top to bottom
    crop: int = 0  # pixels: shifted by up to this much
    padding: images.Padding = "reflect"  # what a shifted image shows beyond its edge
    resized_crop: float = 0.0  # smallest share of the area that is shown; ratio 3:4 to 4:3
    rotate: float = 0.0  # degrees: turned by up to this much either way
    colour: float = 0.0  # brightness, contrast, saturation times 1 ± this; hue by a tenth of a circle times this
    grey: float = 0.0  # probability of losing all colour
    randaugment: tuple[int, int] = (0, 0)  # operations per image, magnitude in 0..30
    cutout: int = 0  # pixels: side of the square that is filled
    mixup: float = 0.0  # alpha of the Beta distribution
    cutmix: float = 0.0  # alpha of the Beta distribution
    fill: tuple[float, ...] = ()  # of cutout, per channel in 0..1; middle grey without

    def filled_with(self, mean: tuple[float, ...]) -> "Policy":
        """The same, cutting out to the data's mean, which is 0 once normalised."""
        return replace(self, fill=mean)

    def check_moves(self, what: str) -> None:
        """Raises: ConfigError for parts that change the input in ways that `what`, such as "masks", cannot follow."""
        parts = {"mixup": self.mixup, "cutmix": self.cutmix, "randaugment": self.randaugment[0]}
        for name, strength in parts.items():
            if strength:
                raise ConfigError(f"--augment {name}: {what} cannot be transformed along with the image; leave it out")

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The batch with changed `input`, and with `mix_target` and `mix_weight` after mixing."""
        fields = self._moved(batch.fields, generator)
        pictures = fields["input"]
        if self.randaugment[0]:
            pictures = rand_augment(images.as_float(pictures), *self.randaugment, generator)
        if self.colour:
            pictures = randomly_jittered(images.as_float(pictures), self.colour, generator)
        if self.grey:
            pictures = self._greyed(pictures, generator)
        if self.cutout:
            pictures = self._cut(pictures, generator)
        batch = Batch({**fields, "input": pictures}, batch.index)
        return mix(batch, self.mixup, self.cutmix, generator) if self.mixup or self.cutmix else batch

    def _moved(self, fields: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """The fields with `input`, and the targets of its pixels, transformed together."""
        moved, pictures = dict(fields), fields["input"]
        labels = [name for name, field in fields.items() if field.ndim == 3 and not field.is_floating_point()]
        if self.resized_crop or self.rotate:
            maps = self._maps(pictures, generator)
            pictures = images.warped(images.as_float(pictures), maps)
            for name in labels:
                moved[name] = images.labels_warped(moved[name], maps, beyond=_beyond(name))
        if self.flip or self.vflip or self.crop:
            window = self._window(pictures, generator)
            pictures = images.seen_through(pictures, window, self.padding)
            for name in labels:
                moved[name] = images.labels_seen_through(moved[name], window, beyond=_beyond(name))
        return {**moved, "input": pictures}

    def _window(self, pictures: Tensor, generator: torch.Generator) -> images.Window:
        window = images.whole(pictures)
        if self.flip or self.vflip:
            across, upside = torch.rand(2, len(pictures), generator=generator)
            window = images.flipped(window, across=across < self.flip, upside=upside < self.vflip)
        if self.crop:
            down, right = torch.randint(-self.crop, self.crop + 1, (2, len(pictures)), generator=generator)
            window = images.shifted(window, down, right)
        return window

    def _maps(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        count, _, height, width = pictures.shape
        rotated = None
        if self.rotate:
            degrees = (torch.rand(count, generator=generator) * 2 - 1) * self.rotate
            rotated = images.rotation(degrees, height, width)
        if not self.resized_crop:
            assert rotated is not None
            return rotated
        area, ratio, across, down = torch.rand(4, count, generator=generator)
        area = self.resized_crop + (1 - self.resized_crop) * area
        ratio = ((ratio * 2 - 1) * math.log(4 / 3)).exp()
        zoomed = images.zoom(area, ratio, across, down)
        return zoomed if rotated is None else images.after(rotated, zoomed)

    def _greyed(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """A share of the images with the brightness of their pixels in every channel."""
        pictures = images.as_float(pictures)
        without = torch.rand(len(pictures), generator=generator).to(pictures.device) < self.grey
        return torch.where(without.view(-1, 1, 1, 1), grey(pictures), pictures)

    def _cut(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        _, channels, height, width = pictures.shape
        middle = torch.rand(2, len(pictures), generator=generator)
        top = (middle[0] * height).floor() - self.cutout // 2
        left = (middle[1] * width).floor() - self.cutout // 2
        fill = torch.tensor(self.fill or (0.5,) * channels)
        if pictures.dtype == torch.uint8:
            fill = (fill * 255).round()
        return images.cut_out(pictures, top, left, self.cutout, fill)


def _beyond(name: str) -> int:
    """What stands past the edge: a target that counts nowhere, and no object."""
    return IGNORED if name == "target" else 0


def parse(text: str) -> Policy:
    """A policy from text; "none" and "" change nothing.

    Raises: ConfigError for an unknown name (with the nearest), a value out of range, a name that comes twice

    >>> parse("flip,crop=4,randaugment=2x9")  # doctest: +ELLIPSIS
    Policy(flip=0.5, vflip=0.0, crop=4, ..., randaugment=(2, 9), ...)
    """
    return Policy(**read_parts(text, READERS, kind="augmentation", defaults=DEFAULTS))


def _crop(value: str) -> dict[str, Any]:
    pixels, has_padding, padding = value.partition(":")
    if has_padding and padding not in ("reflect", "zero"):
        raise ValueError
    found = number("crop", int, 1, 4096)(pixels)
    return {**found, "padding": padding} if has_padding else found


def _operations(value: str) -> dict[str, Any]:
    count, _, magnitude = value.partition("x")
    if not (1 <= int(count) <= 10 and 0 <= int(magnitude) <= LEVELS):
        raise ValueError
    return {"randaugment": (int(count), int(magnitude))}


READERS: dict[str, tuple[Reader, str]] = {
    "flip": (number("flip", float, 0, 1), "write flip, or flip=P with a probability P in 0..1"),
    "vflip": (number("vflip", float, 0, 1), "write vflip, or vflip=P with a probability P in 0..1"),
    "crop": (_crop, "write crop=N, or crop=N:zero, with N pixels of at least 1"),
    "resized-crop": (number("resized_crop", float, ABOVE_ZERO, 1), "write resized-crop=S with a share S of the area in 0..1"),
    "rotate": (number("rotate", float, ABOVE_ZERO, 180), "write rotate=D with degrees D in 0..180"),
    "colour": (number("colour", float, ABOVE_ZERO, 1), "write colour=S with a strength S in 0..1"),
    "grey": (number("grey", float, ABOVE_ZERO, 1), "write grey=P with a probability P in 0..1"),
    "randaugment": (_operations, "write randaugment=NxM with N operations in 1..10 of magnitude M in 0..30"),
    "cutout": (number("cutout", int, 1, 4096), "write cutout=N with N pixels of at least 1"),
    "mixup": (number("mixup", float, ABOVE_ZERO, 100), "write mixup, or mixup=A with alpha A in 0..100"),
    "cutmix": (number("cutmix", float, ABOVE_ZERO, 100), "write cutmix, or cutmix=A with alpha A in 0..100"),
}  # fmt: skip
READERS["color"] = READERS["colour"]

DEFAULTS = {"flip": "0.5", "vflip": "0.5", "mixup": "0.2", "cutmix": "1"}  # alphas of the papers on ImageNet
"""What parts are that are given by their name alone; the others must say how much."""
