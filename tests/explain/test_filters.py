"""Filters as pictures, against weights written by hand."""

import pytest
import torch
from torch import nn

from sonde.explain.filters import MOST, Filters, first_filters


def filters_of(model: nn.Module, shape: tuple[int, ...]) -> Filters:
    found = first_filters(model, shape)
    assert isinstance(found, Filters), found
    return found


def test_each_filter_is_scaled_by_its_largest_weight_around_middle_grey():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 4, 3))
    weight = torch.tensor([[[-2.0, 0, 2], [0, 0, 0], [1, 0, -1]], [[0, 0, 0], [0, 0.1, 0], [0, 0, 0]]])
    model[0].weight.data = weight[:, None]
    found = filters_of(model, (1, 8, 8))
    assert (found.layer, found.count) == ("0", 2)
    assert found.pictures[:, 0].tolist() == [
        [[0, 128, 255], [128, 128, 128], [191, 128, 64]],
        [[128, 128, 128], [128, 255, 128], [128, 128, 128]],
    ]


def test_a_dense_layer_over_the_whole_image_has_filters_of_its_size():
    dense = nn.Linear(2 * 3 * 4, 5)
    dense.weight.data.zero_()
    dense.weight.data[3, 1 * 12 + 2 * 4 + 1] = -1  # channel 1, row 2, column 1
    found = filters_of(nn.Sequential(nn.Flatten(), dense), (2, 3, 4))
    assert found.pictures.shape == (5, 2, 3, 4)
    assert found.pictures[3, 1, 2, 1] == 0
    assert (found.pictures == 128).sum() == found.pictures.size - 1


def test_of_many_the_strongest_are_shown_in_their_order():
    model = nn.Conv2d(3, MOST + 2, 5)
    with torch.no_grad():
        for number in range(MOST + 2):
            model.weight[number] = 1.0
            model.weight[number, 0, 0, 0] = -(number % 50 + 1) * 10
    weak = [0, 50]  # the two of smallest norm
    found = filters_of(model, (3, 9, 9))
    assert (found.layer, found.count, len(found.pictures)) == ("Conv2d", MOST + 2, MOST)
    kept = [number for number in range(MOST + 2) if number not in weak]
    expected = [round(127.5 + 127.5 / (number % 50 + 1) / 10) for number in kept]
    assert found.pictures[:, 1, 2, 2].tolist() == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (nn.ReLU(), "it has neither a convolution nor a linear layer"),
        (nn.Conv2d(24, 8, 3), "its first layer, Conv2d, takes 24 channels that are not those of the image"),
        (nn.Sequential(nn.Conv2d(3, 8, 1)), "its first layer, 0, has filters of a single pixel"),
        (nn.Sequential(nn.Linear(5, 2)), "its first layer, 0, takes 5 numbers that are not pixels"),
    ],
)
def test_where_there_is_nothing_to_see_it_is_said(model: nn.Module, reason: str):
    found = first_filters(model, (3, 8, 8))
    assert isinstance(found, str)
    assert found.startswith(reason)
