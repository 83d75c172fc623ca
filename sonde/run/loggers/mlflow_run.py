"""MLflow tracking. Its own variables (MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME, …) hold as everywhere."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from sonde.run.loggers.final import final_metrics, key
from sonde.run.loggers.logger import About, Ending, Point

STATUS: dict[Ending, str] = {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
MOST_METRICS, MOST_PARAMS, MOST_CHARACTERS = (
    1000,
    100,
    5000,
)  # that a server takes at once (MLflow's REST API), and in a value
UNREACHED = ("failed with exception", "Max retries", "Connection", "timed out", "error responses")


class MlflowRun:
    """A run of MLflow, in the experiment "sonde" unless MLFLOW_EXPERIMENT_NAME names another."""

    name = "mlflow"

    def __init__(self) -> None:
        self._entities, self._make = import_module("mlflow.entities"), import_module("mlflow").MlflowClient
        self._client: Any = None
        self._id = ""
        self._sent: dict[str, int] = {}  # last step of each metric, of a run that is resumed
        self._last = 0

    def refusal(self, trouble: Exception) -> str:
        """All but a server that cannot be reached."""
        if isinstance(trouble, OSError) or any(words in str(trouble) for words in UNREACHED):
            return ""
        return "fix it, give another MLFLOW_TRACKING_URI, or leave it out"

    def begin(self, about: About) -> str:
        """Begin a run with its settings as parameters, or continue one."""
        self._client = self._make()
        if about.known_as is not None:
            self._id = about.known_as
            self._client.update_run(self._id, status="RUNNING")
            for key in self._client.get_run(self._id).data.metrics:
                self._sent[key] = max(metric.step for metric in self._client.get_metric_history(self._id, key))
            return self._id
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "sonde")
        experiment = self._client.get_experiment_by_name(name)
        number = experiment.experiment_id if experiment is not None else self._client.create_experiment(name)
        run = self._client.create_run(number, run_name=about.name, tags={"run_folder": about.folder})
        self._id = str(run.info.run_id)
        params = [self._entities.Param(name, str(value)[:MOST_CHARACTERS]) for name, value in about.settings.items()]
        for part in _parts(params, MOST_PARAMS):
            self._client.log_batch(self._id, params=part)
        return self._id

    def send(self, points: Sequence[Point]) -> None:
        """All in one call; what a run that is resumed has sent already is left out."""
        metrics = [
            self._entities.Metric(key(name), value, int(point.when * 1e3), point.step)
            for point in points
            for name, value in point.values.items()
            if point.step > self._sent.get(key(name), -1)
        ]
        self._last = points[-1].step
        for part in _parts(metrics, MOST_METRICS):
            self._client.log_batch(self._id, metrics=part)

    def result(self, result: Mapping[str, Any], findings: Sequence[str]) -> None:
        """Final metrics as metrics of the last step, the rest as tags."""
        when = int(time.time() * 1e3)
        step = int(result.get("steps") or self._last)
        metrics = [self._entities.Metric(key(name), value, when, step) for name, value in final_metrics(result).items()]
        tags = {"status": str(result.get("status")), "findings": "\n".join(findings)[:MOST_CHARACTERS]}
        self._client.log_batch(
            self._id, metrics=metrics[:MOST_METRICS], tags=[self._entities.RunTag(*tag) for tag in tags.items()]
        )

    def close(self, ending: Ending) -> None:
        """With MLflow's word for it."""
        self._client.set_terminated(self._id, status=STATUS[ending])


def _parts(listed: Sequence[Any], most: int) -> Iterator[list[Any]]:
    yield from (list(listed[at : at + most]) for at in range(0, len(listed), most))
