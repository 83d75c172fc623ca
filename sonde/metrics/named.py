"""The metrics that people ask for by name, over all rows of a set: of logits and classes, of labels, of numbers."""

from typing import Literal

import torch
from torch import Tensor

from sonde.core.errors import ConfigError, unknown
from sonde.metrics.classification import mean_of_defined, scores_from, scores_of
from sonde.metrics.mean import Mean, Total
from sonde.metrics.ranking import Ranking, area
from sonde.metrics.regression import joined_moments, moments_of

OF_CLASSES = ("accuracy", "top5", "precision", "recall", "f1", "auroc")
OF_NUMBERS = ("mae", "mse", "rmse", "r2")
NAMES = (*OF_CLASSES, *OF_NUMBERS)
TOP = 5

Scores = Literal["logits", "probabilities", "one of several"]
"""What a loss tells of outputs: a logit each, a probability each, or scores of classes of which one is right."""

# B rows, C classes, L labels, T targets


class NamedMetric:
    """One metric of `NAMES`, by `update` with each batch and `compute` at the end.

    Of classes, outputs are logits: (B, C) with the number of each row's class (or 1 for it and 0 for all others), (B,) or (B, 1)
    with 0 or 1, (B, L) with labels of 0 and 1. Precision, recall, F1 and AUROC are those of class 1 of two, else means over
    classes or labels; the accuracy of labels is the share of all entries that are right. Of numbers, each metric is the mean over
    the columns of targets (B,) or (B, T), and of maps over all entries.

    scores: what is known of outputs from the loss they are trained by; None where it is one that says nothing
    """

    def __init__(self, name: str, *, scores: Scores | None = None) -> None:
        """Raises: ConfigError for an unknown name, with the nearest"""
        if name not in NAMES:
            raise unknown("metric", name, NAMES)
        self.name = name
        self.scores: Scores | None = scores
        self.kind: Literal["", "classes", "one", "flags"] = ""
        self.counts, self.top, self.ranking = Total(), Mean(), Ranking()
        self.moments: Tensor | None = None
        self.bounds: list[tuple[float, float]] = []  # smallest and largest output of each batch
        self.one_hot = self.finite = True

    def update(self, output: Tensor, target: Tensor) -> None:
        """Add a batch. Raises: ConfigError for tensors that the metric is not defined for"""
        if not isinstance(output, Tensor) or not isinstance(target, Tensor):
            found = next(part for part in (output, target) if not isinstance(part, Tensor))
            raise ConfigError(
                f"metric {self.name!r} takes tensors, not a {type(found).__name__}; give a function instead"
            )
        output = output.detach()
        self.finite = self.finite and not bool(output.isnan().any())
        if self.name in OF_NUMBERS:
            self._add_numbers(output, target)
            return
        kind = self._kind_of(output, target)
        if self.kind not in ("", kind):
            raise self._unsuited(output, target)
        self.kind = kind
        if kind == "classes":
            self._add_classes(output, target.long() if target.ndim == 1 else target.argmax(1))
        else:
            self._add_labels(output.reshape(len(output), -1), target.reshape(len(output), -1) > 0)

    def merge(self, other: "NamedMetric") -> None:
        """Add another process's rows."""
        for name in ("counts", "ranking"):
            getattr(self, name).merge(getattr(other, name))
        self.top.merge(other.top)
        self.kind = self.kind or other.kind
        self.bounds += other.bounds
        self.one_hot, self.finite = self.one_hot and other.one_hot, self.finite and other.finite
        if other.moments is not None:
            self.moments = other.moments if self.moments is None else joined_moments(self.moments, other.moments)

    def compute(self) -> float:
        """The metric over all rows so far; NaN where an output was. Raises: ConfigError for outputs that could mean two things"""
        if not self.finite:
            return float("nan")
        if self.name in OF_NUMBERS:
            return self._of_numbers()
        if self.kind != "classes":
            self._refuse_two_meanings()
        if self.name == "auroc":
            return mean_of_defined([area(counts) for counts in self.ranking.counts()])
        if self.name == "top5":
            return float(self.top.value())
        counts = self.counts.value()
        if self.kind == "classes":
            return self._of_confusion(counts)
        right, called, true, rows = counts
        if self.name == "accuracy":
            return float(1 - (called + true - 2 * right).sum() / rows.sum())
        place = ("precision", "recall", "f1").index(self.name)
        return float(scores_from(right, predicted=called, actual=true)[place].mean())

    def _kind_of(self, output: Tensor, target: Tensor) -> Literal["classes", "one", "flags"]:
        whole = not (target.is_floating_point() or target.is_complex())
        if output.ndim == 2 and output.shape[1] > 1 and target.ndim == 1 and len(target) == len(output) and whole:
            return "classes"
        flags = target.numel() == output.numel() and bool(((target == 0) | (target == 1)).all())
        if flags and output.ndim in (1, 2) and output.numel() == len(output) and target.squeeze(-1).ndim <= 1:
            return "one"
        if flags and output.ndim == 2 and target.shape == output.shape:
            if self.scores != "one of several":
                return "flags"
            if bool((target.sum(1) == 1).all()):
                return "classes"
        raise self._unsuited(output, target)

    def _add_classes(self, output: Tensor, target: Tensor) -> None:
        number = output.shape[1]
        if bool(((target < 0) | (target >= number)).any()):
            raise ConfigError(
                f"metric {self.name!r}: classes run from {int(target.min())} to {int(target.max())}, and the outputs have "
                f"{number} columns, for classes 0 to {number - 1}"
            )
        if self.name == "top5":
            if number <= TOP:
                raise ConfigError(
                    f"metric 'top5' needs more than {TOP} classes, and there are {number}; use 'accuracy'"
                )
            best = output.topk(TOP, dim=1).indices
            self.top.update((best == target[:, None]).any(1).float())
        elif self.name == "auroc":
            odds = log_odds_of_rows(output)
            marks = target[:, None] == torch.arange(number, device=output.device)
            self.ranking.update(odds[:, 1:] if number == 2 else odds, marks[:, 1:] if number == 2 else marks)
        else:
            place = target * number + output.argmax(1)
            self.counts.add(torch.bincount(place, minlength=number**2).view(number, number))

    def _add_labels(self, output: Tensor, truth: Tensor) -> None:
        if self.name == "top5":
            raise ConfigError(f"metric 'top5' needs more than {TOP} classes of which one is right; use 'accuracy'")
        self.bounds.append((float(output.min()), float(output.max())))
        self.one_hot = self.one_hot and bool((truth.sum(1) == 1).all())
        if self.name == "auroc":
            self.ranking.update(output.float(), truth)
            return
        called = output >= (0.5 if self.scores == "probabilities" else 0.0)
        self.counts.add(
            torch.stack([(called & truth).sum(0), called.sum(0), truth.sum(0), torch.ones_like(truth).sum(0)])
        )

    def _add_numbers(self, output: Tensor, target: Tensor) -> None:
        alike = output.shape == target.shape or output.squeeze(-1).shape == target.squeeze(-1).shape
        if not alike or output.is_complex() or target.is_complex():
            raise self._unsuited(output, target)
        columns = (len(output), -1) if output.ndim <= 2 else (-1, 1)  # of maps, all entries alike
        values, truth = output.reshape(columns), target.reshape(columns)
        moments = moments_of(values, truth, torch.ones_like(values, dtype=torch.bool))
        self.moments = moments if self.moments is None else joined_moments(self.moments, moments)

    def _of_numbers(self) -> float:
        assert self.moments is not None
        count, _, deviation, absolute, square = self.moments.cpu().double()
        match self.name:
            case "mae":
                columns = absolute / count
            case "mse":
                columns = square / count
            case "rmse":
                columns = (square / count).sqrt()
            case _:
                columns = torch.where(deviation > 0, 1 - square / deviation, torch.nan)
        return mean_of_defined(columns.tolist())

    def _of_confusion(self, confusion: Tensor) -> float:
        if self.name == "accuracy":
            return float(confusion.diagonal().sum() / confusion.sum())
        scores = scores_of(confusion)[("precision", "recall", "f1").index(self.name)]
        if len(scores) == 2:
            return float(scores[1])
        return float(scores[confusion.sum(1) + confusion.sum(0) > 0].mean())

    def _refuse_two_meanings(self) -> None:
        if self.scores is not None or self.name == "auroc":  # the order is the same
            return
        low, high = min(low for low, _ in self.bounds), max(high for _, high in self.bounds)
        if 0 <= low < high <= 1:
            raise ConfigError(
                f"metric {self.name!r}: all outputs lie in 0..1, so they may be probabilities or logits; output logits "
                "and train by nn.BCEWithLogitsLoss(), or give a function instead of the name"
            )
        if self.kind == "flags" and self.one_hot:
            raise ConfigError(
                f"metric {self.name!r}: every row has exactly one label of 1, so they may be classes or labels; give "
                "the numbers of the classes as targets, or a function instead of the name"
            )

    def _unsuited(self, output: Tensor, target: Tensor) -> ConfigError:
        takes = "logits (B, C) with classes (B,), or (B,), (B, 1) or (B, L) with 0 and 1"
        takes = "outputs and targets of one shape" if self.name in OF_NUMBERS else takes
        return ConfigError(
            f"metric {self.name!r} takes {takes}, not an output {tuple(output.shape)} with a target {tuple(target.shape)} "
            f"{str(target.dtype).removeprefix('torch.')}; give a function instead of the name"
        )


def log_odds_of_rows(output: Tensor) -> Tensor:
    """log(p / (1 - p)) of each class, from logits (B, C), or from rows that are probabilities already."""
    wide = output.double()
    if bool((wide >= 0).all()) and bool(((wide.sum(1) - 1).abs() < 1e-3).all()):
        return wide.logit()
    logp = wide.log_softmax(1)
    return logp - (-torch.expm1(logp)).clamp(min=1e-300).log()
