"""What layers answer, as maps."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sonde.explain.hooks import as_maps, as_used, hooked, places


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((2, 5, 3, 4), (2, 5, 3, 4)), ((2, 5), (2, 5, 1, 1)), ((2, 9, 5), (2, 5, 3, 3)), ((2, 10, 5), (2, 5, 3, 3))],
)
def test_answers_become_maps(shape: tuple[int, ...], expected: tuple[int, ...]):
    maps = as_maps(torch.zeros(shape))
    assert maps is not None
    assert tuple(maps.shape) == expected


def test_tokens_stand_where_their_patches_do_and_the_class_token_nowhere():
    tokens = torch.arange(10.0).view(1, 10, 1).repeat(1, 1, 2)
    maps = as_maps(tokens)
    assert maps is not None
    assert maps[0, 1].tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


@pytest.mark.parametrize(
    "answer", [torch.zeros(2, 12, 5), torch.zeros(2, 3, dtype=torch.int64), (1, 2), torch.zeros(3)]
)
def test_other_answers_are_none(answer: Any):
    assert as_maps(answer) is None


def network() -> nn.Sequential:
    layers = [nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(20, 2))


def test_a_layer_is_looked_at_behind_its_activation_and_before_its_pooling():
    model = network()
    layers = {"0": [model[0], model[1], model[2], model[3]], "4": [model[4], model[5]]}
    assert places(model, layers, torch.zeros(1, 3, 10, 10)) == {"0": model[2], "4": model[4]}


def test_the_first_the_middle_and_the_last_of_those_that_answer():
    model = nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(8)))
    layers = {str(place): [module] for place, module in enumerate(model)} | {"aside": [nn.Conv2d(3, 3, 1)]}
    assert list(places(model, layers, torch.zeros(1, 3, 4, 4))) == ["0", "4", "7"]
    assert list(places(model, {"2": [model[2]]}, torch.zeros(1, 3, 4, 4))) == ["2"]
    assert places(model, {}, torch.zeros(1, 3, 4, 4)) == {}


def test_dense_layers_are_looked_at_where_there_are_no_others():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.ReLU(), nn.Linear(4, 4))
    dense = {"1": [model[1], model[2]], "3": [model[3]]}
    assert places(model, dense, torch.zeros(1, 3, 2, 2)) == {"1": model[2], "3": model[3]}
    both = nn.Sequential(nn.Conv2d(3, 3, 1), *model)
    layers = {"0": [both[0]], **dense}
    assert places(both, layers, torch.zeros(1, 3, 2, 2)) == {"0": both[0]}


def test_a_module_that_answers_twice_is_seen_once_and_hooks_leave_nothing_behind():
    activation = nn.ReLU()
    model = nn.Sequential(nn.Conv2d(1, 2, 1), activation, nn.Conv2d(2, 3, 1), activation)
    seen: list[Tensor] = []
    with hooked([activation, activation], lambda module, maps: seen.append(maps)):
        model(torch.ones(1, 1, 2, 2))
    model(torch.ones(1, 1, 2, 2))
    assert [tuple(maps.shape) for maps in seen] == [(1, 2, 2, 2)]


def refuse(graph: Any, inputs: Any) -> Any:
    raise AssertionError("compiled")


def test_compiled_code_is_not_run_and_modes_are_put_back():
    model = network()
    model[1].eval()
    model.forward = torch.compile(model.forward, backend=refuse)
    seen: list[Tensor] = []
    with as_used(model), hooked([model[0]], lambda module, maps: seen.append(maps)):
        assert not any(module.training for module in model.modules())
        model(torch.zeros(1, 3, 10, 10))
    assert len(seen) == 1
    assert [module.training for module in model] == [True, False, True, True, True, True, True]
