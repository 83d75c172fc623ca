import warnings
from pathlib import Path

import numpy as np
import pytest
from sample_settings import data_config

from sonde.core.data_warning import DataWarning
from sonde.core.errors import DataError
from sonde.modalities.audio.inputs import rows_to_predict
from sonde.modalities.audio.waveforms import write_wav
from sonde.modalities.open import open_data, open_like

RATE = 1000  # samples a second


def steps(path: Path, *values: float, seconds: float = 0.5) -> Path:
    """A recording that holds each value for so long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, np.repeat(values, round(seconds * RATE)), RATE)
    return path


def classes(folder: Path, *more: float) -> Path:
    for n in range(6):
        steps(folder / "low" / f"{n}.wav", 0.1, 0.1)
        steps(folder / "high" / f"{n}.wav", 0.5, 0.5)
    steps(folder / "high" / "long.wav", 0.5, 0.25, *more)
    return folder


def test_utterances_are_the_samples_between_their_times(tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    steps(tmp_path / "a.wav", 0.1, 0.2, 0.3, 0.4)
    (tmp_path / "wav.scp").write_text("a a.wav\n")
    (tmp_path / "segments").write_text(
        "u1 a 0.5 1.0\nu2 a 1.0 -1\nu3 a 1.5 2.3\n"
    )  # Kaldi lets the last overshoot by 0.5 s
    (tmp_path / "text").write_text("u1 one\nu2 two\nu3 three\n")
    dataset = open_data(tmp_path, data_config(validation=0.0, test=0.0))
    rows = dataset.splits["train"]
    read = rows.read(np.arange(3))
    assert read["lengths"].tolist() == [500, 1000, 500]
    for row, values in enumerate(([0.2], [0.3, 0.4], [0.4])):
        expected = np.repeat(values, 500)
        np.testing.assert_allclose(read["input"][row, : len(expected)], expected, atol=1e-4)
    assert rows.describe(1) == "a.wav 1 to the end"
    (tmp_path / "segments").write_text("u1 a 0.5 2.6\nu2 a 1.0 -1\nu3 a 1.5 2.0\n")
    with pytest.raises(DataError, match=r"a.wav 0.5 to 2.6 s: the recording has 2.00 s; .*--skip-unreadable"):
        open_data(tmp_path, data_config())
    skipped = open_data(tmp_path, data_config(skip_unreadable=True, validation=0.0, test=0.0))
    assert len(skipped.splits["train"]) == 2


def test_of_a_long_recording_with_a_label_the_beginning_is_read_and_that_is_said(tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    folder = classes(tmp_path / "data", 0.75)
    settings = {"validation": 0.0, "test": 0.0}
    whole = open_data(folder, data_config(**settings))
    assert (whole.schema.input.shape, whole.warnings) == ((1500,), [])
    cut = open_data(folder, data_config(max_seconds=1.0, **settings))
    assert cut.schema.input.shape == (1000,)
    assert cut.warnings == [
        "of 1 recording longer than 1 s only the first 1 s are read: high/long.wav; --max-seconds 2 reads them as a whole, and "
        "takes memory in proportion"
    ]
    row = next(n for n in range(13) if cut.splits["train"].describe(n) == "high/long.wav")
    np.testing.assert_allclose(cut.splits["train"].read(np.array([row]))["input"][0, -500:], 0.25, atol=1e-4)
    judged = open_like(folder, whole.schema, data_config(max_seconds=1.0, **settings))  # as long as what was trained on
    assert judged.warnings == []


def test_a_long_recording_with_a_transcript_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    for n in range(3):
        steps(tmp_path / f"{n}.wav", *(n + 1) * [0.5])
    (tmp_path / "train.csv").write_text("file,transcript\n0.wav,a\n1.wav,a b\n2.wav,a b c\n")
    found = open_data(tmp_path, data_config(max_seconds=1.0, validation=0.0, test=0.0))
    assert len(found.splits["train"]) == 2
    assert "1 recording longer than 1 s left out: 2.wav; cut them into utterances" in found.warnings[0]
    with pytest.raises(DataError, match=r"holds no recording of 0.1 s or less .* --max-seconds 2 reads"):
        open_data(tmp_path, data_config(max_seconds=0.1))


def test_predict_takes_a_long_recording_in_pieces(tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    schema = open_data(classes(tmp_path / "data"), data_config(validation=0.0, test=0.0)).schema
    long = steps(tmp_path / "long.wav", *(n / 100 for n in range(1, 91)), seconds=1.0)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", DataWarning)
        rows, names = rows_to_predict(str(long), schema)
    assert names == [f"{long} 0 to 40 s", f"{long} 40 to 80 s", f"{long} 80 to 90 s"]
    assert rows.read(np.arange(3))["lengths"].tolist() == [40_000, 40_000, 10_000]
    np.testing.assert_allclose(rows.read(np.array([1]))["input"][0, 0], 0.41, atol=1e-4)
    assert [str(one.message) for one in said] == [
        f"1 recordings longer than 40 s are predicted on in pieces of that length: {long}"
    ]


def test_kaldi_may_name_recordings_that_lie_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    steps(tmp_path / "sounds" / "a.wav", 0.1, 0.2)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "wav.scp").write_text(f"a {tmp_path / 'sounds' / 'a.wav'}\nb ../sounds/a.wav\n")
    (folder / "text").write_text("a one\nb two\n")
    found = open_data(folder, data_config(validation=0.0, test=0.0))
    assert found.splits["train"].read(np.arange(2))["lengths"].tolist() == [1000, 1000]
    rows, names = rows_to_predict(str(folder), found.schema)
    assert names == [str(tmp_path / "sounds" / "a.wav"), str(folder / ".." / "sounds" / "a.wav")]
    assert len(rows) == 2


def test_predict_takes_the_parts_that_a_manifest_means(tmp_path: Path) -> None:
    schema = open_data(classes(tmp_path / "data"), data_config(validation=0.0, test=0.0)).schema
    steps(tmp_path / "talk.wav", 0.1, 0.2, 0.3)
    lines = ['{"audio_filepath": "talk.wav", "offset": 0.5, "duration": 0.5}', '{"audio_filepath": "talk.wav"}']
    (tmp_path / "manifest.json").write_text("\n".join(lines) + "\n")
    rows, names = rows_to_predict(str(tmp_path / "manifest.json"), schema)
    assert names == [f"{tmp_path / 'talk.wav'} 0.5 to 1 s", str(tmp_path / "talk.wav")]
    found = rows.read(np.arange(2))
    assert found["lengths"].tolist() == [500, 1500]
    np.testing.assert_allclose(found["input"][0, :500], 0.2, atol=1e-4)
