"""What a run finds is written down, silenced where that is asked for, and shown once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import sonde
from sonde.cli.main import main
from sonde.engine.json_lines import read_lines

TEXT = "test rows (45 %) are also in train"


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Test rows of which 90 of 200 are trained on."""
    rows = np.random.default_rng(1).normal(size=(500, 3)).round(4)
    lines = [",".join(map(str, row)) + (",yes" if row[0] > row[1] * row[2] else ",no") for row in rows]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text("\n".join(["a,b,c,label", *lines[:400]]) + "\n")
    (tmp_path / "data" / "test.csv").write_text("\n".join(["a,b,c,label", *lines[300:]]) + "\n")
    return tmp_path / "data"


def flags(run: Path) -> list[str]:
    return ["--target", "label", "--steps", "3", "--threads", "1", "--out", str(run)]


def test_a_warning_about_data_is_shown_once_with_its_remedy(
    parts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(parts), *flags(tmp_path / "run")]) == 0
    out = capsys.readouterr().out
    (line,) = (line for line in out.splitlines() if "are also in train" in line)
    assert line.startswith("warning   ")
    assert line.endswith("measure memorisation; remove the copies; or --silence test-rows-in-training")
    assert "checks    told above: test rows in training" in out
    assert "sonde inspect" not in out
    (found,) = (each for each in read_lines(tmp_path / "run" / "findings.jsonl") if each["severity"] == "warning")
    assert (found["name"], found["where"], found["action"]) == (
        "test-rows-in-training",
        "test",
        "remove the copies",
    )
    html = (tmp_path / "run" / "report.html").read_text()
    assert html.count("are also in train") == 2  # in the verdict, and among the checks


def test_it_is_a_note_at_the_end_where_it_is_silenced(
    parts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--silence", "test-rows-in-training"]
    assert main(["train", str(parts), *flags(tmp_path / "run"), *words]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "are also in train" in line)
    assert line.startswith("note      test rows in training")
    assert "silenced; remove the copies" in line


def test_what_was_read_otherwise_has_a_name_and_no_empty_advice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = np.random.default_rng(0).normal(size=(120, 3)).round(4)
    lines = [
        ",".join(map(str, row)) + ("," if at < 9 else ",yes" if row[0] > 0 else ",no") for at, row in enumerate(rows)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,c,label", *lines]) + "\n")
    sonde.train(tmp_path / "t.csv", target="label", steps=2, threads=1, out=tmp_path / "run")
    said = [line for line in capsys.readouterr().out.splitlines() if "have no 'label'" in line]
    assert said == [
        "warning   t.csv: 9 of 120 rows have no 'label' and are dropped; or silence=\"data-read-otherwise\"",
    ]
    sonde.train(
        tmp_path / "t.csv", target="label", steps=2, threads=1, out=tmp_path / "b", silence="data-read-otherwise"
    )
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "have no 'label'" in line)
    assert line == "note      data read otherwise: t.csv: 9 of 120 rows have no 'label' and are dropped; silenced"


def test_what_the_end_finds_is_shown_with_the_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
    rows = {"input": x, "target": x[:, :1], "weights": torch.ones(64)}
    sonde.fit(nn.Linear(3, 1), rows, loss=nn.functional.mse_loss, steps=60, lr=1e-3, out=tmp_path / "run")
    out = capsys.readouterr().out
    first, last = out.split("result    ")
    unused = "which neither the network nor the loss takes"
    assert unused in first  # as soon as it is known
    assert unused not in last
    assert "still improving at step 60" not in first
    assert last.count("still improving at step 60") == 1
