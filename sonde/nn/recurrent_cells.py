"""Recurrent cells as their papers write them: what torch's fused kernels compute, one step at a time.

They are read, drawn and tested against; networks run on the kernels (`sonde.nn.recurrent`).
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

Kind = Literal["rnn", "lstm", "gru"]
State = tuple[Tensor, ...]  # what a cell hands to the next step: (hidden,), of an LSTM (hidden, cell)

# B rows, T steps, V values of a step, D width, G gates: 1 of rnn, 4 of lstm, 3 of gru


class Weights(NamedTuple):
    """Of one direction of one layer, gates one under the other in torch's order."""

    input: Tensor  # (G D, V)
    hidden: Tensor  # (G D, D)
    input_bias: Tensor  # (G D,)
    hidden_bias: Tensor  # (G D,)


def elman(values: Tensor, state: State, weights: Weights) -> State:
    """h' = tanh(W x + U h + b): (B, V) and the hidden state (B, D) -> (B, D).

    Source: Elman 1990, Finding structure in time, Cognitive Science 14(2)
    """
    (hidden,) = state
    return (torch.tanh(_of_input(values, weights) + _of_hidden(hidden, weights)),)


def lstm(values: Tensor, state: State, weights: Weights) -> State:
    """A cell that is added to: c' = f c + i g, h' = o tanh(c'), with gates i, f, o = σ(…) and what is new g = tanh(…).

    (B, V), hidden and cell (B, D) -> hidden and cell.
    Source: Hochreiter and Schmidhuber 1997, Neural Computation 9(8), with the forget gate of Gers et al. 2000
    """
    hidden, cell = state
    gates = _of_input(values, weights) + _of_hidden(hidden, weights)
    enter, forget, new, leave = gates.chunk(4, -1)
    cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
    return leave.sigmoid() * cell.tanh(), cell


def gru(values: Tensor, state: State, weights: Weights) -> State:
    """h' = (1 - z) n + z h, with n = tanh(W x + r (U h)) and gates r, z = σ(…): (B, V) and (B, D) -> (B, D).

    The reset gate falls on the product, as in cuDNN, not on the state before it.
    Source: Cho et al. 2014, arXiv:1406.1078
    """
    (hidden,) = state
    reset, update, new = _of_input(values, weights).chunk(3, -1)
    own_reset, own_update, own_new = _of_hidden(hidden, weights).chunk(3, -1)
    update_gate = (update + own_update).sigmoid()
    candidate = (new + (reset + own_reset).sigmoid() * own_new).tanh()
    return ((1 - update_gate) * candidate + update_gate * hidden,)


CELLS: dict[Kind, Callable[[Tensor, State, Weights], State]] = {"rnn": elman, "lstm": lstm, "gru": gru}


def weights_of(kernel: nn.RNNBase, layer: int = 0, *, backward: bool = False) -> Weights:
    """The weights of one layer and direction of a module of torch's."""
    end = f"l{layer}{'_reverse' if backward else ''}"
    return Weights(*(getattr(kernel, f"{name}_{end}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")))


def unrolled(kind: Kind, values: Tensor, weights: Weights, state: State | None = None) -> list[State]:
    """The state after each step of (B, T, V), from `state` or from zeros."""
    if state is None:
        zeros = values.new_zeros(len(values), weights.hidden.shape[1])
        state = (zeros, zeros) if kind == "lstm" else (zeros,)
    states = []
    for step in values.unbind(1):
        state = CELLS[kind](step, state, weights)
        states.append(state)
    return states


def _of_input(values: Tensor, weights: Weights) -> Tensor:
    return values @ weights.input.T + weights.input_bias


def _of_hidden(hidden: Tensor, weights: Weights) -> Tensor:
    return hidden @ weights.hidden.T + weights.hidden_bias
