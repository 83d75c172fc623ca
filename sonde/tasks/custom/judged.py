"""What is known of single rows of an evaluation of the caller's own network: its answers as classes, or as numbers.

Nothing of it becomes a metric: those are the caller's. It fills the report and answers.json.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sonde.metrics.classification import ClassificationMeter
from sonde.metrics.named import Scores
from sonde.metrics.regression import RegressionMeter

JUDGED = "(judged)"
"""Key under which an evaluation hands a meter the outputs and targets of its rows."""

MOST_CLASSES = 1000
MOST_TARGETS = 8
AT_ONCE = 4096  # rows that are added up together: batches of one's own may be tiny
CLOSE = 1e-4  # relative: a loss that is this near to a known one is that one

# B rows, C classes, T targets


class Answers(NamedTuple):
    """An output (B, …) with its target (B, …), and what the loss says of it. loss: of the batch, a mean over its rows"""

    output: Tensor
    target: Tensor
    scores: Scores | None
    loss: Tensor | None


Kind = Literal["classes", "values", ""]


class JudgedMeter:
    """Adds up answers where they are classes or numbers; of all others `details` is empty."""

    def __init__(self, class_names: Sequence[str] = ()) -> None:
        """class_names: what classes are called, where these are as many; else they are called by their numbers"""
        self._names = class_names
        self._first: tuple[Kind, bool] | None = (
            None  # (kind, whether outputs are probabilities), as the first batch says
        )
        self._coming: list[tuple[Answers, Tensor]] = []
        self._waiting = 0
        self._meter: ClassificationMeter | RegressionMeter | None = None

    def update(self, answers: Answers, index: Tensor) -> None:
        """Add a batch. One that is of another kind than those before ends it: then nothing is known."""
        if self._first is None:
            kind, _, probable = read_answers(answers)
            self._first = (kind, probable)
        if self._first[0] == "":
            return
        if self._coming and answers.output.shape[1:] != self._coming[0][0].output.shape[1:]:
            self._end()
            return
        self._coming.append((answers, index))
        self._waiting += len(index)
        if self._waiting >= AT_ONCE:
            self._take()

    def merge(self, other: "JudgedMeter") -> None:
        """Add another process's rows."""
        self._take()
        other._take()
        if self._first is None:
            self._first, self._meter = other._first, other._meter
        elif other._first is not None and other._first != self._first:
            self._end()
        elif self._meter is not None and other._meter is not None:
            self._meter.merge(other._meter)  # type: ignore[arg-type]  # of one kind

    def details(self) -> dict[str, Any]:
        """As `ClassificationMeter` and `RegressionMeter` tell them (docs/run-folder.md)."""
        self._take()
        found: dict[str, Any] = {} if self._meter is None else self._meter.details()
        if isinstance(self._meter, RegressionMeter):  # the caller's loss is of a batch: of a row nobody knows it
            by = "squared error" if len(self._meter.names) == 1 else "mean squared error"
            found["worst"] = [{**entry, "by": by} for entry in found["worst"]]
        return found

    def _end(self) -> None:
        self._first = "", False
        self._coming, self._waiting, self._meter = [], 0, None

    def _take(self) -> None:
        if not self._coming or self._first is None:
            return
        first = self._coming[0][0]
        if len({(answers.target.shape[1:], answers.target.dtype) for answers, _ in self._coming}) > 1:
            self._end()
            return
        output, target = (torch.cat(parts) for parts in zip(*(answers[:2] for answers, _ in self._coming), strict=True))
        index = torch.cat([index for _, index in self._coming]).to(output.device)
        self._coming, self._waiting = [], 0
        kind, rows, _ = read_answers(Answers(output, target, first.scores, None))
        if kind != self._first[0]:
            self._end()
            return
        kept = rows.pop("kept")
        if not bool(kept.any()):
            return
        if self._meter is None:
            self._meter = self._fresh(rows)
        self._meter.update(rows, index[kept])

    def _fresh(self, rows: Mapping[str, Tensor]) -> ClassificationMeter | RegressionMeter:
        assert self._first is not None
        kind, probable = self._first
        if kind == "classes":
            classes = rows["logp"].shape[1]
            named = self._names if len(self._names) == classes else [str(number) for number in range(classes)]
            return ClassificationMeter(named, probabilistic=probable)
        count = rows["target"].shape[1]
        return RegressionMeter(["target"] if count == 1 else [f"target {n}" for n in range(count)])


