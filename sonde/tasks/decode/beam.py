"""Beam search: the most probable text of an autoregressive network, for many rows at once."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from sonde.core.vocabulary import BEGIN, END, PAD

# B rows, R of them that are not done, K beams of a row, V symbols, L tokens of the longest answer


class State(Protocol):
    """What a network knows of N rows that it decodes.

    keep:    go on with the rows (N',) int64, each as often as it is named
    reorder: let each row continue row `rows` (N,), which has the same source
    """

    def keep(self, rows: Tensor) -> None: ...
    def reorder(self, rows: Tensor) -> None: ...


@runtime_checkable
class Autoregressive(Protocol):
    """A network that generates one token after the other.

    begin: sources (B, …), with room for `length` tokens each
    step:  the last tokens (N,) -> logits (N, V) of the next; the state moves on
    """

    def begin(self, source: Tensor, length: int) -> Any: ...
    def step(self, tokens: Tensor, state: Any) -> Tensor: ...


@dataclass(frozen=True)
class Decoded:
    """tokens: (B, L) int64, END after the last and PAD behind;  scores: (B,) float32, log probability over the length penalty"""

    tokens: Tensor
    scores: Tensor


def length_penalty(tokens: int, alpha: float) -> float:
    """What log probabilities are divided by: ((5 + tokens) / 6) ** alpha, so that long texts are not put last.

    tokens: END counted. Source: Wu et al. 2016, Google's neural machine translation system, arXiv:1609.08144, equation 14
    """
    return ((5 + tokens) / 6) ** alpha


@torch.no_grad()
def beam_search(network: Autoregressive, source: Tensor, *, most: Tensor, width: int, alpha: float = 0.6) -> Decoded:
    """The best text for each source (B, …) that a beam of `width` finds; a width of 1 takes the likeliest token each time.

    most:  (B,) int64, tokens of each row's text, END counted; the last can only be END. A row's text does not depend on
           what else is in the batch
    alpha: see `length_penalty`
    Of the likeliest `width` continuations, those that END are kept as finished. A row is done when it has `width` finished
    texts and the likeliest beam is, at its length, no better than the best of them: unlikely ends come
    early where the network is certain.
    """
    length = int(most.max())
    state = network.begin(source, length)
    search = _Search(most, width, length, alpha)
    for place in range(1, length + 1):
        logits = network.step(search.last(), state)
        came_from, fewer = search.advance(logits.float(), place)
        if not len(came_from):
            break
        if fewer:
            state.keep(came_from)
        elif width > 1:
            state.reorder(came_from)
    return search.best()


class _Search:
    """The beams of the rows that are not done, and the finished texts so far.

    rows: (R,) which rows these are;  generated: (R, K, tokens so far), logp: (R, K);  answers: (B, K, L) with scores (B, K)
    """

    def __init__(self, most: Tensor, width: int, length: int, alpha: float) -> None:
        count, device = len(most), most.device
        self.most, self.width, self.alpha = most, width, alpha
        self.rows = torch.arange(count, device=device)
        self.generated = torch.full(
            (count, 1, 1), BEGIN, device=device
        )  # one beam until there is more than one way to go on
        self.logp = torch.zeros(count, 1, device=device)
        self.answers = torch.full((count, width, length), PAD, device=device)
        self.scores = torch.full((count, width), -torch.inf, device=device)
        self.found = torch.zeros(count, dtype=torch.int64, device=device)

    def last(self) -> Tensor:
        """(R * K,) the last tokens."""
        return self.generated[:, :, -1].flatten()

    def advance(self, logits: Tensor, place: int) -> tuple[Tensor, bool]:
        """Extend the beams at `place` (1-based): logits (R * K, V).

        Returns, for each beam that goes on, which of the R * K it came from, and whether rows or beams were added or left.
        """
        rows, beams = self.logp.shape
        logp = self.logp[:, :, None] + self._allowed(logits, place).view(rows, beams, -1)  # (R, K, V)
        symbols = logp.shape[2]
        values, places = logp.flatten(1).topk(min(2 * self.width, beams * symbols), dim=1)
        parents, tokens = places // symbols, places % symbols
        ends = (tokens == END) & (values > -torch.inf)
        self._collect(values, parents, ends, place)
        going = values.masked_fill(tokens == END, -torch.inf)
        self.logp, chosen = going.topk(min(self.width, going.shape[1]), dim=1)
        parents, tokens = parents.gather(1, chosen), tokens.gather(1, chosen)
        longer = self.generated.gather(1, parents[:, :, None].expand(-1, -1, place))
        self.generated = torch.cat([longer, tokens[:, :, None]], 2)
        return self._without_done(parents, beams, place)

    def best(self) -> Decoded:
        """The best text of each row."""
        scores, which = self.scores.max(1)
        tokens = self.answers.gather(1, which[:, None, None].expand(-1, 1, self.answers.shape[2]))[:, 0]
        longest = int((tokens != PAD).sum(1).max())
        return Decoded(tokens[:, :longest], scores)

    def _allowed(self, logits: Tensor, place: int) -> Tensor:
        """Log probabilities (R * K, V) of the allowed tokens: never PAD or BEGIN, and at a row's last place nothing but END."""
        logp = logits.log_softmax(-1)
        logp[:, [PAD, BEGIN]] = -torch.inf
        closing = (self.most[self.rows] == place).repeat_interleave(self.logp.shape[1])
        if closing.any():
            end = logp[:, END].clone()
            logp[closing] = -torch.inf
            logp[:, END] = end
        return logp

    def _collect(self, values: Tensor, parents: Tensor, ends: Tensor, place: int) -> None:
        """Keep as finished those of the likeliest `width` continuations that end."""
        ends = ends[:, : self.width]
        if not ends.any():
            return
        offered = values[:, : self.width].masked_fill(~ends, -torch.inf) / length_penalty(place, self.alpha)
        texts = self.generated.gather(1, parents[:, : ends.shape[1], None].expand(-1, -1, place))[:, :, 1:]
        texts = torch.nn.functional.pad(texts, (0, 1), value=END)
        texts = torch.nn.functional.pad(texts, (0, self.answers.shape[2] - place), value=PAD)
        scores, which = torch.cat([self.scores[self.rows], offered], 1).topk(self.width, dim=1)
        answers = torch.cat([self.answers[self.rows], texts], 1)
        self.answers[self.rows] = answers.gather(1, which[:, :, None].expand(-1, -1, answers.shape[2]))
        self.scores[self.rows] = scores
        self.found[self.rows] += ends.sum(1)

    def _without_done(self, parents: Tensor, beams: int, place: int) -> tuple[Tensor, bool]:
        """Leave rows that are done or have no way on; see `advance`."""
        came_from = parents + torch.arange(len(parents), device=parents.device)[:, None] * beams
        behind = self.logp[:, 0] / length_penalty(place, self.alpha) <= self.scores[self.rows].amax(1)
        left = ~((self.found[self.rows] >= self.width) & behind) & (self.logp[:, 0] > -torch.inf)
        fewer = not bool(left.all()) or parents.shape[1] != beams
        if fewer:
            self.rows, self.generated, self.logp, came_from = (
                held[left] for held in (self.rows, self.generated, self.logp, came_from)
            )
        return came_from.flatten(), fewer
