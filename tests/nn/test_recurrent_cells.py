import pytest
import torch
from torch import Tensor, nn

from sonde.nn.recurrent import KERNELS
from sonde.nn.recurrent_cells import CELLS, Kind, Weights, unrolled, weights_of

KINDS: list[Kind] = ["rnn", "lstm", "gru"]


def kernel(kind: Kind, **settings: object) -> nn.RNNBase:
    torch.manual_seed(0)
    return KERNELS[kind](5, 7, batch_first=True, **settings).double()  # type: ignore[arg-type]


def stacked(states: list[tuple[Tensor, ...]]) -> Tensor:
    """The hidden states (B, T, D)."""
    return torch.stack([state[0] for state in states], 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_is_torchs_kernel_step_by_step_with_its_gradients(kind: Kind) -> None:
    module = kernel(kind)
    values = torch.randn(3, 11, 5, dtype=torch.float64, requires_grad=True)
    expected, last = module(values)
    states = unrolled(kind, values, weights_of(module))
    torch.testing.assert_close(stacked(states), expected, rtol=0, atol=1e-14)
    for ours, theirs in zip(states[-1], last if kind == "lstm" else (last,), strict=True):
        torch.testing.assert_close(ours, theirs[0], rtol=0, atol=1e-14)
    weights = tuple(module.parameters())
    gradients = torch.autograd.grad(stacked(states).square().sum(), (values, *weights))
    wanted = torch.autograd.grad(expected.square().sum(), (values, *weights))
    for ours, theirs in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_stacked_and_both_ways_is_cells_on_what_cells_said(kind: Kind) -> None:
    module = kernel(kind, num_layers=2, bidirectional=True)
    values = torch.randn(3, 8, 5, dtype=torch.float64)
    read = values
    for layer in (0, 1):
        forwards = stacked(unrolled(kind, read, weights_of(module, layer)))
        backwards = stacked(unrolled(kind, read.flip(1), weights_of(module, layer, backward=True))).flip(1)
        read = torch.cat([forwards, backwards], -1)
    torch.testing.assert_close(read, module(values)[0], rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_going_on_from_a_state_is_going_on(kind: Kind) -> None:
    weights, values = weights_of(kernel(kind)), torch.randn(2, 9, 5, dtype=torch.float64)
    whole = unrolled(kind, values, weights)
    first = unrolled(kind, values[:, :4], weights)
    rest = unrolled(kind, values[:, 4:], weights, first[-1])
    assert torch.equal(stacked(first + rest), stacked(whole))


def test_an_open_forget_gate_keeps_the_cell_and_a_shut_one_forgets_it() -> None:
    gates = torch.tensor([-50.0, 50.0, 0.0, 50.0])  # in shut, forget open, new, out open
    weights = Weights(torch.zeros(4, 1), torch.zeros(4, 1), gates, torch.zeros(4))
    kept = CELLS["lstm"](torch.ones(1, 1), (torch.zeros(1, 1), torch.full((1, 1), 0.7)), weights)
    assert kept[1].item() == pytest.approx(0.7)
    assert kept[0].item() == pytest.approx(torch.tensor(0.7).tanh().item())
    shut = weights._replace(input_bias=torch.tensor([-50.0, -50.0, 0.0, 50.0]))
    assert CELLS["lstm"](torch.ones(1, 1), kept, shut)[1].item() == pytest.approx(0.0)
