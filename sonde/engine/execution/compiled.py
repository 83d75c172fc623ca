"""Each phase's loss through torch.compile: forward and backward as code made for the network at hand."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from sonde.core.batch import Batch
from sonde.core.nested import leaves
from sonde.core.seams import Phase
from sonde.engine.step import Eager

MOST_WORDS = 300  # characters of what torch says that it cannot compile


class Compiled:
    """Computes gradients by compiled code, and all else as `eager` does.

    What is compiled is a function around a phase's loss; modules, tasks and their `state_dict` are not touched, and whatever
    is called in another way (evaluation, prediction, hooks of `explain`) runs as ever. What torch.compile cannot capture runs
    eagerly between the compiled parts; where it fails altogether the phase continues eagerly, and `trouble` says why.
    The number of rows is marked as one that varies (torch's dynamic shapes), so that a smaller last batch or piece needs no
    code of its own (but one of a single row does, and one below 16 rows where torch has another convolution for it). Any other
    size that is seen to vary, such as the length of padded sequences, costs one compilation more and varies freely from then
    on. torch gives up on what it has compiled eight times, and runs that eagerly.
    Code is made for one number of threads: another one is compiled anew.
    """

    def __init__(self, phases: Sequence[Phase], eager: Eager) -> None:
        from torch._dynamo import maybe_mark_dynamic  # two seconds, which only a compiled run pays
        from torch._dynamo.exc import TorchDynamoException

        self._failures, self._mark = TorchDynamoException, maybe_mark_dynamic
        self.eager = eager
        self.trouble = ""
        self._compiled = {phase.name: replace(phase, loss=torch.compile(_apart(phase.loss))) for phase in phases}

    @property
    def scaler(self) -> torch.amp.GradScaler | None:
        """That of `eager`."""
        return self.eager.scaler

    @property
    def threads(self) -> int:
        """CPU threads of an operation; to change them is to compile anew at the next step."""
        return self.eager.threads

    @threads.setter
    def threads(self, count: int) -> None:
        self.eager.threads = count

    def gradient(
        self, phase: Phase, optimizer: Optimizer, parameters: Sequence[Tensor], pieces: Sequence[Batch]
    ) -> dict[str, Tensor]:
        """See `Execution`."""
        for piece in pieces:
            self._mark(piece.index, 0)
            for field in piece.fields.values():
                for _, part in leaves(field):
                    if isinstance(part, Tensor):
                        self._mark(part, 0)
        try:
            return self.eager.gradient(self._compiled[phase.name], optimizer, parameters, pieces)
        except self._failures as failure:
            self._compiled[phase.name] = phase
            message, _, _ = str(failure).strip().partition("\n\n")  # what follows is advice on debugging torch
            self.trouble = f"{type(failure).__name__}: {' '.join(message.split())[:MOST_WORDS]}"
            return self.eager.gradient(phase, optimizer, parameters, pieces)

    def skips(self, optimizer: Optimizer) -> bool:
        """As `eager`."""
        return self.eager.skips(optimizer)

    def update(self, optimizer: Optimizer, skip: Tensor | None) -> None:
        """As `eager`: torch's fused kernels leave nothing to compile."""
        self.eager.update(optimizer, skip)

    def state_dict(self) -> dict[str, Any]:
        """That of `eager`."""
        return self.eager.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """As `eager`."""
        self.eager.load_state_dict(state)


def _apart(loss: Callable[[Batch], Any]) -> Callable[[Batch], Any]:
    """A function that calls `loss`, with code of its own.

    torch keeps what it compiles by code object, at most eight for each: runs one after the other in one process, as for folds,
    would share those of the loss. And it passes over functions that are torch's own.
    """

    def compiled_loss(batch: Batch) -> Any:
        return loss(batch)

    code = compiled_loss.__code__.replace()
    return FunctionType(code, compiled_loss.__globals__, "compiled_loss", None, compiled_loss.__closure__)


def why_not(device: torch.device) -> str:
    """Why compiling is not possible on a device; empty where nothing is known to prevent it."""
    if device.type == "cpu" and cxx_compiler() is None:
        return "--compile needs a C++ compiler on a CPU, and neither g++ nor clang++ is installed"
    return ""


def cxx_compiler() -> str | None:
    """The C++ compiler torch.compile would use on a CPU."""
    return next(
        (found for name in (os.environ.get("CXX"), "g++", "clang++") if name and (found := shutil.which(name))), None
    )
