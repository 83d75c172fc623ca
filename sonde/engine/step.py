"""One training step: every due phase computes its gradient, has it checked and bounded, and moves its own weights."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from sonde.core.batch import Batch
from sonde.core.config import Precision
from sonde.core.records import StepRecord
from sonde.core.seams import Loss, Phase, Task, extras_of
from sonde.engine.clock import Clock
from sonde.engine.guard import Guard, total_norm
from sonde.optim.average import Average
from sonde.optim.fused_adam import update_of

OVERFLOWS = (
    50  # updates skipped in a row until it is not the loss scale any more: 2^-50 of it leaves nothing to overflow
)


@dataclass(frozen=True, kw_only=True)
class Update:
    """A phase with the optimiser that moves its weights and the shape of its rate over the run."""

    phase: Phase
    optimizer: Optimizer
    multiplier: Callable[[int], float]  # 0-based step -> share of the peak rate


@dataclass(frozen=True, kw_only=True)
class StepSettings:
    """How a step is computed."""

    device: torch.device
    precision: Precision = "fp32"
    accumulate: int = 1
    clip: float = 0.0
    clip_value: float = 0.0


class Stepper:
    """Computes steps. Its state: the optimisers, the loss scale, the average of the weights, counts of skipped updates."""

    def __init__(
        self,
        task: Task,
        updates: Sequence[Update],
        settings: StepSettings,
        *,
        average: Average | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.task, self.updates, self.settings, self.average = task, updates, settings, average
        self.clock = clock or Clock()
        self.guard = Guard(task.modules, settings.device)
        self.skipped = 0  # updates left out because fp16's scale was too large: expected, and counted
        self._in_a_row = dict.fromkeys((u.phase.name for u in updates), 0)  # of those, the latest of each phase
        self.scaler = torch.amp.GradScaler(settings.device.type) if settings.precision == "fp16" else None
        self._parameters = {u.phase.name: u.phase.parameters() for u in updates}
        self._peaks = {u.phase.name: [float(g["lr"]) for g in u.optimizer.param_groups] for u in updates}
        self._on_device = {u.phase.name: getattr(u.optimizer, "_step_supports_amp_scaling", False) for u in updates}
        self._updates = {u.phase.name: update_of(u.optimizer) for u in updates}
        self._after_step = extras_of(task).after_step

    def __call__(self, batch: Batch, *, step: int, epoch: int) -> StepRecord:
        """Run step number `step` (1-based). Raises: NonFiniteStep with weights and buffers as they were."""
        pieces = batch.split(self.settings.accumulate) if self.settings.accumulate > 1 else [batch]
        losses: dict[str, Tensor] = {}
        norms: dict[str, Tensor] = {}
        lr = 0.0
        self.guard.before_step()
        for update in self.updates:
            if step % update.phase.every == 0:
                lr = self._run(update, batch, pieces, step, losses, norms)
        if self.scaler is not None and norms:
            self.scaler.update()
        if self.average is not None:
            self.average.update()
        record = StepRecord(step, epoch, len(batch), losses, norms, lr)
        self._after_step(record)
        return record

    def bend(self, multiplier: Callable[[int], float]) -> None:
        """Go on by another shape of the rate: 0-based step -> share of the peak rate."""
        self.updates = [replace(update, multiplier=multiplier) for update in self.updates]

    def at_rate(self, batch: Batch, rate: float) -> StepRecord:
        """One step with every phase at `rate`, whatever the schedule: for the range test. Groups keep their shares of it."""
        kept = self._peaks, self.updates
        self._peaks = {name: [rate * (peak / max(peaks)) for peak in peaks] for name, peaks in self._peaks.items()}
        self.updates = [replace(update, multiplier=lambda step: 1.0) for update in self.updates]
        try:
            return self(batch, step=math.lcm(*(update.phase.every for update in self.updates)), epoch=0)
        finally:
            self._peaks, self.updates = kept

    def _run(
        self,
        update: Update,
        batch: Batch,
        pieces: list[Batch],
        step: int,
        losses: dict[str, Tensor],
        norms: dict[str, Tensor],
    ) -> float:
        begun = time.perf_counter()
        name, parameters = update.phase.name, self._parameters[update.phase.name]
        value = self._gradient(update.phase, parameters, pieces, losses)
        if self.scaler is not None:
            self.scaler.unscale_(update.optimizer)
        gradients = [p.grad for p in parameters if p.grad is not None]
        norm = total_norm(gradients)
        norms[name] = norm
        middle = time.perf_counter()
        self.clock.spent["step"] += middle - begun
        if not self._overflowed(step, name, batch, norm, value):
            flag = self.guard.check(step, name, batch, value, norm)
            self._bound(gradients, norm)
            self._move(update, step, flag)
        self.clock.spent["optimizer"] += time.perf_counter() - middle
        return self._peaks[name][0] * update.multiplier(step - 1)

    def _gradient(
        self, phase: Phase, parameters: Sequence[Tensor], pieces: list[Batch], losses: dict[str, Tensor]
    ) -> Tensor:
        """Leave in `.grad` of `parameters`, and nowhere else, the gradient of the mean loss over all pieces."""
        for parameter in parameters:
            parameter.grad = None
        if len(pieces) == 1:
            loss = self._forward(phase, pieces[0])
            self._backward(loss.value, parameters)
            value = loss.value.detach()
            for name, part in loss.parts.items():
                losses[f"{phase.name}/{name}"] = part.detach()
        else:
            value = self._accumulate(phase, parameters, pieces, losses)
        losses[f"{phase.name}/loss"] = value
        return value

    def _accumulate(
        self, phase: Phase, parameters: Sequence[Tensor], pieces: list[Batch], losses: dict[str, Tensor]
    ) -> Tensor:
        # weight x gradient summed and divided once by the total: pieces may hold unequal counts of what is averaged over,
        # and a weight may be known only after its forward
        weight: Tensor | float = 0.0
        sums: dict[str, Tensor] = {}
        for piece in pieces:
            loss = self._forward(phase, piece)
            self._backward(loss.value * loss.weight, parameters)
            weight = weight + loss.weight
            for name, part in {"loss": loss.value, **loss.parts}.items():
                term = part.detach() * loss.weight
                sums[name] = sums[name] + term if name in sums else term
        gradients = [p.grad for p in parameters if p.grad is not None]
        if gradients:
            torch._foreach_div_(gradients, weight.to(gradients[0].dtype) if isinstance(weight, Tensor) else weight)
        for name, summed in sums.items():
            losses[f"{phase.name}/{name}"] = summed / weight
        return losses[f"{phase.name}/loss"]

    def _forward(self, phase: Phase, piece: Batch) -> Loss:
        if self.settings.precision == "fp32":
            return phase.loss(piece)
        with autocast(self.settings):
            return phase.loss(piece)

    def _backward(self, value: Tensor, parameters: Sequence[Tensor]) -> None:
        scaled = value if self.scaler is None else self.scaler.scale(value)
        scaled.backward(inputs=parameters)

    def _overflowed(self, step: int, phase: str, batch: Batch, norm: Tensor, value: Tensor) -> bool:
        """Whether fp16's loss scale was too large: the scaler skips the update by itself and lowers the scale.

        Raises: NonFiniteStep when it keeps happening, which a scale that is halved each time cannot be the reason for
        """
        if self.scaler is None or bool(torch.isfinite(norm)) or not bool(torch.isfinite(value)):
            self._in_a_row[phase] = 0
            return False
        self.skipped += 1
        self._in_a_row[phase] += 1
        if self._in_a_row[phase] >= OVERFLOWS:
            what = f"the gradient is not finite in {OVERFLOWS} updates in a row, down to a loss scale of "
            self.guard.refuse(step, phase, batch, what + f"{self.scaler.get_scale():.1g}")
        return True

    def _bound(self, gradients: list[Tensor], norm: Tensor) -> None:
        if self.settings.clip and gradients:
            torch._foreach_mul_(gradients, (self.settings.clip / (norm + 1e-6)).clamp(max=1.0))
        if self.settings.clip_value and gradients:
            torch._foreach_clamp_max_(gradients, self.settings.clip_value)
            torch._foreach_clamp_min_(gradients, -self.settings.clip_value)

    def _move(self, update: Update, step: int, flag: Tensor | None) -> None:
        share = update.multiplier(step - 1)
        for group, peak in zip(update.optimizer.param_groups, self._peaks[update.phase.name], strict=True):
            group["lr"] = peak * share
        if self.scaler is not None:
            self.scaler.step(update.optimizer)
            return
        if flag is not None:
            if self._on_device[update.phase.name]:
                update.optimizer.found_inf = flag  # type: ignore[attr-defined]  # read by torch's fused kernels
            else:
                self.guard.settle()  # no kernel of its own that could skip: ask the device
        self._updates[update.phase.name]()

    def state_dict(self) -> dict[str, Any]:
        """Everything a step leaves behind besides the modules' own tensors."""
        return {
            "optimizers": {u.phase.name: u.optimizer.state_dict() for u in self.updates},
            "scaler": None if self.scaler is None else self.scaler.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "skipped": self.skipped,
            "in_a_row": dict(self._in_a_row),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put a saved state back, into tensors laid out as the live parameters are."""
        for update in self.updates:
            load_optimizer(update.optimizer, state["optimizers"][update.phase.name])
        if self.scaler is not None:
            self.scaler = torch.amp.GradScaler(self.settings.device.type)  # a step that raised leaves one half-way
            self.scaler.load_state_dict(state["scaler"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.skipped = state["skipped"]
        self._in_a_row = dict(state["in_a_row"])


def load_optimizer(optimizer: Optimizer, saved: Mapping[str, Any]) -> None:
    """`load_state_dict` into tensors with the parameters' own strides.

    Saved tensors come back contiguous, and torch's fused Adam ignores strides: with channels_last weights it would pair
    moments with the wrong weights and say nothing (5e-3 after three steps, measured on 2.13).
    """
    optimizer.load_state_dict(dict(saved))
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                laid = torch.empty_like(parameter) if value.shape == parameter.shape else torch.empty_like(value)
                state[name] = laid.to(value.dtype).copy_(value) if laid.dtype != value.dtype else laid.copy_(value)


def autocast(settings: StepSettings) -> AbstractContextManager[Any]:
    """The mixed-precision context of these settings; nothing for fp32."""
    if settings.precision == "fp32":
        return nullcontext()
    dtype = torch.bfloat16 if settings.precision == "bf16" else torch.float16
    return torch.autocast(settings.device.type, dtype=dtype)
