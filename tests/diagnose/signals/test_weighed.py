"""Norms of weights, against torch's own of each."""

import pytest
import torch
from torch import nn

from sonde.diagnose.signals.weighed import MOST_COPIED, Weighed
from sonde.models.tabular import MemberLinear


def weighed(net: nn.Module) -> Weighed:
    return Weighed(net, {id(p): name for name, p in net.named_parameters()})


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.complex64])
def test_norms_are_those_of_the_tensors(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    net = nn.ParameterDict({"a": torch.randn(5, 3, dtype=dtype), "b": torch.randn(2, 4, dtype=torch.float32)})
    looking = weighed(net)
    before = looking.before()
    old = {name: p.detach().clone() for name, p in net.items()}
    for p in net.values():
        p.grad = torch.randn_like(p)
        p.data -= 0.5 * p.grad
    sizes, gradients, updates = looking.after(before)
    for place, (name, p) in enumerate(net.items()):
        assert float(sizes[place]) == pytest.approx(float(old[name].abs().float().norm()), rel=1e-2)
        assert p.grad is not None
        assert float(gradients[place]) == pytest.approx(float(p.grad.abs().float().norm()), rel=1e-2)
        assert float(updates[place]) == pytest.approx(float((p.detach() - old[name]).abs().float().norm()), rel=1e-2)


def test_a_weight_without_a_gradient_has_none() -> None:
    looking = weighed(nn.Linear(3, 2))
    _, gradients, updates = looking.after(looking.before())
    assert (gradients.tolist(), updates.tolist()) == ([0.0], [0.0])


def test_of_a_large_weight_rows_evenly_between_are_copied() -> None:
    net = nn.Linear(1000, 2000, bias=False)
    looking = weighed(net)
    (held,) = looking.weights
    (copy,) = looking.before()
    assert copy.numel() == held.seen <= MOST_COPIED
    assert (held.entries, held.fan, held.inputs, held.stride) == (2_000_000, 1000, 1000, 8)
    assert torch.equal(copy, net.weight.detach()[::8])


def test_a_network_without_weights_is_none() -> None:
    looking = weighed(nn.ReLU())
    assert [len(each) for each in looking.after(looking.before())] == [0, 0, 0]


def test_what_is_looked_up_or_multiplies_is_told_from_what_is_added_up() -> None:
    net = nn.ModuleDict(
        {
            "table": nn.Embedding(50, 128),
            "first": MemberLinear(128, 64, 8, spread=1.0),
            "next": MemberLinear(64, 32, 8),
            "own": nn.ParameterList([torch.ones(4, 64), torch.randn(4, 64), torch.zeros(4, 64)]),
            "head": nn.Linear(32, 2),
        }
    )
    found = {each.name: each.summed for each in weighed(net).weights}
    assert [name for name, summed in found.items() if not summed] == [
        "table.weight",
        *(f"{layer}.{scale}" for layer in ("first", "next") for scale in ("input_scale", "output_scale")),
        "own.0",
    ]


def test_a_table_that_is_normalised_is_looked_at_without_a_step_of_its_norm() -> None:
    """Asking for its weight takes a step of the spectral norm's own, which a run without the doctor does not take."""
    table = nn.utils.parametrizations.spectral_norm(nn.Embedding(5, 3))
    before = {name: value.clone() for name, value in table.state_dict().items()}
    assert [each.summed for each in weighed(table).weights] == [False]
    assert all(torch.equal(value, before[name]) for name, value in table.state_dict().items())
