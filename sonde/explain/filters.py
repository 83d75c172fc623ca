"""The filters of a network's first layer as pictures: the only weights that can be drawn directly."""

from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

MOST = 64  # filters shown


@dataclass(frozen=True, kw_only=True)
class Filters:
    """layer: whose they are;  count: how many there are;  pictures: (n, C, h, w) uint8, at most `MOST`."""

    layer: str
    count: int
    pictures: np.ndarray


def first_filters(model: nn.Module, shape: tuple[int, ...]) -> Filters | str:
    """Those of the first layer that learns, if it sees pixels; else why there are none to show.

    shape: (C, H, W) of an image. A dense layer that takes the whole image has filters of the image's size.
    Each filter is scaled by its own largest weight: 0 is middle grey, 127 away from it the largest weight.
    """
    found = next(
        ((name, m) for name, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)), (None, nn.Identity())
    )
    name, layer = found
    if name is None:
        return "it has neither a convolution nor a linear layer"
    name = name or type(layer).__name__
    weights = _over_pixels(layer, shape)
    if isinstance(weights, str):
        return f"its first layer, {name}, {weights}"
    strongest = weights.flatten(1).norm(dim=1).topk(min(MOST, len(weights))).indices.sort().values
    chosen = weights[strongest]
    largest = chosen.abs().amax((1, 2, 3), keepdim=True)
    scaled = chosen / torch.where(largest > 0, largest, 1.0)
    pictures = (127.5 + 127.5 * scaled).round().clamp(0, 255).to(torch.uint8).numpy()
    return Filters(layer=name, count=len(weights), pictures=pictures)


def _over_pixels(layer: nn.Module, shape: tuple[int, ...]) -> Tensor | str:
    """(n, C, h, w) on the host; else what the layer does instead."""
    if isinstance(layer, nn.Linear):
        if layer.in_features != prod(shape):
            return f"takes {layer.in_features} numbers that are not pixels"
        return layer.weight.detach().cpu().float().reshape(-1, *shape)
    assert isinstance(layer, nn.Conv2d)
    if layer.in_channels != shape[0] or layer.groups != 1:
        return f"takes {layer.in_channels} channels that are not those of the image"
    if max(layer.kernel_size) == 1:
        return "has filters of a single pixel"
    return layer.weight.detach().cpu().float()
