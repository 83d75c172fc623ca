"""Weights & Biases. Its own variables (WANDB_PROJECT, WANDB_ENTITY, WANDB_MODE, WANDB_DIR, …) hold as everywhere."""

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from sonde.run.loggers.final import final_metrics
from sonde.run.loggers.logger import BEGIN_S, About, Ending, Point

EXIT_CODES: dict[Ending, int] = {"finished": 0, "failed": 1, "interrupted": 130}


class WandbRun:
    """A run of Weights & Biases, in the project "sonde" unless WANDB_PROJECT names another."""

    name = "wandb"

    def __init__(self) -> None:
        self._wandb = import_module("wandb")
        self._run: Any = None

    def refusal(self, trouble: Exception) -> str:
        """No login, or one that is refused."""
        errors = self._wandb.errors
        if isinstance(trouble, errors.UsageError | errors.AuthenticationError):
            return "log in with: wandb login, or set WANDB_MODE=offline"
        return ""

    def begin(self, about: About) -> str:
        """Begin or continue a run; nothing of the terminal is captured."""
        self._run = self._wandb.init(
            project=os.environ.get("WANDB_PROJECT", "sonde"),
            name=about.name,
            id=about.known_as,
            resume="allow" if about.known_as else None,
            config={**about.settings, "run_folder": about.folder},
            settings=self._wandb.Settings(console="off", silent=True, init_timeout=BEGIN_S),
        )
        return str(self._run.id)

    def send(self, points: Sequence[Point]) -> None:
        """One history row a step; steps that a run which is resumed has sent already are left out."""
        for point in points:
            if point.step >= self._run.step:
                self._run.log(dict(point.values), step=point.step)

    def result(self, result: Mapping[str, Any], findings: Sequence[str]) -> None:
        """Into the run's summary."""
        self._run.summary.update(
            {**final_metrics(result), "status": result.get("status"), "findings": "\n".join(findings)}
        )

    def close(self, ending: Ending) -> None:
        """With the exit code of a shell."""
        self._run.finish(exit_code=EXIT_CODES[ending])
