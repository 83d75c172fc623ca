"""RandAugment: a few operations drawn at random for each image, all at one magnitude.

Source: Cubuk et al. 2020, arXiv:1909.13719; operations and ranges of their table as torchvision has them (31 levels).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from sonde.augment import colour, images

LEVELS = 30  # highest magnitude

Operation = Callable[[Tensor, Tensor], Tensor]
"""(pictures (B, C, H, W), strength (B,) in -1..1) -> pictures."""


def _shear_x(pictures: Tensor, strength: Tensor) -> Tensor:
    height, width = pictures.shape[2:]
    return images.warped(pictures, images.shear(0.3 * strength * height / width, torch.zeros_like(strength)))


def _shear_y(pictures: Tensor, strength: Tensor) -> Tensor:
    height, width = pictures.shape[2:]
    return images.warped(pictures, images.shear(torch.zeros_like(strength), 0.3 * strength * width / height))


OPERATIONS: dict[str, Operation] = {
    "identity": lambda pictures, strength: pictures,
    "shear-x": _shear_x,
    "shear-y": _shear_y,
    "translate-x": lambda pictures, strength: images.warped(pictures, images.shift(150 / 331 * strength, 0 * strength)),
    "translate-y": lambda pictures, strength: images.warped(pictures, images.shift(0 * strength, 150 / 331 * strength)),
    "rotate": lambda pictures, strength: images.warped(pictures, images.rotation(30 * strength, *pictures.shape[2:])),
    "brightness": lambda pictures, strength: colour.brightened(pictures, 1 + 0.9 * strength),
    "colour": lambda pictures, strength: colour.saturated(pictures, 1 + 0.9 * strength),
    "contrast": lambda pictures, strength: colour.contrasted(pictures, 1 + 0.9 * strength),
    "sharpness": lambda pictures, strength: colour.sharpened(pictures, 1 + 0.9 * strength),
    "posterise": lambda pictures, strength: colour.posterised(pictures, 8 - (4 * strength.abs()).round()),
    "solarise": lambda pictures, strength: colour.solarised(pictures, 1 - strength.abs()),
    "stretch": lambda pictures, strength: colour.stretched(pictures),
    "equalise": lambda pictures, strength: colour.equalised(pictures),
}


def rand_augment(pictures: Tensor, count: int, magnitude: int, generator: torch.Generator) -> Tensor:
    """Float (B, C, H, W) in 0..1 -> the same after `count` operations each, of strength `magnitude` in 0..30."""
    changed = pictures.clone()
    for _ in range(count):
        drawn = torch.randint(len(OPERATIONS), (len(pictures),), generator=generator)
        sign = torch.randint(2, (len(pictures),), generator=generator) * 2.0 - 1
        for number, operation in enumerate(OPERATIONS.values()):
            chosen = (drawn == number).nonzero().view(-1)
            if not len(chosen):
                continue
            place = chosen.to(pictures.device)
            strength = sign[chosen] * (magnitude / LEVELS)
            changed[place] = operation(changed[place], strength)
    return changed
