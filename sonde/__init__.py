"""Sonde: point it at data; get a trained model, a run folder and an honest report."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sonde.api import fit, load, resume, steps, train
    from sonde.core.batch import Batch
    from sonde.core.errors import SondeError
    from sonde.core.seams import Loss, Meter, Objective, Observer, Phase, Source, Stage
    from sonde.run.run import Run
    from sonde.tasks.custom.base import Task
    from sonde.tasks.custom.task import MeanMeter

__version__ = "0.1.0"

_PUBLIC = {
    "train": "sonde.api",
    "fit": "sonde.api",
    "steps": "sonde.api",
    "load": "sonde.api",
    "resume": "sonde.api",
    "Run": "sonde.run.run",
    "Batch": "sonde.core.batch",
    "Loss": "sonde.core.seams",
    "Meter": "sonde.core.seams",
    "Objective": "sonde.core.seams",
    "Observer": "sonde.core.seams",
    "Phase": "sonde.core.seams",
    "Source": "sonde.core.seams",
    "Stage": "sonde.core.seams",
    "Task": "sonde.tasks.custom.base",
    "MeanMeter": "sonde.tasks.custom.task",
    "SondeError": "sonde.core.errors",
}

__all__ = [
    "Batch",
    "Loss",
    "MeanMeter",
    "Meter",
    "Objective",
    "Observer",
    "Phase",
    "Run",
    "SondeError",
    "Source",
    "Stage",
    "Task",
    "fit",
    "load",
    "resume",
    "steps",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'sonde' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
