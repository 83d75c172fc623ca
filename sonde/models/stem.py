"""The first layers of image networks: as published, for photographs, or with fewer halvings, for small images."""

from typing import Literal

from torch import nn

from sonde.core.errors import ConfigError

Stem = Literal["auto", "imagenet", "small"]

SMALL_IMAGE = 64  # pixels; up to here the published halvings would leave the last layers nothing to look at


def is_small(stem: Stem, shape: tuple[int, ...]) -> bool:
    """Whether images (C, H, W) get the small stem; auto: up to `SMALL_IMAGE` pixels."""
    return stem == "small" or (stem == "auto" and max(shape[1:]) <= SMALL_IMAGE)


def first_convolution(channels: int, width: int, *, small: bool) -> nn.Conv2d:
    """7x7 by stride 2, as residual and dense networks were published; 3x3 for small images."""
    if small:
        return nn.Conv2d(channels, width, 3, padding=1, bias=False)
    return nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)


def check_size(name: str, shape: tuple[int, ...], *, small: bool, least: dict[Stem, int]) -> None:
    """Raises: ConfigError for images (C, H, W) of fewer pixels than the stem leaves a place of.

    least: sides that leave one place after the last halving, for either stem
    """
    _, height, width = shape
    pixels = least["small" if small else "imagenet"]
    if min(height, width) < pixels:
        remedy = f"--image-size {pixels}" if small else f"--stem small or --image-size {pixels}"
        raise ConfigError(
            f"{name} needs images of at least {pixels}x{pixels} pixels, got {height}x{width}; use {remedy}"
        )
