"""A training in memory of small images, and that it is exact whatever interrupts or looks at it."""

from collections.abc import Callable
from typing import Any

import torch
from sample_tasks import CPU, stepper
from torch import Tensor

from sonde.core.config import FeedConfig
from sonde.core.durations import Duration
from sonde.core.seams import Task
from sonde.data.feed.tensors import tensor_source
from sonde.engine.clock import Clock
from sonde.engine.due import FitSettings
from sonde.engine.evaluate import evaluate
from sonde.engine.loop import FitParts, fit
from sonde.engine.signals import StopRequest
from sonde.engine.training import Training, capture, restore, weights
from sonde.engine.tree import copied, same
from sonde.optim.ema import EMA


def images(rows: int, *, seed: int, classes: int = 0) -> dict[str, Tensor]:
    """Noise of (1, 8, 8), with classes in turn where there are some."""
    drawn = torch.randn(rows, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
    return {"input": drawn, **({"target": torch.arange(rows) % classes} if classes else {})}


def averaged(task: Task, fields: dict[str, Tensor]) -> Training:
    """A training with averaged weights and 16 rows a step, that begins the same way each time."""
    run = stepper(task)
    run.average = EMA(task.modules, 0.9)
    torch.manual_seed(5)
    source = tensor_source(fields, FeedConfig(batch_size=16), training=True, seed=0, device=CPU)
    return Training(task=task, source=source, stepper=run, clock=Clock(), device=CPU, observers=[], journals={})


def parts(live: Training, fields: dict[str, Tensor], *, looks: bool = False) -> FitParts:
    """What fit is handed. fields: that are evaluated, where it looks"""
    held = tensor_source(fields, FeedConfig(batch_size=8), training=False, seed=0, device=CPU)

    def scores() -> dict[str, float]:
        return evaluate(live.task, held, live.stepper.settings, average=live.stepper.average).compute()

    return FitParts(
        objective=live.task.objective if looks else None,
        evaluate=scores if looks else None,
        best_weights=dict,
        writer=None,
        request=StopRequest(),
    )


def resumes_exactly(training: Callable[[], Training], held_out: dict[str, Any], at: int) -> None:
    """Assert that 12 steps are the same to the last bit where they are interrupted after `at`."""
    whole = training()
    fit(whole, FitSettings(stop=12), parts(whole, held_out))
    half = training()
    fit(half, FitSettings(stop=at), parts(half, held_out))
    held, state = copied(weights(half.task.modules)), copied(capture(half))
    again = training()
    torch.manual_seed(99)
    restore(again, held, state)
    fit(again, FitSettings(stop=12), parts(again, held_out))
    assert same(weights(whole.task.modules), weights(again.task.modules))
    left, right = capture(whole), capture(again)
    for name in ("stepper", "source", "task", "random", "progress"):
        assert same(left[name], right[name]), name


def is_the_same_however_often_it_is_evaluated(training: Callable[[], Training], held_out: dict[str, Any]) -> None:
    """Assert that 8 steps are the same with an evaluation after each and with none."""
    runs = []
    for every in (1, 1000):
        live = training()
        fit(
            live,
            FitSettings(stop=8, evaluate_every=Duration(every, "steps")),
            parts(live, held_out, looks=True),
        )
        runs.append((weights(live.task.modules), capture(live)))
    (first, left), (second, right) = runs
    assert same(first, second)
    for name in ("stepper", "source", "task", "random"):
        assert same(left[name], right[name]), name
