"""One training step: every due phase computes its gradient, has it checked and bounded, and moves its own weights."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from sonde.core.batch import Batch
from sonde.core.records import StepRecord
from sonde.core.seams import Phase, Task, extras_of
from sonde.engine.clock import Clock
from sonde.engine.execution.execution import Execution
from sonde.engine.execution.settings import StepSettings, autocast
from sonde.engine.guard import Guard
from sonde.engine.modes import enter_training, kept_in_evaluation
from sonde.engine.phase_loss import checked_loss
from sonde.engine.stages import Stages, plan_stages
from sonde.engine.trainable import Trained
from sonde.engine.update import (
    SEARCH_REMEDY,
    Update,
    gradient_values,
    has_sparse_gradients,
    load_optimizer,
    optimized_parameters,
    peak_rates,
    search_step,
    total_norm,
)
from sonde.optim.ema import EMA
from sonde.optim.fused_adam import update_of

OVERFLOWS = 50  # updates skipped in a row until it is not the loss scale any more: 2^-50 of it overflows nothing


class Stepper:
    """Computes steps. Its state: the optimisers, the loss scale, the average of the weights, counts of skipped updates, stages.

    main: name of the loss that stands for the whole step: the first phase's of those at work
    several: whether more than one phase is at work
    kept: modules that stay in evaluation mode, as the task's networks were when this was made
    """

    def __init__(
        self,
        task: Task,
        updates: Sequence[Update],
        settings: StepSettings,
        *,
        average: EMA | None = None,
        clock: Clock | None = None,
        execution: Execution | None = None,
        total: int = 1_000_000,
        stages: Stages | None = None,
    ) -> None:
        """execution: eager where none is given;  total: steps of the run, over which stages are dealt out;  stages: else these"""
        self.task, self.updates, self.settings, self.average = task, updates, settings, average
        self.clock = clock or Clock()
        self.execution: Execution = execution or Eager(settings)
        self.guard = Guard(task.modules, settings.device)
        self.skipped = 0  # updates left out because fp16's scale was too large: expected, and counted
        self._in_a_row = dict.fromkeys((u.phase.name for u in updates), 0)  # of those, the latest of each phase
        self._parameters = {u.phase.name: optimized_parameters(u) for u in updates}
        self._peaks = {u.phase.name: peak_rates(u) for u in updates}
        self._sparse = has_sparse_gradients(task.modules)
        self._after_step = extras_of(task).after_step
        self.kept = kept_in_evaluation(task)
        self._given = {u.phase.name: list(self._peaks[u.phase.name]) for u in updates if u.custom}
        schedulers = {u.phase.name: u.scheduler for u in updates if u.scheduler is not None}
        self.trained = Trained(task.modules, self._parameters, self._peaks, schedulers)
        self.total, self.stages = total, stages or plan_stages([update.phase for update in updates], total=total)
        self._epoch: int | None = None  # of the last step, where schedulers count epochs
        self._enter(1)

    def _enter(self, step: int) -> None:
        """Look up which updates are at work at a step, and until which step that holds."""
        number, self._first, self._last = self.stages.at(step)
        self._at_work = [update for update in self.updates if update.in_stage(self.stages, number)]
        self.main = f"{self._at_work[0].phase.name}/loss"
        self.several = len(self._at_work) > 1
        self._by_epoch = [
            u.scheduler for u in self._at_work if u.scheduler is not None and u.scheduler.every == "epoch"
        ]

    @property
    def main_update(self) -> Update:
        """The first of those at work, whose rate stands for the step's."""
        return self._at_work[0]

    def rates(self) -> dict[str, float]:
        """The rate of each phase at work, by name: that of its latest update."""
        return {each.phase.name: float(each.optimizer.param_groups[0]["lr"]) for each in self._at_work}

    def __call__(self, batch: Batch, *, step: int, epoch: int) -> StepRecord:
        """Run step number `step` (1-based). Raises: NonFiniteStep with weights and buffers as they were."""
        pieces = batch.split(self.settings.accumulate) if self.settings.accumulate > 1 else [batch]
        losses: dict[str, Tensor] = {}
        norms: dict[str, Tensor] = {}
        lr: float | None = None  # of the first phase at work
        self.guard.before_step()
        if self._by_epoch:
            self._count_epochs(epoch)
        if not self._first <= step <= self._last:
            self._enter(step)
            self._epoch = epoch  # a stage's schedulers count from its first
        for update in self._at_work:
            if step % update.phase.every == 0:
                begun, phase = time.perf_counter(), update.phase
                parameters = self._parameters[phase.name]
                found = self.execution.gradient(phase, update.optimizer, parameters, pieces)
                for name, value in found.items():
                    losses[f"{phase.name}/{name}"] = value
                rate = self._finish(update, batch, step, found["loss"], norms, begun)
                lr = rate if update is self._at_work[0] else lr
        if self.execution.scaler is not None and norms:
            self.execution.scaler.update()
        if self.average is not None:
            self.average.update()
        if lr is None:  # that phase does not run on this step
            lr = self._rate(self._at_work[0], step)
        record = StepRecord(step, epoch, len(batch.index), losses, norms, lr, self.main)
        if self._after_step is not None:
            self._after_step(record)
        return record

    def held(self, phase: str) -> Sequence[Tensor]:
        """The parameters that a phase trains now."""
        return self._parameters[phase]

    def _rate(self, update: Update, step: int) -> float:
        if update.scheduler is not None:
            return float(update.optimizer.param_groups[0]["lr"])
        return self._peaks[update.phase.name][0] * update.multiplier(self._steps_before(update, step))

    def _count_epochs(self, epoch: int) -> None:
        """Let the schedulers that count epochs go on by those that ended since the last step."""
        before = epoch if self._epoch is None else self._epoch
        for scheduler in self._by_epoch:
            for _ in range(epoch - before):
                scheduler.advance()
        self._epoch = epoch

    def evaluated(self, value: float) -> None:
        """Let the schedulers that watch the monitored metric see its new value."""
        for update in self._at_work:
            if update.scheduler is not None and update.scheduler.every == "evaluation":
                update.scheduler.advance(value)

    def training_mode(self) -> None:
        """Put the networks into training mode, but for what is to stay in evaluation mode, or was frozen on the way."""
        enter_training(self.task.modules, self.kept)
        self.trained.put_modes()

    def set_schedule(self, multipliers: Mapping[str, Callable[[int], float]], *, stages: Stages, total: int) -> None:
        """Go on to another last step, by other shapes of the rate (by name of phase) and with stages that end elsewhere."""
        self.updates = [replace(update, multiplier=multipliers[update.phase.name]) for update in self.updates]
        self.total, self.stages = total, stages
        self._enter(self._first)

    def at_rate(self, batch: Batch, rate: float) -> StepRecord:
        """One step of every phase of the first stage at `rate`, whatever the schedule: for the range test.

        Groups keep their shares of the rate; phases with a rate of their own keep it.
        """
        before = self._peaks, self.updates, self.stages
        first = [update for update in self.updates if update.in_stage(self.stages, 0)]
        self._peaks = dict(self._peaks)
        for update in first:
            name, rates = update.phase.name, self._peaks[update.phase.name]
            if not update.own_rate:
                self._peaks[name] = [rate * (peak / max(rates)) for peak in rates]
        self.updates = [
            replace(update, phase=replace(update.phase, stage=None), multiplier=lambda step: 1.0, scheduler=None)
            for update in first
        ]
        cycle = math.lcm(*(update.phase.every for update in first))  # a step at which all fall due
        self.stages = Stages()
        self._enter(1)
        try:
            return self(batch, step=cycle, epoch=0)
        finally:
            self._peaks, self.updates, self.stages = before
            self._enter(1)

    def _finish(
        self, update: Update, batch: Batch, step: int, value: Tensor, norms: dict[str, Tensor], begun: float
    ) -> float:
        """Check, bound and use the gradient that was computed since `begun`. Returns the learning rate."""
        name = update.phase.name
        gradients = [p.grad for p in self._parameters[name] if p.grad is not None]
        if self._sparse:
            gradients = gradient_values(self._parameters[name])
        norm = total_norm(gradients)
        norms[name] = norm
        share = 1.0 if update.scheduler is not None else update.multiplier(self._steps_before(update, step))
        middle = time.perf_counter()
        self.clock.spent["step"] += middle - begun
        if self.execution.scaler is None or not self._overflowed(step, name, batch, norm, value):
            flag = self.guard.check(step, name, batch, value, norm)
            self._bound(update, gradients, norm)
            if update.closure:
                self._search(update, share, step, batch, value)
            else:
                self._move(update, share, flag)
        lr = self._peaks[name][0] * share
        if update.scheduler is not None:
            lr = float(update.optimizer.param_groups[0]["lr"])
            if update.scheduler.every == "step":
                update.scheduler.advance()
        self.clock.spent["optimizer"] += time.perf_counter() - middle
        return lr

    def _steps_before(self, update: Update, step: int) -> int:
        """Steps of a phase's schedule before the 1-based `step`: those of its stage."""
        return step - (1 if update.phase.stage is None else self._first)

    def _overflowed(self, step: int, phase: str, batch: Batch, norm: Tensor, value: Tensor) -> bool:
        """Whether fp16's loss scale was too large: the scaler skips the update by itself and lowers the scale.

        Raises: NonFiniteStep when it keeps happening, which a scale that is halved each time cannot be the reason for
        """
        scaler = self.execution.scaler
        if scaler is None or bool(torch.isfinite(norm)) or not bool(torch.isfinite(value)):
            self._in_a_row[phase] = 0
            return False
        self.skipped += 1
        self._in_a_row[phase] += 1
        if self._in_a_row[phase] >= OVERFLOWS:
            what = f"the gradient is not finite in {OVERFLOWS} updates in a row, down to a loss scale of "
            self.guard.refuse(step, phase, batch, what + f"{scaler.get_scale():.1g}")
        return True

    def _bound(self, update: Update, gradients: list[Tensor], norm: Tensor) -> None:
        clip = self.settings.clip if update.clip is None else update.clip
        value = self.settings.clip_value if update.clip_value is None else update.clip_value
        if clip and gradients:
            torch._foreach_mul_(gradients, (clip / (norm + 1e-6)).clamp(max=1.0))
        if value and gradients:
            gradients = [torch.view_as_real(each) if each.is_complex() else each for each in gradients]
            torch._foreach_clamp_max_(gradients, value)
            torch._foreach_clamp_min_(gradients, -value)

    def _set_rates(self, update: Update, share: float) -> None:
        if update.scheduler is None:
            for group, peak in zip(update.optimizer.param_groups, self._peaks[update.phase.name], strict=True):
                group["lr"] = peak * share

    def _search(self, update: Update, share: float, step: int, batch: Batch, value: Tensor) -> None:
        """An update that computes the batch's loss again at other weights. Raises: NonFiniteStep, with the weights put back."""
        self.guard.settle()
        self._set_rates(update, share)
        parameters = self._parameters[update.phase.name]
        pieces = batch.split(self.settings.accumulate) if self.settings.accumulate > 1 else [batch]
        again = partial(self.execution.gradient, update.phase, update.optimizer, parameters, pieces)
        if trouble := search_step(update.optimizer, parameters, value, lambda: again()["loss"]):
            self.guard.refuse(step, update.phase.name, batch, trouble, remedy=SEARCH_REMEDY)

    def _move(self, update: Update, share: float, flag: Tensor | None) -> None:
        self._set_rates(update, share)
        if flag is not None and not self.execution.skips(update.optimizer):
            self.guard.settle()  # no kernel of its own that could skip: ask the device
            flag = None
        self.execution.update(update.optimizer, flag)

    def state_dict(self) -> dict[str, Any]:
        """Everything a step leaves behind besides the modules' own tensors."""
        schedulers = {u.phase.name: u.scheduler.state_dict() for u in self.updates if u.scheduler is not None}
        more: dict[str, Any] = {"schedulers": schedulers, "epoch": self._epoch} if schedulers else {}
        return {
            **more,
            "peaks": self._given,
            "optimizers": {u.phase.name: u.optimizer.state_dict() for u in self.updates},
            **self.execution.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "skipped": self.skipped,
            "in_a_row": dict(self._in_a_row),
            "stage_ends": list(self.stages.ends),
            **self.trained.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put a saved state back, into tensors laid out as the live parameters are; what is trained is changed as it was then."""
        self.trained.load_state_dict(state, self.updates)
        for update in self.updates:
            load_optimizer(update.optimizer, state["optimizers"][update.phase.name])
            if update.scheduler is not None:
                update.scheduler.load_state_dict(state["schedulers"][update.phase.name])
        self._epoch = state.get("epoch")
        self.execution.load_state_dict(state)
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.skipped = state["skipped"]
        self._in_a_row = dict(state["in_a_row"])
        self.stages = replace(self.stages, ends=tuple(state.get("stage_ends", self.stages.ends)))  # older states: none
        self._enter(self._first)


class Eager:
    """Execution operation by operation, as PyTorch runs by itself. Its state is the loss scale.

    It stands beside the stepper that asks it, so that from `fit` to a user's loss there are few files to read.
    """

    watch: AbstractContextManager[Any] = nullcontext()  # around every loss, where somebody looks on

    def __init__(self, settings: StepSettings) -> None:
        self.settings = settings
        self.scaler = torch.amp.GradScaler(settings.device.type) if settings.precision == "fp16" else None
        self._precision = autocast(settings)
        self._updates: dict[Optimizer, Callable[[], None]] = {}
        self.look: Callable[[Phase, Batch, Tensor], None] | None = None  # at a loss before its gradient: in first steps

    @property
    def eager(self) -> "Eager":
        """Itself."""
        return self

    @property
    def threads(self) -> int:
        """CPU threads of an operation, of the whole process."""
        return torch.get_num_threads()

    @threads.setter
    def threads(self, count: int) -> None:
        torch.set_num_threads(count)

    def gradient(
        self, phase: Phase, optimizer: Optimizer, parameters: Sequence[Tensor], pieces: Sequence[Batch]
    ) -> dict[str, Tensor]:
        """See `Execution`. The phase's loss is called from here, so that a step's stack stays short."""
        for parameter in parameters:
            parameter.grad = None
        if len(pieces) == 1:
            with self._precision, self.watch:
                found = phase.loss(pieces[0])
            loss = checked_loss(phase, found, len(pieces[0]))
            if self.look is not None:
                self.look(phase, pieces[0], loss.value)
            scaled = loss.value if self.scaler is None else self.scaler.scale(loss.value)
            scaled.backward(inputs=parameters)
            means = {name: part.detach() for name, part in loss.parts.items()}
            means["loss"] = loss.value.detach()
        else:
            # weight x gradient summed and divided once by the total: a weight may be known only after its forward
            weight: Tensor | float = 0.0
            sums: dict[str, Tensor] = {}
            for piece in pieces:
                with self._precision, self.watch:
                    found = phase.loss(piece)
                loss = checked_loss(phase, found, len(piece))
                if self.look is not None:
                    self.look(phase, piece, loss.value)
                weighted = loss.value * loss.weight
                scaled = weighted if self.scaler is None else self.scaler.scale(weighted)
                scaled.backward(inputs=parameters)
                weight = weight + loss.weight
                for name, part in {"loss": loss.value, **loss.parts}.items():
                    term = part.detach() * loss.weight
                    sums[name] = sums[name] + term if name in sums else term
            gradients = [p.grad for p in parameters if p.grad is not None]
            if gradients:
                whole = weight.to(gradients[0].dtype) if isinstance(weight, Tensor) else weight
                torch._foreach_div_(gradients, whole)
            means = {name: total / weight for name, total in sums.items()}
        if self.scaler is not None:
            self.scaler.unscale_(optimizer)
        return means

    def skips(self, optimizer: Optimizer) -> bool:
        """True for torch's fused kernels, and where the loss scaler leaves updates out by itself."""
        return self.scaler is not None or getattr(optimizer, "_step_supports_amp_scaling", False)

    def update(self, optimizer: Optimizer, skip: Tensor | None) -> None:
        """See `Execution`."""
        if self.scaler is not None:
            self.scaler.step(optimizer)
            return
        if skip is not None:
            optimizer.found_inf = skip  # type: ignore[attr-defined]  # read by torch's fused kernels
        move = self._updates.get(optimizer)
        if move is None:
            move = self._updates[optimizer] = update_of(optimizer)
        move()

    def state_dict(self) -> dict[str, Any]:
        """The loss scale."""
        return {"scaler": None if self.scaler is None else self.scaler.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put a saved loss scale back."""
        if self.scaler is not None:
            self.scaler = torch.amp.GradScaler(self.settings.device.type)  # a step that raised leaves one half-way
            self.scaler.load_state_dict(state["scaler"])
