"""Answers that stand in a text: long rows cut into overlapping windows, and the best span that the scores of places allow."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sonde.core.vocabulary import END, PAD

# B rows, T tokens of a row, N windows of all rows, L tokens of a window


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Rows as windows that all begin with the question: the input of one forward pass.

    tokens:  (N, L) int64, END behind the last token of each window and PAD behind that
    places:  (N, L) int64, where in its row each token of the context stands; -1 for those of the question and the padding
    row:     (N,) int64, ascending; every row has at least one window
    """

    tokens: Tensor
    places: Tensor
    row: Tensor

    def targets(self, target: Tensor) -> Tensor:
        """(B, 2) first and last tokens in rows -> (N, 2) in windows; 0, 0 where a window does not hold all of the answer."""
        wanted = target[self.row]  # (N, 2)
        held = self.places[:, None] == wanted[:, :, None]  # (N, 2, L)
        both = held.any(2).all(1, keepdim=True) & (wanted > 0)
        return torch.where(both, held.int().argmax(2), 0)


def context_of(tokens: Tensor) -> Tensor:
    """(B, T) bool: the tokens between the first END and the last one, which answers stand in."""
    behind = (tokens == END).cumsum(1)
    return (behind == 1) & (tokens != END) & (tokens != PAD)


def windows_of(tokens: Tensor, *, window: int, stride: int) -> Windows:
    """Rows (B, T) of question and context as windows of at most `window` tokens, `stride` apart.

    A row that is no longer is one window. Where a question leaves less room than `stride`, its windows follow one another
    without overlap. Source: Devlin et al. 2018, BERT, arXiv:1810.04805, in the code for SQuAD
    """
    length = tokens.shape[1]
    context = context_of(tokens)
    if length <= window:
        places = torch.arange(length, device=tokens.device).expand_as(tokens)
        row = torch.arange(len(tokens), device=tokens.device)
        return Windows(tokens=tokens, places=torch.where(context, places, -1), row=row)
    before = (tokens == END).int().argmax(1) + 1  # (B,) tokens up to and with the first END
    inside = context.sum(1)
    room = window - before - 1
    step = torch.minimum(room, torch.full_like(room, stride)).clamp(min=1)
    count = 1 + ((inside - room).clamp(min=0) + step - 1) // step
    row = torch.repeat_interleave(torch.arange(len(tokens), device=tokens.device), count)
    number = torch.arange(len(row), device=tokens.device) - (count.cumsum(0) - count)[row]
    slot = torch.arange(window, device=tokens.device).expand(len(row), -1)  # (N, L)
    question = slot < before[row, None]
    place = torch.where(question, slot, slot + (number * step[row])[:, None])
    is_context = ~question & (place < (before + inside)[row, None]) & (slot < window - 1)
    gathered = tokens[row].gather(1, place.clamp(max=length - 1))
    cut = torch.where(question | is_context, gathered, PAD)
    end = before[row] + is_context.sum(1)
    cut = cut.scatter(1, end[:, None], END)
    return Windows(tokens=cut, places=torch.where(is_context, place, -1), row=row)


def best_span(start: Tensor, end: Tensor, *, most: int) -> tuple[Tensor, Tensor, Tensor]:
    """(first, last, score) of the span of at most `most` tokens with the largest sum of scores, each (B,).

    start, end: (B, T) scores of a span's first and last token; -inf where none may be
    """
    best = torch.full_like(start[:, 0], -torch.inf)
    first, last = (torch.zeros(len(start), dtype=torch.int64, device=start.device) for _ in range(2))
    for longer in range(min(most, start.shape[1])):
        score, place = (start[:, : start.shape[1] - longer] + end[:, longer:]).max(1)
        better = score > best
        best = torch.where(better, score, best)
        first = torch.where(better, place, first)
        last = torch.where(better, place + longer, last)
    return first, last, best
