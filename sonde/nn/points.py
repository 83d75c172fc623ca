"""The places from which a dense detector predicts: the middles of the cells of its feature maps."""

from collections.abc import Sequence

import torch
from torch import Tensor


def cells(side: int, stride: int) -> int:
    """Cells along a side of so many pixels; the last may reach beyond the edge, as padded convolutions do.

    >>> cells(240, 32), cells(256, 32)
    (8, 8)
    """
    return -(-side // stride)


def point_grid(height: int, width: int, strides: Sequence[int], device: torch.device | None = None) -> Tensor:
    """(P, 3) float: x, y and stride of each cell's middle, maps in the order of `strides`, each row by row.

    height, width: of the image in pixels
    """
    found = []
    for stride in strides:
        y, x = torch.meshgrid(
            (torch.arange(cells(height, stride), device=device) + 0.5) * stride,
            (torch.arange(cells(width, stride), device=device) + 0.5) * stride,
            indexing="ij",
        )
        found.append(torch.stack([x, y, torch.full_like(x, stride)], -1).flatten(0, 1))
    return torch.cat(found)
