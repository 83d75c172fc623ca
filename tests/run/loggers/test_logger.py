"""Trackers: what they are sent, and that no trouble of theirs ends a run. The packages are stood in for by recorders.

`test_the_real_ones_take_these_calls` holds the recorded calls against the real packages, where they are installed (wandb 0.31 and
mlflow 3.17 when this was written).
"""

import inspect
import os
import signal
import sys
import threading
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from other_findings import other_findings
from torch import nn

import sonde
from sonde.cli.main import main
from sonde.core.errors import ConfigError, Interrupted, MissingDependency
from sonde.engine.json_lines import read_lines
from sonde.run.loggers import logger

X = torch.randn(24, 4, generator=torch.Generator().manual_seed(0))
Y = X.sum(1, keepdim=True)
QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "epochs": 3, "batch_size": 6, "log_every": 2}


def fitted(out: Path, **more: Any) -> sonde.Run:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1), nn.Linear(4, 1))
    return sonde.fit(net, (X, Y), validation=(X, Y), loss=nn.functional.mse_loss, out=out, **{**QUIET, **more})


class Calls:
    """Records calls by name; raises what it is told to at one of them."""

    def __init__(self) -> None:
        self.made: list[tuple[str, dict[str, Any]]] = []
        self.raises: dict[str, Exception] = {}

    def __call__(self, called: str, /, **given: Any) -> None:
        self.made.append((called, given))
        if called in self.raises:
            raise self.raises[called]

    def of(self, name: str) -> list[dict[str, Any]]:
        return [given for called, given in self.made if called == name]


def module(name: str, **members: Any) -> ModuleType:
    made = ModuleType(name)
    made.__spec__ = ModuleSpec(name, None, origin="recorder")
    vars(made).update(members)
    return made


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> Calls:
    calls = Calls()

    class UsageError(Exception): ...

    class AuthenticationError(Exception): ...

    class Run:
        def __init__(self, known: str | None) -> None:
            self.id, self.step = known or "w1", 0
            self.summary = SimpleNamespace(update=lambda values: calls("summary", values=values))

        def log(self, data: dict[str, Any], step: int | None = None) -> None:
            calls("log", data=data, step=step)

        def finish(self, exit_code: int | None = None) -> None:
            calls("finish", exit_code=exit_code)

    def init(**given: Any) -> Run:
        calls("init", **given)
        return Run(given["id"])

    errors = SimpleNamespace(UsageError=UsageError, AuthenticationError=AuthenticationError)
    monkeypatch.setitem(sys.modules, "wandb", module("wandb", init=init, Settings=SimpleNamespace, errors=errors))
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    return calls


class MlflowClient:
    """Records what it is told, and tells it again."""

    calls = Calls()

    def get_experiment_by_name(self, name: str) -> Any:
        self.calls("get_experiment_by_name", name=name)

    def create_experiment(self, name: str) -> str:
        self.calls("create_experiment", name=name)
        return "7"

    def create_run(self, experiment_id: str, run_name: str | None = None, tags: Any = None) -> Any:
        self.calls("create_run", experiment_id=experiment_id, run_name=run_name, tags=tags)
        return SimpleNamespace(info=SimpleNamespace(run_id="m1"))

    def log_batch(self, run_id: str, metrics: Any = (), params: Any = (), tags: Any = ()) -> None:
        self.calls("log_batch", run_id=run_id, metrics=metrics, params=params, tags=tags)

    def update_run(self, run_id: str, status: str | None = None) -> None:
        self.calls("update_run", run_id=run_id, status=status)

    def get_run(self, run_id: str) -> Any:
        return SimpleNamespace(data=SimpleNamespace(metrics={metric.key: 0.0 for metric in sent(self.calls)}))

    def get_metric_history(self, run_id: str, key: str) -> list[Any]:
        return [metric for metric in sent(self.calls) if metric.key == key]

    def set_terminated(self, run_id: str, status: str | None = None) -> None:
        self.calls("set_terminated", run_id=run_id, status=status)


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Calls:
    def metric(key: str, value: float, timestamp: int, step: int) -> Any:
        return SimpleNamespace(key=key, value=value, timestamp=timestamp, step=step)

    def pair(key: str, value: str) -> Any:
        return SimpleNamespace(key=key, value=value)

    monkeypatch.setattr(MlflowClient, "calls", Calls())
    entities = module("mlflow.entities", Metric=metric, Param=pair, RunTag=pair)
    monkeypatch.setitem(sys.modules, "mlflow", module("mlflow", MlflowClient=MlflowClient, entities=entities))
    monkeypatch.setitem(sys.modules, "mlflow.entities", entities)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    return MlflowClient.calls


def sent(calls: Calls) -> list[Any]:
    return [metric for batch in calls.of("log_batch") for metric in batch["metrics"]]


def numbers(record: Any, live: sonde.Live) -> None:
    if isinstance(record, sonde.StepRecord) and record.step == 4:
        live.log(mine=0.5)


