from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.modalities.inputs import rows_for

SCHEMA = Schema(
    input=InputSpec(kind="audio", shape=(800,), rate=8000), target=TargetSpec(kind="class", names=("a", "b"))
)
TONE = (0.5 * np.sin(2 * np.pi * 500 * np.arange(800) / 8000)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (10, 2):
        soundfile.write(tmp_path / f"{number}.wav", TONE, 8000)
    return tmp_path


def test_paths_folders_patterns_and_manifests(folder: Path) -> None:
    (folder / "m.csv").write_text("file,label\n10.wav,a\n")
    cases = {
        str(folder / "2.wav"): ["2.wav"],
        str(folder): ["2.wav", "10.wav"],
        str(folder / "*.wav"): ["2.wav", "10.wav"],
        str(folder / "m.csv"): ["10.wav"],
    }
    for given, expected in cases.items():
        rows, names = rows_for(given, SCHEMA)
        assert [Path(name).name for name in names] == expected
        read = rows.read(np.arange(len(names)))
        assert read.keys() == {"input", "lengths"}
        np.testing.assert_allclose(read["input"][0], TONE, atol=4e-5)


@pytest.mark.parametrize(
    "given",
    [
        TONE,
        TONE.astype(np.float64),
        torch.from_numpy(TONE),
        np.rint(TONE * 32_768).astype(np.int16),
        TONE[None],
        [TONE],
        {"array": TONE, "sampling_rate": 8000},
    ],
)
def test_samples_in_memory(given: object) -> None:
    rows, names = rows_for(given, SCHEMA)
    assert names == ["recording 0"]
    np.testing.assert_allclose(rows.read(np.array([0]))["input"][0], TONE, atol=4e-5)


def test_other_rates_are_resampled(folder: Path) -> None:
    twice = np.sin(2 * np.pi * 500 * np.arange(1600) / 16_000)
    soundfile.write(folder / "2.wav", twice, 16_000)
    for given in (folder / "2.wav", {"array": twice, "sampling_rate": 16_000}):
        rows, _ = rows_for(given, SCHEMA)
        read = rows.read(np.array([0]))
        assert read["lengths"].tolist() == [800]
        np.testing.assert_allclose(read["input"][0, 100:-100], 2 * TONE[100:-100], atol=2e-3)


def test_several_of_different_kinds_and_lengths(folder: Path) -> None:
    rows, names = rows_for([str(folder / "2.wav"), TONE[:300]], SCHEMA)
    assert names == [str(folder / "2.wav"), "recording 1"]
    assert rows.read(np.arange(2))["lengths"].tolist() == [800, 300]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "no recordings to predict on: the list is empty"),
        (np.zeros((2, 3, 4)), r"input 0 of shape \(2, 3, 4\) is not a recording; give its samples in one row"),
        (np.full(10, 3000.0), "input 0 holds float64 that is not audio; give floats in -1..1, or 16-bit integers"),
        (np.array([0.0, np.nan]), "input 0 holds float64 that is not audio"),
        (np.zeros(10, np.int64), "input 0 holds int64 that is not audio"),
        ({"samples": TONE}, "input 0 is a dict without array and sampling_rate; give both"),
        ("*.wav", r"\*\.wav matches no file"),
        ("nothing-like-it.wav", "nothing-like-it.wav: no such file or folder"),
    ],
)
def test_what_is_no_sound(given: object, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        rows_for(given, SCHEMA)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no recordings"):
        rows_for(tmp_path, SCHEMA)
