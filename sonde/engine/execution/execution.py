"""The seam between what a step does and how it is carried out.

The stepper decides which phases are due, checks and clips their gradients and sets their rates; it asks its execution for the
gradient of a batch's pieces and for the update. Precision, loss scaling, threads and compiling stand behind this seam.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer

from sonde.core.batch import Batch
from sonde.core.seams import Phase


class Execution(Protocol):
    """How gradients and updates are carried out."""

    @property
    def threads(self) -> int:
        """CPU threads of an operation; a new number holds for all steps that follow."""
        ...

    @threads.setter
    def threads(self, count: int) -> None: ...

    @property
    def scaler(self) -> torch.amp.GradScaler | None:
        """fp16's loss scale; None in other precisions."""
        ...

    @property
    def eager(self) -> "Execution":
        """The same without anything prepared for one number of threads: what numbers of threads are compared by."""
        ...

    def gradient(
        self, phase: Phase, optimizer: Optimizer, parameters: Sequence[Tensor], pieces: Sequence[Batch]
    ) -> dict[str, Tensor]:
        """Leave in `.grad` of `parameters`, and nowhere else, the gradient of the phase's mean loss over all pieces.

        Pieces may hold unequal counts of what the loss averages over. Returns the mean of "loss" and of each of the loss's
        parts over all pieces, detached.
        """
        ...

    def skips(self, optimizer: Optimizer) -> bool:
        """Whether `update` obeys `skip` on the device; where not, the host must know before the update."""
        ...

    def update(self, optimizer: Optimizer, skip: Tensor | None) -> None:
        """Move the weights by the gradients in `.grad`. skip: scalar on the device, 1 where they must stay as they are."""
        ...

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...
