"""Folders that are not read as they are: one line, and what it says to do makes readable data."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sample_settings import data_config

from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.modalities.open import open_data


def told(place: Path) -> str:
    with pytest.raises(DataError) as said:
        open_data(place, data_config())
    return str(said.value)


def run(command: str, folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(command, shell=True, cwd=folder, check=True, env={**os.environ, "PATH": path})


def opened(place: Path, **settings: object) -> Dataset:
    return open_data(place, data_config(**settings))  # type: ignore[arg-type]


def test_an_export_of_slack(tmp_path: Path) -> None:
    root = tmp_path / "export"
    (root / "general").mkdir(parents=True)
    (root / "users.json").write_text("[]")
    messages = [{"user": "U1", "text": f"message number {n}"} for n in range(60)]
    (root / "general" / "2024-01-01.json").write_text(json.dumps(messages))
    said = told(root)
    assert " is an export of Slack; " in said
    run(said.partition("to continue: ")[2], tmp_path)
    assert opened(tmp_path / "slack.txt", max_tokens=8).schema.target.kind == "next"


def test_texts_without_endings(tmp_path: Path) -> None:
    for split, number in (("train", 20), ("test", 6)):
        for kind in ("alt.atheism", "rec.autos"):
            (tmp_path / "news" / split / kind).mkdir(parents=True)
            for n in range(number):
                (tmp_path / "news" / split / kind / f"{49960 + n}").write_text(f"a text about {kind} with number {n}")
    said = told(tmp_path / "news")
    assert "holds 52 files without a suffix, such as " in said
    run(said.partition("give them one: ")[2].partition(", and call")[0], tmp_path)
    found = opened(tmp_path / "news")
    assert found.schema.target.names == ("alt.atheism", "rec.autos")
    assert len(found.splits["test"]) == 12


def test_tables_of_recordings_in_class_folders(tmp_path: Path) -> None:
    root = tmp_path / "har"
    for kind in ("sitting", "walking"):
        (root / kind).mkdir(parents=True)
        for n in range(12):
            rows = "".join(f"{t / 100:.2f},{np.sin(t + n):.4f}\n" for t in range(20 + n))
            (root / kind / f"{n}.csv").write_text("time,x\n" + rows)
    said = told(root)
    assert "holds 24 tables in class folders, one recording in each" in said
    run(said.partition("shortest: ")[2], tmp_path)
    found = opened(tmp_path / "har.npz")
    assert found.schema.target.names == ("sitting", "walking")
    assert np.load(tmp_path / "har.npz")["x"].shape == (24, 20, 2)
