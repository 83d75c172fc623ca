"""From a symbol for every frame to a text: repeats count once, blanks not at all (connectionist temporal classification)."""

import math
from collections import defaultdict
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sonde.core.vocabulary import PAD

BLANK = PAD  # between two equal symbols, and wherever nothing is emitted
NEVER = -math.inf

# B rows, F frames, V symbols, L tokens of the longest text


def likeliest(logits: Tensor, frames: Tensor) -> Tensor:
    """(B, F, V), (B,) how many frames count -> (B, L) int64: the likeliest symbol of each frame, repeats and blanks taken out.

    Source: Graves et al. 2006, Connectionist temporal classification, ICML, section 3.2 (best path decoding)
    """
    inside = torch.arange(logits.shape[1], device=logits.device) < frames[:, None]
    best = logits.argmax(-1).masked_fill(~inside, BLANK)
    emitted = (best != BLANK) & (best != F.pad(best[:, :-1], (1, 0), value=BLANK))
    places = torch.where(
        emitted, emitted.cumsum(1) - 1, logits.shape[1]
    )  # what is not emitted goes to a column of its own
    tokens = torch.full((len(best), logits.shape[1] + 1), PAD, device=best.device).scatter(1, places, best)
    return tokens[:, : int(emitted.sum(1).max())]


def beam_search(logits: Tensor, frames: Tensor, width: int) -> Tensor:
    """(B, F, V), (B,) -> (B, L) int64: the text of highest probability that a beam of `width` finds for each row."""
    logp = logits.log_softmax(-1).cpu()
    found = [prefix_search(row[:count], width)[0] for row, count in zip(logp, frames.tolist(), strict=True)]
    longest = max(map(len, found))
    tokens = [[*text, *[PAD] * (longest - len(text))] for text in found]
    return torch.tensor(tokens, dtype=torch.int64, device=logits.device).view(len(found), longest)


def prefix_search(logp: Tensor, width: int) -> tuple[list[int], float]:
    """(F, V) log probabilities -> (tokens, log of the probability of all their alignments that the beam followed).

    A beam holds texts, not alignments: those that end in a blank and those that end in the last symbol apart.
    Source: Graves 2012, Supervised sequence labelling, section 7.5; Hannun et al. 2014, arXiv:1408.2873
    """
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, NEVER)}
    for frame in logp.tolist():
        going: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [NEVER, NEVER])  # after a blank, after a symbol
        for text, (blank, symbol) in beams.items():
            _follow(going, text, blank, symbol, frame)
        ranked = sorted(going.items(), key=lambda item: -_either(*item[1]))
        beams = {text: (found[0], found[1]) for text, found in ranked[:width]}
    best = max(beams, key=lambda text: _either(*beams[text]))
    return list(best), _either(*beams[best])


def _follow(
    going: dict[tuple[int, ...], list[float]],
    text: tuple[int, ...],
    blank: float,
    symbol: float,
    frame: Sequence[float],
) -> None:
    """Add to `going` what one more frame makes of a text."""
    both = _either(blank, symbol)
    same = going[text]
    same[0] = _either(same[0], both + frame[BLANK])
    for token, chance in enumerate(frame):
        if token == BLANK or chance == NEVER:
            continue
        repeats = bool(text) and token == text[-1]
        if repeats:  # without a blank between, it is the same symbol going on
            same[1] = _either(same[1], symbol + chance)
        longer = going[(*text, token)]
        longer[1] = _either(longer[1], (blank if repeats else both) + chance)


def _either(one: float, other: float) -> float:
    """log(exp(one) + exp(other))."""
    high, low = (one, other) if one > other else (other, one)
    return high if low == NEVER else high + math.log1p(math.exp(low - high))