def test_wandb_is_sent_losses_evaluations_numbers_and_the_result(tmp_path: Path, wandb: Calls) -> None:
    run = fitted(tmp_path / "run", log="wandb", observers=[numbers])
    (begun,) = wandb.of("init")
    assert (begun["project"], begun["name"], begun["id"], begun["resume"]) == ("sonde", "run", None, None)
    assert (begun["config"]["lr"], begun["config"]["run_folder"]) == (1e-3, str(tmp_path / "run"))
    history = {name: {} for name in ("train/model/loss", "validation/loss", "mine")}
    for row in wandb.of("log"):
        for name in history.keys() & row["data"].keys():
            history[name][row["step"]] = row["data"][name]
    assert list(history["train/model/loss"]) == [2, 4, 6, 8, 10, 12]
    evaluated = [line for line in read_lines(tmp_path / "run" / "metrics.jsonl") if line["kind"] == "evaluation"]
    assert history["validation/loss"] == {line["step"]: line["metrics"]["loss"] for line in evaluated}
    assert history["mine"] == {4: 0.5}
    (summary,) = wandb.of("summary")
    assert summary["values"]["final/validation/loss"] == run.metrics["loss"]
    assert (summary["values"]["status"], summary["values"]["final/steps"]) == ("finished", 12)
    assert wandb.of("finish") == [{"exit_code": 0}]
    assert [name for name, _ in wandb.made][-2:] == ["summary", "finish"]


def test_mlflow_is_sent_the_same_in_few_calls(tmp_path: Path, mlflow: Calls) -> None:
    run = fitted(tmp_path / "run", log="mlflow", observers=[numbers])
    assert mlflow.of("create_run") == [
        {"experiment_id": "7", "run_name": "run", "tags": {"run_folder": str(tmp_path / "run")}}
    ]
    params = {param.key: param.value for batch in mlflow.of("log_batch") for param in batch["params"]}
    assert (params["lr"], params["model"]) == ("0.001", "custom")
    found = {(metric.key, metric.step): metric.value for metric in sent(mlflow)}
    assert [step for name, step in found if name == "train/model/loss"] == [2, 4, 6, 8, 10, 12]
    assert found["mine", 4] == 0.5
    assert found["final/validation/loss", 12] == found["validation/loss", 12] == run.metrics["loss"]
    assert mlflow.of("set_terminated") == [{"run_id": "m1", "status": "FINISHED"}]
    assert len(mlflow.of("log_batch")) <= 4  # parameters, what came together at the end, the result


def test_the_numbers_of_a_run_do_not_depend_on_it(tmp_path: Path, wandb: Calls, mlflow: Calls) -> None:
    plain, logged = fitted(tmp_path / "plain"), fitted(tmp_path / "logged", log=["wandb", "mlflow"])
    for name, value in plain.model.state_dict().items():
        assert torch.equal(value, logged.model.state_dict()[name]), name
    assert wandb.made
    assert mlflow.made


def interrupt(record: Any) -> None:
    if isinstance(record, sonde.StepRecord) and record.step == 7:
        os.kill(os.getpid(), signal.SIGINT)


def test_a_resume_goes_on_in_the_same_runs(tmp_path: Path, wandb: Calls, mlflow: Calls) -> None:
    with pytest.raises(Interrupted):
        fitted(tmp_path / "run", log="wandb,mlflow", observers=[interrupt])
    assert wandb.of("finish") == [{"exit_code": 130}]
    assert mlflow.of("set_terminated") == [{"run_id": "m1", "status": "KILLED"}]
    fitted(tmp_path / "run", log="wandb,mlflow")
    assert [(begun["id"], begun["resume"]) for begun in wandb.of("init")] == [(None, None), ("w1", "allow")]
    assert mlflow.of("update_run") == [{"run_id": "m1", "status": "RUNNING"}]
    assert len(mlflow.of("create_run")) == 1
    assert [metric.step for metric in sent(mlflow) if metric.key == "train/model/loss"] == [2, 4, 6, 8, 10, 12]
    found = read_lines(tmp_path / "run" / "findings.jsonl")
    assert not any(line["check"].startswith("log ") or "state is dropped" in line["evidence"] for line in found)


@pytest.mark.parametrize(
    ("name", "call"), [("wandb", "log"), ("mlflow", "log_batch"), ("wandb", "init"), ("mlflow", "create_run")]
)
def test_trouble_is_a_finding_and_training_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest, name: str, call: str
) -> None:
    request.getfixturevalue(name).raises[call] = ConnectionError("the network is unreachable\nin lines")
    run = fitted(tmp_path / "run", log=name, quiet=False)
    assert run.result["status"] == "finished"
    text = f"{name} failed and is sent nothing more: ConnectionError: the network is unreachable"
    assert f"warning   log {name}: {text}" in capsys.readouterr().out
    (found,) = other_findings(tmp_path / "run")
    assert (found["check"], found["severity"], found["evidence"]) == (f"log {name}", "warning", text)


