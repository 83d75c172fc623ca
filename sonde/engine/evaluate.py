"""Judging a task on a source: no gradient, no training state touched, metrics added up as it goes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from sonde.core.progress import Tick, silent
from sonde.core.seams import Glances, Meter, Source, Task
from sonde.engine import random_state
from sonde.engine.execution.settings import StepSettings, autocast
from sonde.optim.ema import EMA


@contextmanager
def judging(modules: nn.Module, average: EMA | None = None) -> Iterator[None]:
    """Evaluation mode and, where there is one, the averaged weights; each module's own mode is put back after."""
    modes = [(module, module.training) for module in modules.modules()]
    modules.eval()
    try:
        with torch.inference_mode():
            if average is None:
                yield
            else:
                with average.applied():
                    yield
    finally:
        for module, mode in modes:
            module.training = mode


def evaluate(
    task: Task,
    source: Source,
    settings: StepSettings,
    *,
    average: EMA | None = None,
    tick: Tick = silent,
    label: str = "evaluating",
    brief: bool = False,
) -> Meter:
    """The task's meter after one pass over `source`, which must be one that does not shuffle.

    brief: with less work, where the task has a way (`Glances`)

    What a task draws while it judges is not missing from the streams that training draws from.
    """
    meter = task.meter()
    look = task.glance if brief and isinstance(task, Glances) else task.evaluate
    with random_state.apart(settings.device), judging(task.modules, average):
        for number, batch in enumerate(source):
            with autocast(settings):
                outputs = look(batch)
            meter.update(outputs, batch.index)
            tick(label, number + 1, source.batches or 0)
    return meter
