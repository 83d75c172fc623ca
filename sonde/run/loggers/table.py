"""Trackers by name, and the loggers of a run."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sonde.core.bounds import flag
from sonde.core.config import TrainConfig, flat
from sonde.core.errors import MissingDependency
from sonde.core.findings import Finding
from sonde.core.run_folder import RunFolder
from sonde.run.loggers.logger import About, Logger

TRACKERS = {"wandb": "sonde.run.loggers.wandb_run:WandbRun", "mlflow": "sonde.run.loggers.mlflow_run:MlflowRun"}


def check_installed(names: Sequence[str]) -> None:
    """Raises: MissingDependency for a tracker whose package is not there."""
    for name in names:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:  # a folder `wandb`, of runs that were logged, is no package
            raise MissingDependency(f"{flag('log')} {name} needs {name}; install it with: pip install {name}")


def loggers(
    config: TrainConfig,
    folder: RunFolder,
    state: Mapping[str, Any] | None,
    *,
    findings: Sequence[Finding],
    found: Callable[[Finding], None],
) -> list[Logger]:
    """The loggers that a run is to have, their runs begun, or continued where a saved state knows them.

    findings: of the run, a list that grows;  found: told of trouble with a tracker
    Raises: MissingDependency, ConfigError for what the user can mend
    """
    names = config.place.logs
    check_installed(names)
    begun: list[Logger] = []
    settings = {"model": config.model, "task": config.task, **flat(config)}
    place = folder.path.absolute()
    title = f"{place.parent.name}/{place.name}" if config.data.fold else place.name
    for name in names:
        module, _, kind = TRACKERS[name].partition(":")
        tracker = getattr(importlib.import_module(module), kind)()
        one = Logger(tracker, log_every=config.loop.log_every, findings=findings, found=found)
        known = _known_as(name, state)
        try:
            one.begin(About(name=title, folder=str(place), settings=settings, known_as=known))
        except Exception:
            for other in begun:
                other.close("failed")
            raise
        begun.append(one)
    return begun


def _known_as(name: str, state: Mapping[str, Any] | None) -> str | None:
    if state is None:
        return None
    saved = zip(state.get("observed_by", ()), state["observers"], strict=False)
    return next((held["id"] for who, held in saved if who == name and "id" in held), None)