def read_answers(answers: Answers) -> tuple[Kind, dict[str, Tensor], bool]:
    """(kind, what its meter takes and perhaps the rows that are `kept`, whether it is known which probabilities outputs are)."""
    output, target = answers.output.detach(), answers.target.detach()
    if not output.is_floating_point() or output.ndim not in (1, 2) or len(output) != len(target):
        return "", {}, False
    output = output.float() if output.dtype != torch.float64 else output
    classes = _classes(output, target, answers.scores)
    if classes is not None:
        logp, probable = _log_probabilities(output, classes, answers)
        kept = (classes >= 0) & (classes < logp.shape[1]) & logp.isfinite().any(1)
        return "classes", {**_class_rows(logp[kept], classes[kept]), "kept": kept}, probable
    if target.is_floating_point() and output.numel() == target.numel() and output[:1].numel() <= MOST_TARGETS:
        values, wanted = output.reshape(len(output), -1), target.reshape(len(output), -1).to(output.dtype)
        kept = (values.isfinite() & wanted.isfinite()).all(1)
        values, wanted = values[kept], wanted[kept]
        return (
            "values",
            {"values": values, "target": wanted, "loss": (values - wanted).square().mean(1), "kept": kept},
            False,
        )
    return "", {}, False


def _class_rows(logp: Tensor, classes: Tensor) -> dict[str, Tensor]:
    return {"logp": logp, "target": classes, "loss": -logp.gather(1, classes[:, None])[:, 0]}


def _classes(output: Tensor, target: Tensor, scores: Scores | None) -> Tensor | None:
    """(B,) int64 classes that the targets are; None where they are none."""
    wide = output.shape[1] if output.ndim == 2 else 1
    if wide == 1:
        flat = target.reshape(len(target), -1)
        of_two = flat.shape[1] == 1 and bool(((flat == 0) | (flat == 1)).all())
        told = scores in ("logits", "probabilities") or not target.is_floating_point()
        return flat[:, 0].long() if of_two and told else None
    if not 2 <= wide <= MOST_CLASSES or scores in ("logits", "probabilities"):  # labels, any number a row
        return None
    if target.ndim == 1 or (target.ndim == 2 and target.shape[1] == 1):
        return None if target.is_floating_point() or target.dtype == torch.bool else target.reshape(-1).long()
    if target.shape != output.shape or scores != "one of several":
        return None
    one_hot = bool((((target == 0) | (target == 1)).all(1) & (target.sum(1) == 1)).all())
    return target.argmax(1) if one_hot else None


def _log_probabilities(output: Tensor, classes: Tensor, answers: Answers) -> tuple[Tensor, bool]:
    """(B, C), and whether that is what the outputs mean: so of torch's losses, of one that equals them, and of probabilities."""
    if output.ndim == 1 or output.shape[1] == 1:
        flat = output.reshape(-1)
        if answers.scores == "probabilities":
            flat = flat.clamp(1e-7, 1 - 1e-7).logit()
        known = answers.scores is not None or _is(
            answers.loss, F.binary_cross_entropy_with_logits(flat, classes.to(flat.dtype))
        )
        return torch.stack([F.logsigmoid(-flat), F.logsigmoid(flat)], 1), known
    if answers.scores is None and bool(
        ((output >= 0) & (output <= 1)).all() and (output.sum(1) - 1).abs().max() < CLOSE
    ):
        return output.clamp(min=1e-12).log(), True
    logp = output.log_softmax(1)
    if answers.scores == "one of several":
        return logp, True
    inside = bool(((classes >= 0) & (classes < output.shape[1])).all())
    return logp, inside and _is(answers.loss, F.nll_loss(logp, classes))


def _is(loss: Tensor | None, other: Tensor) -> bool:
    return loss is not None and bool(torch.isclose(loss.detach().to(other.dtype), other, rtol=CLOSE, atol=1e-6))
