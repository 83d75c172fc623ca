"""Asking a network about a few rows before it is trained, and leaving it, and all random streams, as they were."""

import torch
from torch import Tensor

from sonde.core.batch import Batch
from sonde.core.seams import Task
from sonde.diagnose.aside import aside
from sonde.engine.evaluate import evaluation_mode


def answer(task: Task, device: torch.device, batch: Batch, seed: int = 0) -> Tensor | None:
    """What the network answers in evaluation mode; None where it does not take such rows, or answers with several tensors.

    seed: of what it draws
    """
    try:
        with evaluation_mode(task.modules), aside(task.modules, device), torch.no_grad():
            torch.manual_seed(seed)
            outputs = list(task.predict(batch.to(device)).values())
    except Exception:
        return None  # fixed to another number of rows, or in need of what these do not hold
    return outputs[0].clone() if len(outputs) == 1 and isinstance(outputs[0], Tensor) else None
