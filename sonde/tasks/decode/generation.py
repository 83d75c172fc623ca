"""Text generation from a prompt, token by token; keys and values, or hidden states, are cached."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from sonde.core.vocabulary import BEGIN, PAD, UNKNOWN
from sonde.tasks.decode.sampling import Sampling, draw

NOT_TEXT = (PAD, UNKNOWN, BEGIN)  # tokens that stand for no text

# B rows, T tokens so far, V symbols

Ahead = Callable[[Tensor], Tensor]
"""All tokens so far (B, T) -> logits of the one after (B, V)."""


@runtime_checkable
class SupportsCache(Protocol):
    """A model with a key-value cache: called with one it takes the tokens behind those held there, and adds them.

    What a memory is made of, the model decides: for Sonde's own it is `sonde.nn.attention.Memory`, one a layer.
    """

    def memory(self, rows: int) -> Sequence[Any]: ...


@runtime_checkable
class Unrolls(Protocol):
    """A recurrent model: (B, T) tokens and the state before them -> logits (B, T, V) and the state behind."""

    def unroll(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]: ...


def continued(
    model: nn.Module,
    prompt: Tensor,
    sampling: Sampling,
    drawn: torch.Generator,
    *,
    context: int,
    memory: bool = True,
) -> Iterator[Tensor]:
    """Tokens (B,) int64 without end that follow `prompt` (B, T), T at least 1. Of a model in evaluation mode.

    context: the model's context in tokens; beyond it generation continues from the latest half
    memory:  whether a model that has a cache uses it; without, the same tokens cost a pass over the whole context each
    """
    ahead = looking_ahead(model, context=context, memory=memory)
    tokens = prompt
    not_text = torch.tensor(NOT_TEXT, device=prompt.device)
    while True:
        with torch.inference_mode():
            logits = ahead(tokens).float().index_fill(1, not_text, -torch.inf)
            following = draw(logits, sampling, drawn)
            tokens = torch.cat([tokens, following[:, None]], 1)
        yield following


def looking_ahead(model: nn.Module, *, context: int, memory: bool = True) -> Ahead:
    """What comes after tokens, for calls with more and more of the same text."""
    if memory and isinstance(model, SupportsCache):
        return _Cached(model, context)
    if memory and isinstance(model, Unrolls):
        return _Unrolling(model)
    return lambda tokens: model(tokens[:, first_seen(tokens.shape[1], context) :])[:, -1]


def first_seen(tokens: int, context: int) -> int:
    """The first of so many tokens inside the model's context: it moves on by half of that when that is full.

    >>> [first_seen(n, 4) for n in (1, 4, 5, 6, 7, 8, 9)]
    [0, 0, 2, 2, 4, 4, 6]
    """
    half = max(1, context // 2)
    return max(0, -(-(tokens - context) // half)) * half


class _Cached:
    """Caches keys and values."""

    def __init__(self, model: SupportsCache, context: int) -> None:
        self.model, self.context = model, context
        self.memory: Sequence[Any] = ()
        self.begins = self.read = 0  # the first token that is remembered, and the first that was not read yet

    def __call__(self, tokens: Tensor) -> Tensor:
        begins = first_seen(tokens.shape[1], self.context)
        if not self.memory or begins != self.begins:
            self.memory, self.begins, self.read = self.model.memory(len(tokens)), begins, begins
        logits = self.model(tokens[:, self.read :], self.memory)  # type: ignore[operator]  # a module
        self.read = tokens.shape[1]
        return logits[:, -1]


class _Unrolling:
    """Keeps the hidden state."""

    def __init__(self, model: Unrolls) -> None:
        self.model = model
        self.state: Any = None
        self.read = 0

    def __call__(self, tokens: Tensor) -> Tensor:
        logits, self.state = self.model.unroll(tokens[:, self.read :], self.state)
        self.read = tokens.shape[1]
        return logits[:, -1]
