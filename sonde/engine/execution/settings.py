"""How steps and evaluations are computed: on which device, in which precision, from how many pieces, how far clipped."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from sonde.core.batch import Batch
from sonde.core.config import Precision
from sonde.core.seams import Source


@dataclass(frozen=True, kw_only=True)
class StepSettings:
    """How a step is computed. A phase may have its own clip and clip_value; 0 stands for none."""

    device: torch.device
    precision: Precision = "fp32"
    accumulate: int = 1
    clip: float = 0.0
    clip_value: float = 0.0


def autocast(settings: StepSettings) -> AbstractContextManager[Any]:
    """The mixed-precision context of these settings; nothing for fp32."""
    if settings.precision == "fp32":
        return nullcontext()
    dtype = torch.bfloat16 if settings.precision == "bf16" else torch.float16
    return torch.autocast(settings.device.type, dtype=dtype)


def drawn(source: Source, settings: StepSettings) -> Iterator[Batch]:
    """The batches of a source; where networks compute them (`Source`: `computes`), in the precision of these settings."""
    coming = iter(source)
    within = autocast(settings) if getattr(source, "computes", False) else nullcontext()
    while True:
        with within:
            batch = next(coming, None)
        if batch is None:
            return
        yield batch
