"""Features of rows by a fixed network that was never trained, so that sets of rows can be compared without another model."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

SEED = 0
SIDE = 8  # pixels to which images are averaged
FILTERS = (32, 64)


def random_features(shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    """A function from (B, *shape) to (B, features) float32.

    Of images (C, H, W): the picture at 8 x 8 pixels, which shows what is where, and the mean response of two layers of random
    filters in each quarter, which shows strokes and texture. Of other rows their numbers.
    The filters are the same in every run: distances of different runs can be compared where images have one shape.
    """
    if len(shape) != 3:
        return lambda rows: rows.flatten(1).float()
    drawn = torch.Generator().manual_seed(SEED)
    first = torch.randn(FILTERS[0], shape[0], 5, 5, generator=drawn) / (25 * shape[0]) ** 0.5
    second = torch.randn(FILTERS[1], FILTERS[0], 3, 3, generator=drawn) / (9 * FILTERS[0] / 2) ** 0.5
    size = (min(SIDE, shape[1]), min(SIDE, shape[2]))

    def features(rows: Tensor) -> Tensor:
        rows = rows.float()
        small = F.adaptive_avg_pool2d(rows, size).flatten(1)
        maps = F.relu(F.conv2d(rows, first.to(rows.device), stride=2, padding=2))
        maps = F.relu(F.conv2d(maps, second.to(rows.device), stride=2, padding=1))
        return torch.cat([small, F.adaptive_avg_pool2d(maps, 2).flatten(1)], 1)

    return features
