"""The best answer that looks at no input, for a network and a loss of the caller's own: one output for every row.

Only where it is known what outputs mean: of classes by a loss that is torch's, or equals it, or by outputs that are
probabilities; of numbers by a loss that is 0 where the output is the target. Nothing is said of any other.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sonde.metrics.named import Scores
from sonde.tasks.custom.judged import Answers, read_answers

MOST_BATCHES = 64  # of training targets, as large as the one shown, on which the loss compares a mean with a median
NOTHING = 1e-6  # of the loss of a constant, up to which the loss of a perfect answer is 0

# N training rows, B rows of a batch, C classes, T targets

LossOf = Callable[[Tensor, Tensor], Tensor | None]
"""(output, target) -> the loss, a number; None where it is none, or not of these alone"""


class Constant(NamedTuple):
    """what: the answer in words;  output: that of one row, (1, …)"""

    what: str
    output: Tensor

    def for_rows(self, count: int) -> Tensor:
        """(count, …)"""
        return self.output.expand(count, *self.output.shape[1:]).clone()


def constant_answers(targets: Tensor, shown: Answers, loss_of: LossOf) -> list[Constant]:
    """The answers for a task with these training targets (N, …), first the one that the loss prefers; none where what outputs
    mean is not known.

    shown: outputs and targets of a batch, and its loss, which tell what they are
    """
    kind, _, probable = read_answers(shown)
    if targets.dtype.is_floating_point != shown.target.dtype.is_floating_point or not len(targets):
        return []
    targets = targets.to(shown.target)
    if targets.shape[1:] != shown.target.shape[1:]:
        return []
    if kind == "classes":
        return _classes(targets, shown) if probable else []
    return _values(targets, shown.output.detach(), loss_of) if kind == "values" else []


def _classes(targets: Tensor, shown: Answers) -> list[Constant]:
    """The commonest class, as probable as it is frequent."""
    output = shown.output.detach()
    like = output[:1].expand(len(targets), *output.shape[1:])
    kind, rows, _ = read_answers(Answers(like, targets, shown.scores, None))
    if kind != "classes":
        return []
    classes = rows["target"]
    counts = torch.bincount(classes, minlength=rows["logp"].shape[1]).double()
    if not len(classes):
        return []
    share = (counts.clamp(min=0.5) / counts.clamp(min=0.5).sum()).to(output.device)
    what = f"guessing by the class frequencies, most often class {int(counts.argmax())}"
    return [Constant(what, _as_outputs(share, output, shown.scores).to(output.dtype))]


def _as_outputs(share: Tensor, output: Tensor, scores: Scores | None) -> Tensor:
    """Probabilities of classes (C,) as the network would give them: log-odds, logarithms, or as they are."""
    if output.ndim == 1 or output.shape[1] == 1:
        one = share[1] if scores == "probabilities" else share[1].logit()
        return one.reshape(1, *output.shape[1:])
    plain = scores is None and bool((output >= 0).all() and ((output.sum(1) - 1).abs() < 1e-4).all())
    return (share if plain else share.log())[None]


def _values(targets: Tensor, output: Tensor, loss_of: LossOf) -> list[Constant]:
    """The mean and the median of each target, first the one that the loss prefers."""
    flat = targets.reshape(len(targets), -1)
    known = flat.isfinite().all(1)
    if not bool(known.any()):
        return []
    targets, flat = targets[known], flat[known]
    size = min(len(output), len(flat))  # a loss may look at pairs of rows, of which a set has too many
    begins = np.linspace(0, len(flat) - size, min(MOST_BATCHES, len(flat) // size)).astype(np.int64)

    def loss(values: Tensor) -> float | None:
        found = []
        for begin in begins.tolist():
            said = values[begin : begin + size].reshape(size, *output.shape[1:]).to(output.dtype)
            found.append(loss_of(said, targets[begin : begin + size]))
        numbers = [float(each) for each in found if each is not None]
        return float(np.mean(numbers)) if len(numbers) == len(found) and np.isfinite(numbers).all() else None

    middle = {
        "mean": flat.double().mean(0),
        "median": flat.double().sort(0).values[[(len(flat) - 1) // 2, len(flat) // 2]].mean(0),
    }
    losses = {name: loss(value.expand(len(flat), -1)) for name, value in middle.items()}
    perfect = loss(flat)
    if perfect is None or None in losses.values():
        return []
    names = sorted(losses, key=lambda each: losses[each] or 0.0)  # of equals the mean first
    if not abs(perfect) < NOTHING * (losses[names[0]] or 0.0):
        return []
    found = []
    for name in names:
        value = middle[name]
        which = f"the {name}, {float(value[0]):.4g}" if len(value) == 1 else f"the {name} of each target"
        found.append(Constant(f"always predicting {which}", value.reshape(1, *output.shape[1:]).to(output.dtype)))
    return found
