"""`sonde doctor RUN [DATA]` as it is typed."""

from pathlib import Path

import numpy as np
import pytest

from sonde.cli.main import main


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
    assert lines[first + 2].strip() == "not meant? --silence learning-rate-too-high"
    assert any(line.startswith("can it learn one batch by heart as it began?") for line in lines)


def test_a_cure(high: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", high, "--cure"]) == 0
    out = capsys.readouterr().out
    assert "remedies for learning-rate-too-high, from fresh weights, as it began" in out
    assert "train anew with --lr " in out


def test_other_data_and_silence(high: str, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", high, str(data), "--silence", "learning-rate-too-high,answers-alike"]) == 0
    out = capsys.readouterr().out
    assert "note      learning rate too high" in out
    assert "warning   learning rate too high" not in out


def test_only_what_is_written_down(high: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", high, "--no-trials", "--inside"]) == 0
    out = capsys.readouterr().out
    assert "learning rate too high" in out
    assert "what was tried" not in out
    assert "inside the network at steps 1 and " in out


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
