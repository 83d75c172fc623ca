"""Taking steps, of which some are looked at: weights, gradients and updates, what layers give and the error that comes back."""

import math
import sys
import time
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.records import StepRecord
from sonde.core.seams import Task
from sonde.diagnose.parameters import own_name
from sonde.diagnose.signals.sample import Sample, Weights
from sonde.diagnose.signals.watch import ForwardWatch, Readings
from sonde.engine.step import Eager, Stepper

EARLY = (1, 2, 3, 4, 5, 8, 12, 20, 32, 50, 80, 128, 200, 320, 500)  # steps that are looked at where the time allows it
EVERY = 256  # steps from there on, at least
SHARE = 0.01  # of the time of the steps
ALLOWANCE_S = 0.03  # of a run besides, so that the first steps of a short one are seen
SURE = 5  # steps that are looked at whatever they take
MOST_WEIGHTS, MOST_COPIED = 256, 20_000_000  # tensors, and entries of those whose update is measured


class Sampler:
    """Takes steps by a stepper, and measures some of them; a sample is read from the device when the next is due.

    It times itself: measuring takes at most `SHARE` of the steps' time and `ALLOWANCE_S`, the first `SURE` steps aside.
    """

    def __init__(self, task: Task, stepper: Stepper, *, first: int = 1) -> None:
        """first: the step from which it is there"""
        self._stepper = stepper
        self._names = {id(p): own_name(task, name) or name for name, p in task.modules.named_parameters()}
        self._weights = _chosen(task.modules, self._names)
        self._first = self.next = first
        self._began = time.perf_counter()
        self._looking = 0.0  # seconds of the steps that were looked at
        self._looks = 0
        self._waiting: _Unread | None = None

    def __call__(self, batch: Batch, *, step: int, epoch: int) -> StepRecord:
        """Take a step, and measure it where it is due."""
        if step < self.next:
            return self._stepper(batch, step=step, epoch=epoch)
        begun = time.perf_counter()
        readings = Readings()
        watch = ForwardWatch(self._names, readings, inside=not may_have_compiled())
        before = [weight.detach().clone() for _, weight in self._weights]
        execution = self._stepper.execution
        eager = execution if isinstance(execution, Eager) else None  # what is compiled cannot be looked into
        if eager is not None:
            eager.watch = watch
        try:
            record = self._stepper(batch, step=step, epoch=epoch)
        finally:
            if eager is not None:
                del eager.watch
        self._waiting = _Unread(record, readings, watch, self._weights, before)
        self._looking += time.perf_counter() - begun
        self._looks += 1
        self.next = self._due_after(step)
        return record

    def settle(self) -> list[Sample]:
        """The sample that waits on the device, read."""
        waiting, self._waiting = self._waiting, None
        begun = time.perf_counter()
        read = [] if waiting is None else [waiting.read()]
        self._looking += time.perf_counter() - begun
        return read

    def _due_after(self, step: int) -> int:
        """The step to be looked at next: the first of those wished for by which there is time."""
        wished = next((each for each in EARLY if each > step), step + EVERY)
        taken, elapsed = step - self._first + 1, time.perf_counter() - self._began
        if self._looks < SURE or taken <= self._looks:
            return wished
        usual = max(0.0, elapsed - self._looking) / (taken - self._looks)
        spent = self._looking - self._looks * usual
        later = (spent - ALLOWANCE_S) / SHARE - elapsed  # seconds until that is a small share
        return wished if later <= 0 or usual <= 0 else max(wished, step + int(later / usual))


class _Unread:
    """A sample whose numbers are on the device."""

    def __init__(
        self,
        record: StepRecord,
        readings: Readings,
        watch: ForwardWatch,
        weights: Sequence[tuple[str, nn.Parameter]],
        before: Sequence[Tensor],
    ) -> None:
        """before: the weights before the step"""
        self._record, self._readings, self._watch = record, readings, watch
        self._phase = record.main.partition("/")[0]
        self._norm = _kept(readings, record.norms.get(self._phase))
        self._loss = _kept(readings, record.losses.get(record.main))
        self._measured = [
            (name, tuple(weight.shape), [readings.keep(each) for each in _sizes(weight, old)])
            for (name, weight), old in zip(weights, before, strict=True)
        ]

    def read(self) -> Sample:
        """All numbers at once."""
        at = self._readings
        weights = []
        for name, shape, places in self._measured:
            size, gradient, update = (at[place] for place in places)
            entries, inputs = math.prod(shape), shape[1]
            fan = entries // shape[0]
            weights.append(
                Weights(name=name, size=size, gradient=gradient, update=update, entries=entries, fan=fan, inputs=inputs)
            )
        return Sample(
            step=self._record.step,
            phase=self._phase,
            loss=float("nan") if self._loss is None else at[self._loss],
            norm=float("nan") if self._norm is None else at[self._norm],
            rate=self._record.lr,
            weights=weights,
            outputs=self._watch.outputs(),
            calls=self._watch.loss_calls(),
            entry=self._watch.entry(),
        )


def _kept(readings: Readings, value: Tensor | None) -> int | None:
    return None if value is None else readings.keep(value)


@torch.no_grad()
def _sizes(weight: nn.Parameter, before: Tensor) -> list[Tensor]:
    """Root mean squares of a weight before the step, its gradient and its update; 0 where there is no gradient."""
    gradient = weight.grad
    if gradient is not None and gradient.is_sparse:
        gradient = gradient.coalesce().values()
    each = (before, torch.zeros_like(before[:0]) if gradient is None else gradient, weight.detach() - before)
    root = weight.numel() ** 0.5
    return [
        torch.linalg.vector_norm(torch.view_as_real(part) if part.is_complex() else part).float() / root
        for part in each
    ]


def _chosen(modules: nn.Module, names: dict[int, str]) -> list[tuple[str, nn.Parameter]]:
    """The weights that are measured: of many the first, the last and those evenly between, as far as copies may take room."""
    weights = [p for p in dict.fromkeys(modules.parameters()) if p.requires_grad and p.ndim > 1 and p.numel()]
    if len(weights) > MOST_WEIGHTS:
        places = [round(number * (len(weights) - 1) / (MOST_WEIGHTS - 1)) for number in range(MOST_WEIGHTS)]
        weights = [weights[place] for place in places]
    found, copied = [], 0
    for weight in weights:
        copied += weight.numel()
        if copied <= MOST_COPIED or not found:
            found.append((names[id(weight)], weight))
    return found


def may_have_compiled() -> bool:
    """Whether something was compiled in this process, which a mode of torch's functions would have compiled anew."""
    dynamo = sys.modules.get("torch._dynamo.utils")
    return dynamo is not None and bool(getattr(dynamo, "counters", {}).get("frames"))