def test_no_login_is_refused_before_a_step(tmp_path: Path, wandb: Calls) -> None:
    wandb.raises["init"] = sys.modules["wandb"].errors.UsageError("No API key configured.")
    with pytest.raises(
        ConfigError, match='log="wandb": No API key configured.; log in with: wandb login, or set WANDB_MODE'
    ):
        fitted(tmp_path / "run", log="wandb")
    assert not (tmp_path / "run").exists()


def test_what_mlflow_refuses_is_refused(tmp_path: Path, mlflow: Calls, wandb: Calls) -> None:
    mlflow.raises["create_run"] = ValueError("the filesystem backend is in maintenance mode")
    with pytest.raises(
        ConfigError, match='log="mlflow": the filesystem backend is in maintenance mode; fix it, give another'
    ):
        fitted(tmp_path / "run", log="wandb,mlflow")
    assert wandb.of("finish") == [{"exit_code": 1}]


def test_a_package_that_is_not_there_is_refused_before_the_data_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match='log="wandb" needs wandb; install it with: pip install wandb'):
        sonde.train("no-such-data", log="wandb")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: ModuleSpec(name, None))  # a folder of that name
    with pytest.raises(MissingDependency, match='log="mlflow" needs mlflow'):
        sonde.fit(nn.Linear(4, 1), (X, Y), loss=nn.functional.mse_loss, log=["mlflow"])


def test_another_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown tracker 'wandbb'; did you mean 'wandb'?"):
        sonde.train("digits", log="wandbb")
    with pytest.raises(ConfigError, match="its files are always written, to RUN/events; leave it out"):
        sonde.fit(nn.Linear(4, 1), (X, Y), loss=nn.functional.mse_loss, log="tensorboard")
    with pytest.raises(ConfigError, match="sonde.steps leaves that to your own loop"):
        sonde.steps(nn.Linear(4, 1), (X, Y), loss=nn.functional.mse_loss, total=2, log="wandb")  # pyright: ignore[reportCallIssue]


def test_the_command_line_takes_both(
    tmp_path: Path, wandb: Calls, mlflow: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = "train digits --model mlp --hidden 8 --steps 4 --threads 1 --quiet --out run --log wandb,mlflow"
    assert main(words.split()) == 0
    assert wandb.of("finish") == [{"exit_code": 0}]
    assert mlflow.of("set_terminated") == [{"run_id": "m1", "status": "FINISHED"}]
    assert main(["resume", "run", "--steps", "6", "--quiet"]) == 0
    assert len(wandb.of("init")) == 2
    assert len(mlflow.of("update_run")) == 1


def test_a_failed_run_is_known_as_one(tmp_path: Path, wandb: Calls) -> None:
    def broken(record: Any) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fitted(tmp_path / "run", log="wandb", observers=[broken])
    assert wandb.of("finish") == [{"exit_code": 1}]


def test_a_tracker_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, wandb: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()
    real = sys.modules["wandb"].init
    monkeypatch.setattr(sys.modules["wandb"], "init", lambda **given: (answer.wait(20), real(**given))[1])
    monkeypatch.setattr(logger, "BEGIN_S", 0.05)

    def at_the_end(record: Any) -> None:
        if isinstance(record, sonde.StepRecord) and record.step == 12:
            answer.set()

    fitted(tmp_path / "run", log="wandb", observers=[at_the_end])
    (found,) = other_findings(tmp_path / "run")
    assert found["evidence"] == "wandb did not answer within 0 s"
    assert [row["step"] for row in wandb.of("log") if "train/model/loss" in row["data"]] == [2, 4, 6, 8, 10, 12]
    assert wandb.of("finish") == [{"exit_code": 0}]


def test_the_real_ones_take_these_calls() -> None:
    real = pytest.importorskip("wandb")
    inspect.signature(real.init).bind(project="", name="", id=None, resume=None, config={}, settings=None)
    inspect.signature(real.Run.log).bind(None, {}, step=1)
    inspect.signature(real.Run.finish).bind(None, exit_code=0)
    assert {"console", "silent", "init_timeout"} <= set(real.Settings.model_fields)
    assert issubclass(real.errors.UsageError, Exception)
    assert issubclass(real.errors.AuthenticationError, Exception)
    real = pytest.importorskip("mlflow")
    entities, client = pytest.importorskip("mlflow.entities"), real.MlflowClient
    for call, given in {
        "get_experiment_by_name": {"name": ""},
        "create_experiment": {"name": ""},
        "create_run": {"experiment_id": "", "run_name": "", "tags": {}},
        "log_batch": {"run_id": "", "metrics": [], "params": [], "tags": []},
        "update_run": {"run_id": "", "status": ""},
        "get_run": {"run_id": ""},
        "get_metric_history": {"run_id": "", "key": ""},
        "set_terminated": {"run_id": "", "status": ""},
    }.items():
        inspect.signature(getattr(client, call)).bind(None, **given)
    entities.Metric("key", 1.0, 1, 1)
    entities.Param("key", "value")
    entities.RunTag("key", "value")
