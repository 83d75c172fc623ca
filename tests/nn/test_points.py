import pytest
import torch
from torch import nn

from sonde.nn.points import cells, point_grid


def test_points_are_the_middles_of_cells_row_by_row_map_by_map():
    found = point_grid(16, 32, (8, 16))
    fine = [[x, y, 8] for y in (4, 12) for x in (4, 12, 20, 28)]
    assert found.tolist() == fine + [[8, 8, 16], [24, 8, 16]]


@pytest.mark.parametrize("side", [32, 33, 63, 240])
def test_there_are_as_many_cells_as_a_padded_convolution_leaves(side: int):
    maps = torch.zeros(1, 1, side, side)
    for _ in range(3):
        maps = nn.Conv2d(1, 1, 3, stride=2, padding=1)(maps)
    assert maps.shape[2] == cells(side, 8)
    assert len(point_grid(side, side, (8,))) == maps[0, 0].numel()
