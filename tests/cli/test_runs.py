"""`sonde runs` over folders in every state a run folder can be in."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sonde.cli.main import main
from sonde.cli.runs import RunLine, columns_within, find_runs, in_order, list_runs, read_line
from sonde.core.config_file import write_config
from sonde.core.errors import ConfigError
from sonde.core.run_folder import RunFolder
from sonde.screen.screen import Screen

RESULT: dict[str, Any] = {
    "status": "stopped early",
    "model": "mlp",
    "epochs": 5,
    "objective": {"metric": "accuracy", "mode": "max"},
    "metrics": {"validation": {"accuracy": 0.9, "log_loss": 0.3}, "test": {"accuracy": 0.8765, "log_loss": 0.4}},
    "seconds": {"total": 72.0},
}


def make(folder: Path, *, started: str = "2026-01-01T00:00:00", result: Any = None, records: str = "") -> Path:
    folder.mkdir(parents=True)
    write_config(folder / "config.yaml", data="x", settings={"model": "lenet5", "lr": 0.1}, origin={}, reasons={})
    (folder / "env.json").write_text(json.dumps({"started": started}))
    (folder / "data.json").write_text(json.dumps({"source": "/somewhere/mnist"}))
    if records:
        (folder / "metrics.jsonl").write_text(records)
    if result is not None:
        (folder / "result.json").write_text(result if isinstance(result, str) else json.dumps(result))
    return folder


def test_a_finished_run(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", result=RESULT)
    assert read_line(folder) == RunLine(
        name=str(folder),
        started="2026-01-01T00:00:00",
        data="mnist",
        model="mlp",
        epochs=5,
        metric="accuracy",
        scores={"validation": 0.9, "test": 0.8765},
        metrics=RESULT["metrics"],
        seconds=72.0,
        status="stopped early",
    )


@pytest.mark.parametrize("status", ["finished", "time limit"])
def test_a_run_that_its_time_ended_says_so_however_it_came_to_it(status: str, tmp_path: Path) -> None:
    """At the last step that was planned for it, or by the clock before that."""
    folder = make(tmp_path / "a", result={**RESULT, "status": status, "ended_by": "time_limit"})
    assert read_line(folder).status == "time limit"


def test_a_run_that_was_killed_while_it_wrote_a_line(tmp_path: Path) -> None:
    records = '{"kind": "step", "step": 1200, "epoch": 2, "seconds": 7.5}\n{"kind": "step", "step": 12'
    line = read_line(make(tmp_path / "a", records=records))
    assert (line.model, line.epochs, line.seconds, line.status) == ("lenet5", 2, 7.5, "killed, step 1,200")


def test_only_the_end_of_a_long_record_is_read(tmp_path: Path) -> None:
    records = "".join(
        json.dumps({"kind": "step", "step": n, "epoch": 0, "seconds": n}) + "\n" for n in range(1, 20_001)
    )
    assert read_line(make(tmp_path / "a", records=records)).status == "killed, step 20,000"


def test_a_run_without_a_step(tmp_path: Path) -> None:
    assert read_line(make(tmp_path / "a")).status == "killed, step 0"


def test_a_run_that_is_going_on(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", records='{"kind": "step", "step": 3, "epoch": 0, "seconds": 1}\n')
    with RunFolder(folder).claimed():
        assert read_line(folder).status == "running, step 3"
    assert read_line(folder).status == "killed, step 3"  # the file stays, the lock does not


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("result.json", "{", "broken: result.json is not JSON"),
        ("result.json", "[1]", "broken: result.json does not hold a JSON object"),
        ("env.json", '{"started": ', "broken: env.json is not JSON"),
        ("data.json", "\udcff", "broken: data.json is not JSON"),
    ],
)
def test_a_broken_file_is_named_and_hides_no_other_run(tmp_path: Path, name: str, content: str, status: str) -> None:
    broken = make(tmp_path / "a", result=RESULT)
    (broken / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    make(tmp_path / "b", result=RESULT)
    assert [line.status for line in find_runs(tmp_path)] == [status, "stopped early"]


def test_a_result_without_scores(tmp_path: Path) -> None:
    line = read_line(make(tmp_path / "a", result={"status": "finished", "metrics": {"test": {}}, "objective": None}))
    assert (line.status, line.scores, line.seconds) == ("finished", {}, None)


def test_the_newest_is_last_and_other_folders_are_not_runs(tmp_path: Path) -> None:
    make(tmp_path / "a", started="2026-03-01T00:00:00", result=RESULT)
    make(tmp_path / "b", started="2026-01-01T00:00:00", result=RESULT)
    (tmp_path / "c").mkdir()
    (tmp_path / "d.txt").write_text("")
    assert [Path(line.name).name for line in find_runs(tmp_path)] == ["b", "a"]
    assert [Path(line.name).name for line in find_runs(tmp_path / "a")] == ["a"]


def test_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path("runs/one"), result=RESULT)
    make(Path("runs/two"), started="2026-02-01T00:00:00")
    assert main(["runs"]) == 0
    head, one, two = capsys.readouterr().out.splitlines()
    assert head.split() == ["run", "data", "model", "epochs", "metric", "validation", "test", "time", "status"]
    assert one.split("  ")[0] == "runs/one"
    assert all(part in one for part in ("mnist", "mlp", "accuracy", "90.00 %", "87.65 %", "1 m 12 s", "stopped early"))
    assert "lenet5" in two
    assert two.endswith("killed, step 0")


def test_no_runs_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["runs"]) == 0
    assert capsys.readouterr().out == "no runs in runs; start one with: sonde train digits\n"
    assert main(["runs", "elsewhere"]) == 2
    assert "there is no folder elsewhere; `sonde train` writes its runs to runs/" in capsys.readouterr().err


def test_listing_runs_needs_no_torch(tmp_path: Path) -> None:
    make(tmp_path / "a", result=RESULT)
    code = (
        f"import sys; from sonde.cli.main import main; main(['runs', {str(tmp_path)!r}]); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"


def _scored(tmp_path: Path, name: str, *, accuracy: float, log_loss: float, seconds: float) -> None:
    metrics = {"test": {"accuracy": accuracy, "log_loss": log_loss}}
    make(tmp_path / name, result={**RESULT, "metrics": metrics, "seconds": {"total": seconds}})


def test_runs_are_sorted_by_a_metric_the_best_first_by_time_or_by_name(tmp_path: Path) -> None:
    _scored(tmp_path, "run-10", accuracy=0.8, log_loss=0.1, seconds=5)
    _scored(tmp_path, "run-9", accuracy=0.9, log_loss=0.4, seconds=7)
    make(tmp_path / "open")

    def order(by: str) -> list[str]:
        return [Path(line.name).name for line in in_order(find_runs(tmp_path), by)]

    assert order("accuracy") == ["run-9", "run-10", "open"]
    assert order("log_loss") == ["run-10", "run-9", "open"]
    assert order("time") == ["run-9", "run-10", "open"]
    assert order("name") == ["open", "run-9", "run-10"]
    with pytest.raises(ConfigError, match="--sort acuracy: no run here has such a metric; did you mean accuracy?"):
        order("acuracy")


def test_a_metric_without_a_direction_sorts_nothing(tmp_path: Path) -> None:
    make(tmp_path / "a", result={**RESULT, "metrics": {"test": {"my_score": 1.0}}})
    with pytest.raises(ConfigError, match="--sort my_score: whether higher is better is not known"):
        in_order(find_runs(tmp_path), "my_score")


def test_a_metric_whose_direction_its_task_knows_sorts(tmp_path: Path) -> None:
    for name, score in (("a", 0.2), ("b", 0.7)):
        make(tmp_path / name, result={**RESULT, "metrics": {"test": {"score": score, "score_random": score}}})
        (tmp_path / name / "config.yaml").write_text("settings:\n  task: alphazero\n")
    for by in ("score", "score_random"):
        assert [Path(line.name).name for line in in_order(find_runs(tmp_path), by)] == ["b", "a"]
    (tmp_path / "a" / "config.yaml").write_text("settings:\n  task: Mine\n")
    with pytest.raises(ConfigError, match="whether higher is better is not known"):
        in_order(find_runs(tmp_path), "score")


def test_the_metric_that_runs_are_sorted_by_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _scored(tmp_path, "a", accuracy=0.8, log_loss=0.125, seconds=5)
    assert main(["runs", str(tmp_path), "--sort", "log_loss"]) == 0
    shown = capsys.readouterr().out
    assert "log loss" in shown
    assert "0.1250" in shown
    assert "80.00" not in shown


def test_runs_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _scored(tmp_path, "a", accuracy=0.8, log_loss=0.1, seconds=5)
    assert main(["runs", str(tmp_path), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found == {
        "folder": str(tmp_path / "a"), "started": "2026-01-01T00:00:00", "data": "mnist", "model": "mlp", "epochs": 5,
        "metric": "accuracy", "scores": {"test": 0.8}, "metrics": {"test": {"accuracy": 0.8, "log_loss": 0.1}},
        "seconds": 5, "status": "stopped early",
    }  # fmt: skip
    (tmp_path / "none").mkdir()
    assert main(["runs", str(tmp_path / "none"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_page_of_a_run_that_was_killed_is_a_command_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = '{"kind": "step", "step": 3, "epoch": 0, "seconds": 1}\n'
    for name in ("drawn", "late"):
        make(tmp_path / name, records=line)
    (tmp_path / "late" / "report.html").write_text("")
    os.utime(tmp_path / "late" / "report.html", (1e9, 1e9))
    (tmp_path / "drawn" / "report.html").write_text("")
    assert main(["runs", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert f"sonde report {tmp_path / 'late'}" in out
    assert f"sonde report {tmp_path / 'drawn'}" not in out


def test_a_finished_run_that_trains_further_is_running(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", result={**RESULT, "steps": 3}, records='{"kind": "step", "step": 5, "epoch": 0}\n')
    with RunFolder(folder).claimed():
        assert read_line(folder).status == "running, step 5"


def test_a_run_without_a_result_has_the_scores_of_its_last_evaluation(tmp_path: Path) -> None:
    evaluations = "".join(
        json.dumps(
            {"kind": "evaluation", "step": step, "split": "validation", "metrics": {"accuracy": value, "log_loss": 1}}
        )
        + "\n"
        for step, value in ((10, 0.5), (20, 0.75))
    )
    steps = '{"kind": "step", "step": 30, "epoch": 2, "seconds": 7.5}\n' * 400
    line = read_line(make(tmp_path / "a", records=evaluations + steps + '{"kind": "evaluation", "st'))
    assert (line.metric, line.scores, line.status) == ("accuracy", {"validation": 0.75}, "killed, step 30")
    assert line.metrics == {"validation": {"accuracy": 0.75, "log_loss": 1}}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


COLUMNS = ["run", "data", "model", "epochs", "metric", "train", "test", "time", "status"]
ROWS = [["runs/shapes", "shapes", "compact-cnn", "7.2", "accuracy", "", "94.04 %", "25 s", "finished"]]


def test_a_narrow_terminal_goes_without_what_matters_least() -> None:
    assert columns_within(COLUMNS, ROWS, 120) == COLUMNS
    assert columns_within(COLUMNS, ROWS, 60) == ["run", "data", "metric", "test", "time", "status"]
    assert columns_within(COLUMNS, ROWS, 44) == ["run", "metric", "test", "status"]
    assert columns_within(COLUMNS, ROWS, 20) == COLUMNS  # which are told in lines


@pytest.mark.parametrize(("width", "told"), [
    (60, ["run          data    metric    test     time  status", "runs/shapes  shapes  accuracy  94.04 %  25 s  finished",
          "no room for model, epochs, train; --json has all"]),
    (30, ["runs/shapes", "shapes, compact-cnn, 7.2 epochs, accuracy 94.04 % test, 25 s, finished"]),
])  # fmt: skip
def test_on_a_narrow_terminal_every_line_can_be_read(
    width: int, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    terminal = Terminal()
    list_runs(Screen(file=terminal), COLUMNS, ROWS)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())
    lines = [" ".join(line.split()) for line in plain.splitlines()]
    assert " ".join(lines).strip() == " ".join(" ".join(line.split()) for line in told)
    assert all(len(line) <= width for line in plain.splitlines())


def _acting(taken: str, number: int) -> str:
    lines = [
        {"kind": "step", "step": 40, "epoch": 0, "seconds": 7.5, taken: number},
        {"kind": "evaluation", "step": 40, "epoch": 0, "split": "validation", "metrics": {"score": 0.5}},
        {"kind": "event", "step": 40, "event": "interrupted", "details": {"signal": 2}, "seconds": 8.0},
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


def test_runs_that_act_have_updates_and_steps_or_games_and_no_epochs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = {**RESULT, "epochs": None, "steps": 1200}
    make(tmp_path / "a", result={**result, "experience": {"environment_steps": 81920}})
    make(tmp_path / "b", result={**result, "self_play": {"games": 3000.0, "moves": 21000}})
    make(tmp_path / "c", records=_acting("games", 70))
    make(tmp_path / "d", records=_acting("environment_steps", 640))
    lines = {Path(line.name).name: line for line in find_runs(tmp_path)}
    told = {name: (line.epochs, line.updates, line.environment_steps, line.games) for name, line in lines.items()}
    assert told == {
        "a": (None, 1200, 81920, None),
        "b": (None, 1200, None, 3000),
        "c": (None, 40, None, 70),
        "d": (None, 40, 640, None),
    }
    assert main(["runs", str(tmp_path)]) == 0
    head, first, second, *_ = capsys.readouterr().out.splitlines()
    assert head.split()[3:8] == ["updates", "env", "steps", "games", "metric"]
    assert first.split()[3:5] == ["1,200", "81,920"]
    assert second.split()[3:5] == ["1,200", "3,000"]
    assert main(["runs", str(tmp_path), "--json"]) == 0
    lengths = {"epochs", "updates", "environment_steps", "games"}
    kept = {Path(each["folder"]).name: set(each) & lengths for each in json.loads(capsys.readouterr().out)}
    acted, played = {"updates", "environment_steps"}, {"updates", "games"}
    assert kept == {"a": acted, "b": played, "c": played, "d": acted}


def test_beside_runs_of_rows_each_has_what_it_is_measured_by(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "a", result=RESULT)
    make(tmp_path / "b", result={**RESULT, "epochs": None, "steps": 1, "self_play": {"games": 1.0}})
    assert main(["runs", str(tmp_path)]) == 0
    head, first, second = (line.split() for line in capsys.readouterr().out.splitlines())
    assert head[3:6] == ["epochs", "updates", "games"]
    assert first[3:5] == ["5", "accuracy"]
    assert second[3:5] == ["1", "1"]


def test_of_an_older_result_the_log_tells_how_many_games_there_were(tmp_path: Path) -> None:
    make(tmp_path / "a", result={**RESULT, "epochs": None, "steps": 1200}, records=_acting("games", 70))
    line = read_line(tmp_path / "a")
    assert (line.epochs, line.updates, line.games) == (None, 1200, 70)
