"""The precision in which a finished run is evaluated."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch

from sonde.core.config import Precision

Found = TypeVar("Found")


def or_in_fp32(evaluated_in: Callable[[Precision], Found], precision: Precision) -> Found:
    """Evaluated in a precision; in fp32 on a machine that cannot compute in it. Faults of another kind are raised again."""
    try:
        return evaluated_in(precision)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError:
        if precision == "fp32":
            raise
        return evaluated_in("fp32")


def precision_of(trained: Any, device: torch.device) -> Precision:
    """The precision to evaluate in: that of training, where the kind of device has it."""
    return "fp32" if trained is None or (trained == "fp16" and device.type != "cuda") else trained
