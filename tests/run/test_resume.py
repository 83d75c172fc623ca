"""Going on with a run: what may change, what must not, what is refused, and what is remembered."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

import sonde
from sonde.core.bounds import flag
from sonde.core.config import MAY_DIFFER, LoopConfig
from sonde.core.errors import ConfigError, DataError, RunFolderError
from sonde.core.files import read_json
from sonde.engine import checkpoint
from sonde.engine.json_lines import read_lines
from sonde.modalities.settings import leaves
from sonde.run.resume import with_length

SETTINGS: dict[str, Any] = {"model": "mlp", "hidden": (8,), "batch_size": 16, "threads": 1, "quiet": True}


def rows(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).normal(size=(80, 4)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(np.int64)


def train(out: Path, **settings: Any) -> sonde.Run:
    return sonde.train(rows(), out=out, **dict(SETTINGS, **{"epochs": 2, **settings}))


def go_on(out: Path, **settings: Any) -> sonde.Run:
    return sonde.resume(out, data=rows(), **dict(settings, quiet=settings.get("quiet", True)))


def said(out: Path) -> dict[str, Any]:
    return yaml.safe_load((out / "config.yaml").read_text(encoding="utf-8"))


def weights(out: Path, which: str = "last") -> dict[str, torch.Tensor]:
    return checkpoint.read(out / "checkpoints" / which)[0]


def table(folder: Path, rows: int = 60) -> Path:
    path = folder / "rows.csv"
    path.write_text("a,b,t\n" + "".join(f"{n % 7},{n % 5},{'yes' if n % 7 > 3 else 'no'}\n" for n in range(rows)))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return train(tmp_path / "run").folder


def test_a_finished_run_says_so_and_is_left_alone(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.name != ".lock" and path.is_file()}
    again = sonde.train(rows(), out=run, **dict(SETTINGS, epochs=2, quiet=False))
    assert f"{run} already holds this run, finished; train it further with: sonde resume {run} --epochs N" in (
        capsys.readouterr().out
    )
    sonde.resume(run)
    assert capsys.readouterr().out == f"{run} is finished; train it further with: sonde resume {run} --epochs N\n"
    assert again.result["epochs"] == 2
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"lr": 0.5}, "lr=0.001, and now it is 0.5"),
        ({"hidden": (4, 4)}, "hidden=8, and now it is 4 4"),
        ({"model": "perceptron", "hidden": None}, 'model="mlp", and now it is perceptron'),
        ({"seed": 1}, "seed=0, and now it is 1"),
        ({"ema": 0.9}, "ema=0.0, and now it is 0.9"),
    ],
)
def test_another_setting_is_refused_with_both_values(run: Path, changed: dict[str, Any], told: str) -> None:
    given = {name: value for name, value in {**SETTINGS, "epochs": 2, **changed}.items() if value is not None}
    with pytest.raises(
        RunFolderError, match=f"holds a run with {told}; resume with: sonde resume .*, start over with fresh=True"
    ):
        sonde.train(rows(), out=run, **given)


def test_other_data_are_refused_also_by_a_finished_run(run: Path) -> None:
    for call in (lambda: sonde.train(rows(1), out=run, **SETTINGS, epochs=2),
                 lambda: sonde.resume(run, data=rows(1), epochs=3, quiet=True)):  # fmt: skip
        with pytest.raises(
            DataError, match="the training inputs have changed since .* was started, so it cannot be resumed exactly"
        ):
            call()


def test_a_changed_file_is_named(tmp_path: Path) -> None:
    path = table(tmp_path)
    sonde.train(path, target="t", out=tmp_path / "run", epochs=1, threads=1, quiet=True)
    with path.open("a") as file:
        file.write("1,1,no\n")
    with pytest.raises(DataError, match="rows.csv has changed since"):
        sonde.resume(tmp_path / "run", epochs=2, quiet=True)
    path.unlink()
    with pytest.raises(DataError, match="rows.csv: no such file or folder"):
        sonde.resume(tmp_path / "run", epochs=2, quiet=True)


def test_fresh_starts_over_and_touches_nothing_but_the_run(run: Path) -> None:
    (run / "notes.txt").write_text("mine")
    again = train(run, fresh=True, epochs=1, lr=0.5)
    assert again.result["epochs"] == 1
    assert said(run)["settings"]["lr"] == 0.5
    assert [line["step"] for line in read_lines(run / "metrics.jsonl") if line["kind"] == "evaluation"] == [4]
    assert (run / "notes.txt").read_text() == "mine"


def test_fresh_clears_no_folder_that_is_not_a_runs(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("web: {port: 80}\n")
    (tmp_path / "data.json").write_text("[]")
    with pytest.raises(ConfigError, match="is not a run's config.yaml"):
        train(tmp_path, fresh=True)
    assert (tmp_path / "data.json").read_text() == "[]"


def test_a_run_trained_further_goes_on_from_its_last_weights(tmp_path: Path) -> None:
    """With a constant rate a run of two epochs and two more is a run of four, bit for bit."""
    straight = train(tmp_path / "straight", epochs=4, schedule="constant")
    first = train(tmp_path / "run", epochs=2, schedule="constant")
    assert (straight.result["steps"], first.result["steps"]) == (16, 8)
    go_on(tmp_path / "run", epochs=4)
    for name, value in weights(straight.folder).items():
        assert torch.equal(weights(tmp_path / "run")[name], value), name


@pytest.mark.parametrize(("schedule", "told"), [("linear", True), ("constant", False)])
def test_a_rate_that_jumps_as_a_run_is_made_longer_is_told(
    schedule: str, told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path / "run", epochs=2, schedule=schedule, log_every=1)
    go_on(tmp_path / "run", epochs=4, quiet=False)
    lines = [line for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines() if '"kind": "step"' in line]
    before, after = (json.loads(lines[number])["lr"] for number in (7, 8))
    assert (after > 2 * before) == told
    assert ("jumps to its place in that" in capsys.readouterr().out) == told


def test_without_validation_the_best_is_the_last_of_the_longer_run(tmp_path: Path) -> None:
    """The best checkpoint of the shorter run is not one that the longer one has to beat."""
    train(tmp_path / "run", validation=0)
    longer = go_on(tmp_path / "run", epochs=4)
    assert longer.result["best"]["step"] == longer.result["steps"]
    for name, value in weights(tmp_path / "run").items():
        assert torch.equal(weights(tmp_path / "run", "best")[name], value), name


def test_the_same_command_with_more_epochs_trains_further(run: Path) -> None:
    assert train(run, epochs=3).result["epochs"] == 3


def test_what_was_changed_is_remembered(run: Path) -> None:
    go_on(run, epochs=3, threads=2, log_every=5)
    config = said(run)
    assert {name: config["settings"][name] for name in ("epochs", "threads", "log_every")} == {
        "epochs": 3,
        "threads": 2,
        "log_every": 5,
    }
    assert {config["origin"][name] for name in ("epochs", "threads", "log_every")} == {"typed"}
    # the command that began it, without a length, is satisfied with what there is now
    assert sonde.train(rows(), out=run, **SETTINGS).result["epochs"] == 3


def test_typed_threads_are_kept_and_a_change_is_an_event(run: Path) -> None:
    go_on(run, epochs=3)
    assert read_json(run / "plan.json")["threads"] == 1
    go_on(run, epochs=4, threads=2)
    assert read_json(run / "plan.json")["threads"] == 2
    assert checkpoint.read(run / "checkpoints" / "last")[1]["threads"] == 2
    events = [line for line in read_lines(run / "metrics.jsonl") if line["kind"] == "event"]
    assert [event["event"] for event in events] == ["resumed", "resumed", "threads changed"]
    assert {name: events[-1]["details"][name] for name in ("from", "to", "why")} == {"from": 1, "to": 2, "why": "typed"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"epochs": 1}, "has trained 8 steps already, and 1 epoch of 4 steps are set; give a larger total"),
        ({"epochs": 2.0, "patience": 0}, None),
        ({"steps": 8}, "has trained 8 steps already, and 8 steps are set"),
        ({"time_limit": "1ms"}, "'1ms' is not a duration"),
        ({"time_limit": "0.001s"}, 'time_limit="0.001s": .* has already used .*; give a longer total'),
        ({"lr": 0.1}, "lr= cannot be changed on resume; start a new run with another out="),
        ({"epoch": 9}, "unknown setting 'epoch'; did you mean 'epochs'"),
        ({"epochs": "many"}, "epochs= expects .*, got 'many'"),
        ({"epochs": -1}, "epochs= must be above 0, got -1"),
        ({"epochs": 3, "steps": 8}, "has trained 8 steps already, and 8 steps are set"),
    ],
)
def test_what_makes_no_sense_is_refused_and_the_run_stays_finished(
    run: Path, given: dict[str, Any], told: str | None
) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    if told is None:  # as long as it is already: nothing to do, and said so
        assert go_on(run, **given).result["epochs"] == 2
    else:
        with pytest.raises(ConfigError, match=told):
            go_on(run, **given)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert sonde.load(run).result["status"] == "finished"
    assert said(run)["settings"]["epochs"] == 2


def test_a_resume_that_planning_refuses_leaves_the_folder_as_it_was(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planning comes last of all that can refuse, once a checkpoint is read and the parts are built."""

    def refuse(*_: Any, **__: Any) -> None:
        raise RunFolderError("this machine cannot")

    monkeypatch.setattr("sonde.run.train.make_plan", refuse)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(RunFolderError, match="this machine cannot"):
        go_on(run, epochs=3, log_every=7)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    monkeypatch.undo()
    assert go_on(run, epochs=3).result["epochs"] == 3


