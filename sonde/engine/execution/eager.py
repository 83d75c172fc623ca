"""Operation by operation, as PyTorch runs by itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from sonde.core.batch import Batch
from sonde.core.seams import Phase
from sonde.engine.execution.settings import StepSettings, autocast
from sonde.optim.fused_adam import update_of


class Eager:
    """Calls each phase's loss as it stands. Its state is the loss scale."""

    def __init__(self, settings: StepSettings) -> None:
        self.settings = settings
        self.scaler = torch.amp.GradScaler(settings.device.type) if settings.precision == "fp16" else None
        self._precision = autocast(settings)
        self._updates: dict[Optimizer, Callable[[], None]] = {}

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
            with self._precision:
                loss = phase.loss(pieces[0])
            scaled = loss.value if self.scaler is None else self.scaler.scale(loss.value)
            scaled.backward(inputs=parameters)
            means = {name: part.detach() for name, part in loss.parts.items()}
            means["loss"] = loss.value.detach()
        else:
            # weight x gradient summed and divided once by the total: a weight may be known only after its forward
            weight: Tensor | float = 0.0
            sums: dict[str, Tensor] = {}
            for piece in pieces:
                with self._precision:
                    loss = phase.loss(piece)
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
