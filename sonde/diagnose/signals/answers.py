"""Looking on while validation rows are evaluated: which classes are answered, or how far values differ."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from sonde.diagnose.signals import calls

MOST_CLASSES = 200
CLASSES_OF = (calls.CLASSES, calls.LOG_CLASSES)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What an evaluation's losses were called with.

    confusion: [truth][answer] -> rows, of classes;  spread, wanted: standard deviations of answers and of targets, of values
    rows:      targets that were compared
    """

    confusion: Sequence[Sequence[int]] = ()
    spread: float = 0.0
    wanted: float = 0.0
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

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        if func in calls.LOSSES and not self._several:
            named = dict(zip(("input", "target"), args, strict=False)) | dict(kwargs or {})
            given, target = named.get("input"), named.get("target")
            if isinstance(given, Tensor) and isinstance(target, Tensor):
                with torch.no_grad():
                    self._count(
                        calls.LOSSES[func], given.detach(), target.detach(), int(named.get("ignore_index", -100))
                    )
        return found

    def _count(self, kind: str, given: Tensor, target: Tensor, ignored: int) -> None:
        if kind in CLASSES_OF:
            width = given.shape[1] if given.ndim > 1 else 0
            if not 1 < width <= MOST_CLASSES or target.is_floating_point() or self._sums is not None:
                return
            truth, answer = target.flatten(), given.argmax(1).flatten()
            there = (truth != ignored) & (truth >= 0) & (truth < width)
            counted = torch.bincount(truth[there] * width + answer[there], minlength=width * width).view(width, width)
            if self._confusion is not None and self._confusion.shape != counted.shape:
                self._several = True
                return
            self._confusion = counted if self._confusion is None else self._confusion + counted
            self._rows += len(truth)
        elif kind == calls.VALUES and given.shape == target.shape and self._confusion is None:
            pair = torch.stack([given.double().flatten(), target.double().flatten()])
            sums = torch.stack([pair.sum(1), pair.square().sum(1)])
            self._sums = sums if self._sums is None else self._sums + sums
            self._rows += target.numel()

    def answers(self) -> Answers | None:
        """What was counted; None where no loss of torch's was called."""
        if self._several or not self._rows:
            return None
        if self._confusion is not None:
            return Answers(confusion=self._confusion.tolist(), rows=self._rows)
        assert self._sums is not None
        means, squares = self._sums / self._rows
        spreads = (squares - means.square()).clamp(min=0).sqrt().tolist()
        return Answers(spread=spreads[0], wanted=spreads[1], rows=self._rows)
