"""Outputs of several parts, and pairs of output and target that broadcasting makes nonsense of."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sonde.core.errors import ConfigError
from sonde.tasks.custom.outputs import check_loss_of, named_outputs, own_loss, refuse_broadcast, row_of

A, B = torch.arange(8.0).view(4, 2), torch.arange(4.0)


@dataclass
class Held:
    logits: Tensor
    hidden: tuple[Tensor, ...]
    loss: Tensor | None = None


class Named(NamedTuple):
    mean: Tensor
    scale: Tensor


@pytest.mark.parametrize(
    ("output", "names"),
    [
        (A, ["output"]),
        ((A, B), ["output_1", "output_2"]),
        ([A, None, B], ["output_1", "output_3"]),
        ({"logits": A, "loss": torch.tensor(1.0)}, ["logits"]),
        (Held(A, (A, B)), ["logits", "hidden"]),
        (Named(A, B), ["mean", "scale"]),
    ],
)
def test_parts_with_a_value_for_each_row_are_named(output: Any, names: list[str]) -> None:
    assert list(named_outputs(output, 4)) == names


def test_rows_of_parts_are_numbers_and_lists() -> None:
    found = named_outputs(Held(A, (A, B)), 4)
    assert row_of(found["logits"], 1) == [2.0, 3.0]
    assert row_of(found["hidden"], 1) == [[2.0, 3.0], 1.0]
    with pytest.raises(ConfigError, match="the network returned a dict of loss .*, which holds no tensor of 4 rows"):
        named_outputs({"loss": torch.tensor(1.0)}, 4)


def test_the_loss_of_an_output() -> None:
    assert own_loss({"loss": B[0]}) is not None
    assert own_loss(Held(A, (), B.sum())) == 6
    with pytest.raises(ConfigError, match=r"a plain module needs loss=.* this one returned a tensor \(4, 2\) float32"):
        own_loss(A)


def squeezed(output: Tensor, target: Tensor) -> Tensor:
    return F.mse_loss(output.squeeze(1), target)


def viewed(output: Tensor, target: Tensor) -> Tensor:
    return F.mse_loss(output, target.view(-1, 1))


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("target", [torch.rand(6), torch.zeros(6), torch.ones(6, dtype=torch.int64)])
@pytest.mark.parametrize("output", [torch.rand(6, 1), torch.zeros(6, 1)])
def test_only_what_is_computed_otherwise_is_refused(output: Tensor, target: Tensor) -> None:
    for function in (F.mse_loss, F.l1_loss, lambda o, t: ((o > 0.5) == t).float().mean(), nn.MSELoss()):
        with pytest.raises(ConfigError, match=r"score compares outputs \(6, 1\) with targets \(6,\), .* to \(6, 6\)"):
            refuse_broadcast(function, output, target, "score", function)
        with pytest.raises(ConfigError, match=r"outputs \(6,\) with targets \(6, 1\)"):
            refuse_broadcast(function, output[:, 0], target[:, None], "score", function)
        refuse_broadcast(function, output, target[:, None], "score", function)
    for fair in (
        squeezed,
        viewed,
        lambda o, t: F.mse_loss(o.flatten(), t.flatten()),
        lambda o, t: o.mean() - t.float().mean(),
    ):
        refuse_broadcast(fair, output, target, "score", fair)
    refuse_broadcast(F.binary_cross_entropy_with_logits, output, target, "score", F.mse_loss)  # refuses it by itself


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_looking_leaves_random_streams_and_a_losss_state_alone() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, output: Tensor, target: Tensor) -> Tensor:
            self.calls += 1
            return (output.flatten() - target + 0 * torch.rand(1)).square().mean()

    loss, before = Counting(), torch.get_rng_state()
    check_loss_of(loss, torch.rand(6, 1, generator=torch.Generator()), [torch.zeros(6)], {}, "the loss")
    assert loss.calls == 0
    assert torch.equal(torch.get_rng_state(), before)
