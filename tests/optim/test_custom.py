"""Optimisers that are not ours: which settings they read, and copies that share parameters and nothing else."""

import inspect
from typing import Any, get_args

import pytest
import torch
from torch import nn

from sonde.core.config import OptimConfig, OptimizerName
from sonde.core.errors import ConfigError
from sonde.core.given_object import GivenObject, text_of
from sonde.optim.build import build_optimizer
from sonde.optim.custom import (
    OURS,
    SETTINGS,
    check_parameters,
    class_of,
    copy_of_optimizer,
    defaults,
    needs_closure,
    reads,
    torch_classes,
)


def weights() -> list[nn.Parameter]:
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(3, 2)), nn.Parameter(torch.randn(3))]


def moved(optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], steps: int = 3) -> None:
    for _ in range(steps):

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            value: torch.Tensor = sum((parameter**2).sum() for parameter in parameters)  # type: ignore[assignment]
            value.backward()
            return value

        optimizer.step(closure)  # type: ignore[arg-type]


def test_every_optimiser_of_torch_has_its_name() -> None:
    kinds = {
        n for n, kind in vars(torch.optim).items() if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)
    }
    assert {name.lower() for name in kinds} - {"optimizer"} <= set(get_args(OptimizerName))
    assert set(torch_classes()) | set(OURS) == set(get_args(OptimizerName))


@pytest.mark.parametrize("name", sorted(torch_classes()))
def test_a_name_has_the_defaults_of_its_class(name: str) -> None:
    kind = torch_classes()[name]
    usual = {key: entry.default for key, entry in inspect.signature(kind).parameters.items()}
    assert defaults(kind)["lr"] == usual["lr"]
    assert set(reads(name)) == set(defaults(kind))
    config = OptimConfig(optimizer=name, **defaults(kind))  # type: ignore[arg-type]
    ours, theirs = weights(), weights()
    made = build_optimizer(config, [(str(i), p) for i, p in enumerate(ours)], lr=usual["lr"], device_type="cpu")
    more: dict[str, Any] = {"line_search_fn": "strong_wolfe"} if name == "lbfgs" else {}
    if name == "sparseadam":  # takes gradients of sparse embeddings only
        assert isinstance(made, kind)
        return
    moved(made, ours)
    moved(kind(theirs, **more), theirs)  # type: ignore[call-arg]
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", ["adagrad", "radam", "nadam", "adamax", "adafactor", "adadelta", "asgd"])
def test_a_name_never_decays_biases_and_a_class_decays_as_torchs(name: str) -> None:
    kind = torch_classes()[name]
    named = [("weight", weights()[0]), ("bias", weights()[1])]
    config = OptimConfig(optimizer=name, weight_decay=0.1)  # type: ignore[arg-type]
    by_name = build_optimizer(config, named, lr=0.1, device_type="cpu")
    given = OptimConfig(optimizer=GivenObject(text_of(kind), kind), weight_decay=0.1)
    by_class = build_optimizer(given, named, lr=0.1, device_type="cpu")
    assert [group["weight_decay"] for group in by_name.param_groups] == [0.1, 0.0]
    assert [group["weight_decay"] for group in by_class.param_groups] == [0.1]


class Slow(torch.optim.Optimizer):
    """One with state of its own beside that of its parameters, and a base optimiser inside."""

    def __init__(self, parameters: Any, base: torch.optim.Optimizer) -> None:
        super().__init__(parameters, {"lr": 0.1})
        self.base, self.calls = base, 0

    def step(self, closure: Any = None) -> Any:
        self.calls += 1
        return self.base.step(closure)


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.LBFGS, torch.optim.Adagrad])
def test_a_twin_moves_the_same_parameters_with_a_state_of_its_own(kind: Any) -> None:
    parameters, alone = weights(), weights()
    first, reference = kind(parameters), kind(alone)
    moved(first, parameters, 2)
    moved(reference, alone, 2)
    before = str(first.state_dict()["state"])
    copy = copy_of_optimizer(first)
    moved(copy, parameters)
    moved(reference, alone)
    assert all(torch.equal(a, b) for a, b in zip(parameters, alone, strict=True))
    assert str(first.state_dict()["state"]) == before
    assert copy.param_groups[0]["params"][0] is parameters[0]


def test_a_twin_keeps_hooks_and_what_else_the_optimizer_holds() -> None:
    parameters = weights()
    slow = Slow(parameters, torch.optim.SGD(parameters, lr=0.1))
    seen: list[int] = []
    slow.register_step_post_hook(lambda optimizer, *rest: seen.append(optimizer.calls))
    copy = copy_of_optimizer(slow)
    moved(copy, parameters)
    assert (slow.calls, copy.calls, seen) == (0, 3, [1, 2, 3])  # type: ignore[attr-defined]
    assert copy.base.param_groups[0]["params"][0] is parameters[0]  # type: ignore[attr-defined]


def test_parameters_of_another_network_are_refused_and_frozen_ones_are_not() -> None:
    own, other = weights(), weights()
    own[1].requires_grad_(False)
    names = {id(parameter): str(number) for number, parameter in enumerate(own)}
    check_parameters(torch.optim.Adam(own), "x", phase="model", own=own, names=names)
    with pytest.raises(ConfigError, match=r"1 of its 3 parameters \(of shape \(3,\)\) are not the network's"):
        check_parameters(torch.optim.Adam([*own, other[1]]), "x", phase="model", own=own, names=names)


class Odd(torch.optim.SGD):
    def __init__(self, params: Any, **more: Any) -> None:
        super().__init__(params, **more)


def test_somebody_elses_class_is_called_with_what_its_signature_has() -> None:
    given = GivenObject("Odd", Odd)
    assert (reads(given), defaults(Odd)) == (("lr",), {})
    made = build_optimizer(OptimConfig(optimizer=given), [("w", weights()[0])], lr=0.3, device_type="cpu")
    assert made.param_groups[0]["lr"] == 0.3
    assert set(SETTINGS) == {name for names in OURS.values() for name in names}
    assert class_of("adam") is None
    assert not needs_closure(made)
