"""Sonde: point it at data; get a trained model, a run folder and an honest report."""

import sys
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sonde.api import compare, doctor, fit, load, resume, steps, train
    from sonde.core.batch import Batch
    from sonde.core.errors import SondeError
    from sonde.core.records import EvaluationRecord, EventRecord, StepRecord
    from sonde.core.seams import Loss, Meter, Objective, Observer, Phase, Source, Stage
    from sonde.run.gradient_check import check_gradients
    from sonde.run.live import Live
    from sonde.run.run import Run
    from sonde.tasks.custom.measure import Metric
    from sonde.tasks.custom.task import MeanMeter
    from sonde.tasks.custom.user_task import Task

__version__ = "0.1.0"

_PUBLIC = {
    "train": "sonde.api",
    "compare": "sonde.api",
    "doctor": "sonde.api",
    "fit": "sonde.api",
    "steps": "sonde.api",
    "load": "sonde.api",
    "resume": "sonde.api",
    "check_gradients": "sonde.run.gradient_check",
    "Run": "sonde.run.run",
    "Live": "sonde.run.live",
    "StepRecord": "sonde.core.records",
    "EvaluationRecord": "sonde.core.records",
    "EventRecord": "sonde.core.records",
    "Batch": "sonde.core.batch",
    "Loss": "sonde.core.seams",
    "Meter": "sonde.core.seams",
    "Objective": "sonde.core.seams",
    "Observer": "sonde.core.seams",
    "Phase": "sonde.core.seams",
    "Source": "sonde.core.seams",
    "Stage": "sonde.core.seams",
    "Task": "sonde.tasks.custom.user_task",
    "MeanMeter": "sonde.tasks.custom.task",
    "Metric": "sonde.tasks.custom.measure",
    "SondeError": "sonde.core.errors",
}

__all__ = [
    "Batch",
    "EvaluationRecord",
    "EventRecord",
    "Live",
    "Loss",
    "MeanMeter",
    "Meter",
    "Metric",
    "Objective",
    "Observer",
    "Phase",
    "Run",
    "SondeError",
    "Source",
    "Stage",
    "StepRecord",
    "Task",
    "check_gradients",
    "compare",
    "doctor",
    "fit",
    "load",
    "resume",
    "steps",
    "train",
]


def __getattr__(name: str) -> Any:
    import importlib

    if name == "sklearn":  # estimators, for which scikit-learn is imported
        return importlib.import_module("sonde.sklearn")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'sonde' has no attribute {name!r}")
    place, began, cpu = _PUBLIC[name], perf_counter(), process_time()
    known = place in sys.modules
    module = importlib.import_module(place)
    if not known and place == "sonde.api":  # with which PyTorch is loaded
        from sonde.engine.clock import loaded

        loaded(began, cpu)
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
