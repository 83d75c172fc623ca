"""What excites channels, against networks whose filters and sights are known."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sonde.explain.top_activations import CHANNELS, PATCHES, TooSlow, box, selective, sight, top_activations


def reading(images: Tensor):
    def read(rows: Sequence[int]) -> Tensor:
        return images[list(rows)]

    return read


def averaging(depth: int) -> nn.Sequential:
    """3x3 means one after another."""
    layers = [nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(depth)]
    for layer in layers:
        layer.weight.data.fill_(1 / 9)
    return nn.Sequential(*layers)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_place_behind_n_convolutions_of_3x3_sees_2n_plus_1_pixels(depth: int):
    images = torch.zeros(30, 1, 21, 21)
    images[torch.arange(30), 0, 8 + torch.arange(30) % 5, 10] = 1 + torch.arange(30.0)
    model = averaging(depth)
    found, rows = top_activations(model, {"last": [model[-1]]}, reading(images), range(30), seconds=100)
    assert rows == 30
    assert found[0].side == 2 * depth + 1


def test_the_sight_of_a_gaussian_is_that_of_its_closed_form():
    grid = np.arange(201) - 100.0
    gaussian = np.exp(-(grid[:, None] ** 2 + grid[None] ** 2) / 2 / 12**2)
    # a square of half side r holds erf(r / (sigma sqrt 2))^2, which is 0.9 at r = 1.948 sigma
    assert sight(gaussian) == pytest.approx(2 * 1.948 * 12, abs=1.5)
    assert sight(np.zeros((4, 4))) == 0


def test_the_images_and_places_of_a_planted_pattern_are_found():
    generator = torch.Generator().manual_seed(0)
    images = 0.1 * torch.rand(40, 1, 16, 16, generator=generator)
    cross = torch.tensor([[1.0, 0, 1], [0, 1, 0], [1, 0, 1]])
    planted = {3: (2, 9), 11: (12, 1), 17: (0, 0), 20: (7, 7), 29: (13, 13), 38: (5, 11)}  # row -> top, left
    for strength, (row, (top, left)) in enumerate(planted.items()):
        images[row, 0, top : top + 3, left : left + 3] += (1 + 0.1 * strength) * cross
    convolution = nn.Conv2d(1, 3, 3, bias=False)
    convolution.weight.data[0] = -1  # is never excited
    convolution.weight.data[1] = 2 * cross - 1
    convolution.weight.data[2] = 0.01
    model = nn.Sequential(convolution, nn.ReLU())
    order = [39 - row for row in range(40)]  # rows need not come in order
    (layer,), looked_at = top_activations(model, {"0": [model[0], model[1]]}, reading(images), order, seconds=100)
    assert (layer.name, layer.channels, layer.side, looked_at) == ("0", 3, 3, 40)
    channel = layer.shown[0]
    assert [one.number for one in layer.shown] == [1, 2]
    assert channel.rows == (38, 29, 20, 17, 11, 3)
    for row, (left, top, right, bottom) in zip(channel.rows, channel.boxes, strict=True):
        assert (right - left, bottom - top) == (3, 3)
        assert abs(top - planted[row][0]) <= 1  # without padding the middle of a map's cell is off by one at most
        assert abs(left - planted[row][1]) <= 1


def test_a_dense_layer_sees_the_whole_image():
    images = torch.rand(30, 1, 6, 9, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(54, 8), nn.ReLU(), nn.Linear(8, 2))
    (layer,), _ = top_activations(model, {"1": [model[1], model[2]]}, reading(images), range(30), seconds=100)
    assert {one for channel in layer.shown for one in channel.boxes} == {(0, 0, 9, 6)}
    answers = model[:3](images)
    for channel in layer.shown:
        assert list(channel.rows) == answers[:, channel.number].argsort(descending=True)[:PATCHES].tolist()


def test_selective_channels_stand_out_from_all_others():
    value = np.random.default_rng(0).random((50, 10))
    value[:, 2] = 0  # dead
    value[:, 5] = 0
    value[:3, 5] = 9  # excited by too few
    value[4:10, 7] = 20
    value[4:10, 8] = 40  # by the same strongest row
    value[4, 7:9] = 50
    found = selective(value)
    assert len(found) == CHANNELS
    assert found[0] in (7, 8)
    assert not {2, 5} & set(found)
    assert not {7, 8} <= set(found)  # there are enough others


def test_the_same_strongest_row_is_better_than_nothing():
    value = np.linspace(3, 1, 20)[:, None] ** np.array([[1.0, 2, 3]])
    assert sorted(selective(value)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("place", "size", "side", "shape", "expected"),
    [
        (0, (5, 5), 3, (5, 5), (0, 0, 3, 3)),  # moved into the image
        (12, (5, 5), 3, (5, 5), (1, 1, 4, 4)),
        (24, (5, 5), 3, (5, 5), (2, 2, 5, 5)),
        (1, (2, 4), 40, (8, 16), (0, 0, 16, 8)),  # larger than the image
        (6, (2, 4), 4, (8, 16), (8, 4, 12, 8)),
    ],
)
def test_boxes_lie_inside(place: int, size: tuple[int, int], side: int, shape: tuple[int, int], expected):
    assert box(place, size, side, shape) == expected


def test_what_would_take_too_long_is_refused():
    model = averaging(1)
    with pytest.raises(TooSlow, match=r"the network needs .* s per image, too slow to process enough of them"):
        top_activations(model, {"0": [model[0]]}, reading(torch.zeros(30, 1, 8, 8)), range(30), seconds=0)


def test_a_network_that_is_a_head_alone_has_no_layers():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    assert top_activations(model, {}, reading(torch.zeros(30, 1, 4, 4)), range(30), seconds=9) == ([], 0)


def test_nothing_of_the_network_changes():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(0.5)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    layers = {"0": list(model)}
    with torch.no_grad():
        found, _ = top_activations(model, layers, reading(torch.rand(40, 1, 9, 9)), range(40), seconds=100)
    assert found
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training
