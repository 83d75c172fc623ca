from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sonde.nn.attention import within
from sonde.nn.recurrent import KERNELS, Recurrent, reversed_rows
from sonde.nn.recurrent_cells import Kind

KINDS: list[Kind] = ["rnn", "lstm", "gru"]
LENGTHS = torch.tensor([9, 4, 1, 7])


def rows() -> Tensor:
    values = torch.randn(4, 9, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return values * within(LENGTHS, 9)[..., None]


def ours(kind: Kind, *, both_ways: bool, layers: int = 2) -> Recurrent:
    torch.manual_seed(0)
    return Recurrent(kind, 5, 7, layers=layers, both_ways=both_ways).double()


def torchs(layers: Recurrent) -> nn.RNNBase:
    """One module of torch's with the same weights."""
    both_ways = layers.backwards is not None
    module = KERNELS[layers.kind](5, 7, len(layers.forwards), batch_first=True, bidirectional=both_ways).double()
    state = {}
    for end, kernels in (("", layers.forwards), ("_reverse", layers.backwards or [])):
        for number, kernel in enumerate(kernels):
            state |= {f"{n.removesuffix('_l0')}_l{number}{end}": p for n, p in kernel.named_parameters()}
    module.load_state_dict(state)
    return module


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_different_lengths_are_read_as_torch_reads_packed_ones(kind: Kind, both_ways: bool) -> None:
    layers, values = ours(kind, both_ways=both_ways), rows()
    packed = pack_padded_sequence(values, LENGTHS, batch_first=True, enforce_sorted=False)
    expected, last = torchs(layers)(packed)
    expected = pad_packed_sequence(expected, batch_first=True)[0]
    read = layers(values, LENGTHS)
    torch.testing.assert_close(read * within(LENGTHS, 9)[..., None], expected, rtol=0, atol=1e-14)
    hidden = last[0] if kind == "lstm" else last  # (layers and directions, B, D)
    ends = torch.cat([*hidden[-2:]], -1) if both_ways else hidden[-1]
    torch.testing.assert_close(layers.ends(read, LENGTHS), ends, rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_in_pieces_is_read_as_a_whole(kind: Kind) -> None:
    layers, values = ours(kind, both_ways=False), torch.randn(3, 12, 5, dtype=torch.float64)
    whole, after = layers.unroll(values)
    torch.testing.assert_close(whole, torchs(layers)(values)[0], rtol=0, atol=1e-14)
    state, pieces = None, []
    for start, end in pairwise((0, 1, 6, 12)):
        read, state = layers.unroll(values[:, start:end], state)
        pieces.append(read)
    assert state is not None
    torch.testing.assert_close(torch.cat(pieces, 1), whole, rtol=0, atol=1e-14)
    assert [part.shape for part in state] == [(3, 2, 7)] * (2 if kind == "lstm" else 1)  # rows first
    for got, wanted in zip(state, after, strict=True):
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-14)


def test_rows_of_a_state_belong_to_rows_of_a_batch() -> None:
    layers, values = ours("lstm", both_ways=False), torch.randn(3, 4, 5, dtype=torch.float64)
    _, state = layers.unroll(values)
    order = torch.tensor([2, 0, 1])
    ahead = layers.unroll(values, state)[0][order]
    turned_state = tuple(part[order] for part in state)
    torch.testing.assert_close(layers.unroll(values[order], turned_state)[0], ahead, rtol=0, atol=1e-14)


def test_both_ways_there_is_nothing_to_go_on_from() -> None:
    with pytest.raises(ValueError, match="bidirectional layers cannot start from a hidden state"):
        ours("gru", both_ways=True).unroll(rows())


def test_turning_twice_is_not_turning() -> None:
    values = rows()
    assert torch.equal(reversed_rows(reversed_rows(values, LENGTHS), LENGTHS), values)
    assert torch.equal(reversed_rows(values, LENGTHS)[1, :4], values[1, :4].flip(0))
    assert torch.equal(reversed_rows(values, None), values.flip(1))


def test_dropout_falls_between_layers_and_not_on_what_comes_out() -> None:
    torch.manual_seed(0)
    layers = Recurrent("lstm", 5, 400, layers=1, dropout=0.5)
    values = torch.randn(2, 3, 5)
    assert torch.equal(layers(values), layers(values))
    two = Recurrent("lstm", 5, 400, layers=2, dropout=0.5)
    assert not torch.equal(two(values), two(values))
    assert (two(values) == 0).float().mean() < 0.01
    assert torch.equal(two.eval()(values), two(values))


def test_states_start_as_rotations_and_forget_gates_open() -> None:
    torch.manual_seed(0)
    layers = Recurrent("lstm", 5, 6, layers=2)
    for kernel in layers.forwards:
        assert isinstance(kernel, nn.LSTM)
        for gate in kernel.get_parameter("weight_hh_l0").split(6):
            torch.testing.assert_close(gate @ gate.T, torch.eye(6), atol=1e-5, rtol=0)
        assert kernel.get_parameter("bias_ih_l0").tolist() == [0.0] * 6 + [1.0] * 6 + [0.0] * 12
        assert not kernel.get_parameter("bias_hh_l0").any()
