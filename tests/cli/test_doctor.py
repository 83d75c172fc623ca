"""`sonde doctor RUN [DATA]` as it is typed."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from sonde.cli.doctor import condition
from sonde.cli.main import main
from sonde.core.run_state import RunState


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(1200, 8))
    classes = (rows[:, 0] * rows[:, 1] > 0).astype(int) + (rows[:, 2] * rows[:, 3] > 0)
    path = tmp_path_factory.mktemp("data") / "rows.csv"
    lines = [
        ",".join([*(f"{value:.4f}" for value in row), "abc"[kind]]) for row, kind in zip(rows, classes, strict=True)
    ]
    path.write_text("\n".join([",".join([*(f"x{n}" for n in range(8)), "kind"]), *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def high(data: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("runs") / "high")
    words = [
        "train",
        str(data),
        "--target",
        "kind",
        "--epochs",
        "8",
        "--batch-size",
        "32",
        "--lr",
        "10",
        "--threads",
        "1",
    ]
    assert main([*words, "--model", "mlp", "--out", folder, "--quiet"]) == 0
    return folder


def test_the_cause_first_with_what_to_do_and_how_to_silence_it(high: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", high]) == 0
    lines = capsys.readouterr().out.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("warning"))
    assert lines[first].startswith("warning   learning rate too high (likely), step ")
    assert lines[first + 1].strip().startswith("to do: --lr ")
    assert lines[first + 2].strip() == "intended? --silence learning-rate-too-high"
    assert any(line.startswith("can it overfit one batch as it began?") for line in lines)


def test_a_cure(high: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", high, "--cure"]) == 0
    out = capsys.readouterr().out
    assert "remedies for learning-rate-too-high, from fresh weights, as at its start" in out
    assert "train again with --lr " in out


def test_other_data_and_silence(high: str, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", high, str(data), "--silence", "learning-rate-too-high,answers-alike"]) == 0
    out = capsys.readouterr().out
    assert "note      learning rate too high" in out
    assert "warning   learning rate too high" not in out


def test_a_name_to_silence_that_no_finding_has(high: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", high, "--silence", "learning-rate-high"]) == 2
    assert "did you mean 'learning-rate-too-high'" in capsys.readouterr().err


def test_only_what_is_written_down(high: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", high, "--no-trials", "--inside"]) == 0
    out = capsys.readouterr().out
    assert "learning rate too high" in out
    assert "what was tried" not in out
    assert "inside the network at steps 1 and " in out


def left_over(high: str, place: Path, *last: dict[str, object]) -> Path:
    """The run as it would be had it not come to its end. last: lines at the end of its metrics.jsonl"""
    shutil.copytree(high, place)
    (place / "result.json").unlink()
    with (place / "metrics.jsonl").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in last)
    return place


@pytest.mark.parametrize(
    ("event", "details", "said"),
    [
        (
            "",
            {},
            "state     killed after step 216, without an error message; the last checkpoint is of step 216; sonde "
            "resume ",
        ),
        (
            "interrupted",
            {"signal": 2},
            "state     interrupted as requested after step 216; the last checkpoint is of step ",
        ),
        (
            "failed",
            {"why": "ValueError: no"},
            "state     failed after step 216: ValueError: no; the last checkpoint is of ",
        ),
    ],
)
def test_the_first_line_says_the_state_of_a_run_without_a_result(
    event: str, details: dict[str, object], said: str, high: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = {"kind": "event", "step": 216, "event": event, "details": details, "seconds": 9.0}
    place = left_over(high, tmp_path / "run", *([line] if event else []))
    assert main(["doctor", str(place), "--no-trials"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith(said)
    assert first.endswith(f"sonde resume {place} continues from there")


def test_a_run_that_goes_on_and_one_without_a_checkpoint(tmp_path: Path) -> None:
    going = RunState(condition="running", step=1200, fold=2, line={})
    assert condition(tmp_path, going) == "running, at step 1,200 of fold 2; what follows is of the run so far"
    (tmp_path / "data.json").write_text('{"form": "custom data"}')
    killed = condition(tmp_path, RunState(condition="killed", step=3, line={}))
    assert killed.endswith(f"no checkpoint was written yet; the same call with out={str(tmp_path)!r} starts again")


def test_a_cross_validation_says_what_was_found_in_which_folds(
    high: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2):
        shutil.copytree(high, tmp_path / f"fold-{number}")
    for name in ("config.yaml", "result.json", "report.html"):
        shutil.copy(Path(high) / name, tmp_path / name)
    assert main(["doctor", str(tmp_path), "--inside"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("warning   learning rate too high (likely), step ")
    assert out.count("learning rate too high (") == 1
    assert "in folds 1 and 2: fold 1: " in out
    assert f"one of its folds, such as sonde doctor {tmp_path / 'fold-1'}\n" in out
    assert f"\nnext      open {tmp_path / 'report.html'}\n" in out
    assert "nothing was measured" not in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["doctor"], "sonde doctor needs RUN; usage: sonde doctor RUN [DATA]"),
        (["doctor", "nowhere"], "there is no run folder nowhere"),
        (["doctor", "a", "b", "c"], "sonde doctor: unexpected argument 'c'; usage: sonde doctor RUN [DATA]"),
        (["doctor", "a", "--cur"], "did you mean --cure?"),
    ],
)
def test_mistakes(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert message in capsys.readouterr().err
