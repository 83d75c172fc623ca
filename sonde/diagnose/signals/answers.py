"""Looking on while validation rows are evaluated: which classes are answered, or how far values differ."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from sonde.diagnose.signals import calls
from sonde.diagnose.signals.readings import in_words
from sonde.diagnose.signals.watch import measurable

MOST_CLASSES = 200
MOST_VALUES = 100_000  # of a batch: of more, such as pixels, those evenly between
MOST_SCORES = 2_000_000  # entries of a batch's scores for classes
A_CALL_S = 2e-6  # that a mode of torch's functions adds to each of them
CLASSES_OF = (calls.CLASSES, calls.LOG_CLASSES)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What an evaluation's losses were called with.

    confusion: [truth][answer] -> rows, of classes;  spread, wanted: standard deviations of answers and of targets, of values
    middle:    mean of the targets, of values;  rows: targets that were compared
    """

    confusion: Sequence[Sequence[int]] = ()
    spread: float = 0.0
    wanted: float = 0.0
    middle: float | None = None
    rows: int = 0

    def found(self) -> list[float | None]:
        """Share of each class's rows that is answered right (recall); None of a class without rows."""
        return [row[place] / sum(row) if sum(row) else None for place, row in enumerate(self.confusion)]


class EvaluationWatch(TorchFunctionMode):
    """A context in which calls of torch's losses are looked on, and nothing changes."""

    def __init__(self) -> None:
        super().__init__()
        self._confusion: Tensor | None = None
        self._sums: Tensor | None = None
        self._rows = 0
        self._several = False  # losses of different kinds or sizes, of which nothing is made
        self._spent, self._calls = 0.0, 0
        self.trouble = ""  # what ended the looking on

    @property
    def seconds(self) -> float:
        """What looking on took."""
        return self._spent + A_CALL_S * self._calls

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        if torch.compiler.is_compiling():  # nothing of this becomes part of what torch compiles
            return found
        self._calls += 1
        if func in calls.LOSSES and not self._several and not self.trouble:
            begun = time.perf_counter()
            try:
                self._look(func, args, kwargs or {})
            except Exception as trouble:  # what looks on ends no evaluation
                self.trouble = in_words(trouble)
            self._spent += time.perf_counter() - begun
        return found

    def _look(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        named = dict(zip(("input", "target"), args, strict=False)) | dict(kwargs)
        given, target = named.get("input"), named.get("target")
        if not isinstance(given, Tensor) or not isinstance(target, Tensor):
            return
        if not measurable(given) or not measurable(target) or given.is_complex() or not given.numel():
            return
        with torch.no_grad():
            self._count(calls.LOSSES[func], given.detach(), target.detach(), int(named.get("ignore_index", -100)))

    def _count(self, kind: str, given: Tensor, target: Tensor, ignored: int) -> None:
        if kind in CLASSES_OF:
            width = given.shape[1] if given.ndim > 1 else 0
            if not 1 < width <= MOST_CLASSES or target.is_floating_point() or self._sums is not None:
                return
            apart = -(-given.numel() // MOST_SCORES)  # of pixels, those of rows evenly between
            target, given = (target[::apart], given[::apart]) if len(target) == len(given) else (target, given)
            truth, answer = target.flatten(), given.argmax(1).flatten()
            there = (truth != ignored) & (truth >= 0) & (truth < width)
            counted = torch.bincount(truth[there] * width + answer[there], minlength=width * width).view(width, width)
            if self._confusion is not None and self._confusion.shape != counted.shape:
                self._several = True
                return
            self._confusion = counted if self._confusion is None else self._confusion + counted
            self._rows += truth.numel()
        elif kind == calls.VALUES and given.shape == target.shape and self._confusion is None:
            given, target = (thinned(each.flatten()).double() for each in (given, target))
            pair = torch.stack([given, target])
            sums = torch.stack([pair.sum(1), pair.square().sum(1)])
            self._sums = sums if self._sums is None else self._sums + sums
            self._rows += target.numel()

    def answers(self) -> Answers | None:
        """What was counted; None where no loss of torch's was called."""
        if self._several or self.trouble or not self._rows:
            return None
        if self._confusion is not None:
            return Answers(confusion=self._confusion.tolist(), rows=self._rows)
        assert self._sums is not None
        means, squares = self._sums / self._rows
        spreads = (squares - means.square()).clamp(min=0).sqrt().tolist()
        return Answers(spread=spreads[0], wanted=spreads[1], middle=float(means[1]), rows=self._rows)


def thinned(values: Tensor) -> Tensor:
    """At most `MOST_VALUES` of a flat tensor, evenly between."""
    return values[:: max(1, -(-values.numel() // MOST_VALUES))]