def test_a_run_without_a_checkpoint_stays_one_where_resuming_it_is_refused(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("last", "previous", "best"):
        (run / "checkpoints" / name / "state.json").unlink(missing_ok=True)
    (run / "result.json").unlink()

    def refuse(*_: Any, **__: Any) -> None:
        raise ConfigError("this machine cannot")

    monkeypatch.setattr("sonde.run.train.make_plan", refuse)
    with pytest.raises(ConfigError, match="this machine cannot"):
        go_on(run)
    monkeypatch.undo()
    assert go_on(run).result["epochs"] == 2


def test_patience_that_is_over_at_the_very_end_did_not_stop_the_run(tmp_path: Path) -> None:
    out = tmp_path / "run"
    ended = train(out, epochs=2, patience=1, lr=1e-9, monitor="accuracy").result
    assert (ended["status"], ended["ended_by"]) == ("finished", "epochs")
    with pytest.raises(ConfigError, match="is finished, and its patience= is over too, 1 evaluation after its best"):
        go_on(out, epochs=4)
    assert go_on(out, epochs=4, patience=0).result["epochs"] == 4


def test_a_time_limit_says_how_long_the_whole_run_is(run: Path) -> None:
    before = sonde.load(run).result
    longer = go_on(run, time_limit="2s").result
    assert longer["steps"] > before["steps"]
    assert before["seconds"]["total"] < longer["seconds"]["total"] < 3
    assert said(run)["settings"]["epochs"] is None


def test_a_run_that_stopped_early_wants_more_patience(tmp_path: Path) -> None:
    out = tmp_path / "run"
    stopped = train(out, epochs=30, patience=1, lr=1e-9, monitor="accuracy").result
    assert stopped["status"] == "stopped early"
    assert stopped["epochs"] == 2
    with pytest.raises(ConfigError, match="stopped early, 1 evaluations? after its best; give a larger patience="):
        go_on(out, epochs=40)
    assert go_on(out, patience=3).result["epochs"] == 4


def test_arrays_must_be_given_again(run: Path) -> None:
    with pytest.raises(ConfigError, match=r"was trained on arrays in memory \(80, 4\); pass them again: sonde.resume"):
        sonde.resume(run, epochs=3)


def test_without_a_checkpoint_it_starts_from_the_beginning(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = weights(run)
    for name in ("last", "previous", "best"):
        (run / "checkpoints" / name / "state.json").unlink(missing_ok=True)
    (run / "result.json").unlink()
    go_on(run, quiet=False)
    assert f"{run} has no checkpoint yet: starting from the beginning" in capsys.readouterr().out
    for name, value in before.items():
        assert torch.equal(weights(run)[name], value), name


def test_quiet_is_quiet(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    go_on(run, epochs=3)
    assert capsys.readouterr() == ("", "")


def test_what_may_change_are_settings() -> None:
    names = {name for name in leaves()}
    assert names >= MAY_DIFFER
    assert flag("time_limit") == "--time-limit"


def test_a_length_takes_the_place_of_the_one_before() -> None:
    loop = with_length(LoopConfig(epochs=3, patience=2), {"steps": 9, "patience": 5})
    assert (loop.epochs, loop.steps, loop.time_limit, loop.patience) == (None, 9, None, 2)
    assert with_length(loop, {"patience": 5}) is loop


def test_a_run_whose_data_are_read_in_another_way_now_is_not_trained_on(run: Path) -> None:
    schema = json.loads((run / "schema.json").read_text())
    schema["input"]["extra"] = "as it was"
    (run / "schema.json").write_text(json.dumps(schema))
    with pytest.raises(RunFolderError, match="was begun by an earlier version, .* start another run with out="):
        go_on(run, epochs=6)


def test_a_run_on_other_data_is_told_as_that_and_not_by_a_setting_that_comes_of_them(tmp_path: Path) -> None:
    given: dict[str, Any] = {"steps": 1, "out": tmp_path / "run", "quiet": True, "threads": 1}
    sonde.train("digits", **given)
    (tmp_path / "other.csv").write_text("x,y\n" + "".join(f"{row * row / 7},{row % 2}\n" for row in range(40)))
    with pytest.raises(
        RunFolderError, match=r"holds a run on digits, and this one is on .*other\.csv; give out= another"
    ):
        sonde.train(tmp_path / "other.csv", target="y", **given)
