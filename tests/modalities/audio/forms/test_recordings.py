from pathlib import Path

import numpy as np
import pytest
import soundfile
from sample_settings import data_config

from sonde.core.dataset import Dataset
from sonde.core.errors import ConfigError, DataError
from sonde.core.vocabulary import END, read_vocabulary
from sonde.data.splits import labels_of
from sonde.modalities.open import open_data, open_like

PATTERN = "{label}_{speaker}_{take}"
DIGITS = ("zero", "one", "two")


def write(path: Path, hz: float = 300.0, *, rate: int = 8000, seconds: float = 0.1, amplitude: float = 0.5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(int(rate * seconds)) / rate
    soundfile.write(path, np.clip(amplitude * np.sin(2 * np.pi * hz * times), -1, 1), rate)
    return path


def digits(folder: Path, takes: int = 10, **how: float) -> Path:
    """Recordings of three digits by two speakers."""
    for digit in range(3):
        for speaker in ("ann", "bob"):
            for take in range(takes):
                write(folder / f"{digit}_{speaker}_{take}.wav", 200.0 + 100 * digit, seconds=0.05 + 0.01 * take, **how)  # type: ignore[arg-type]
    return folder


def opened(path: Path, task: str | None = None, **settings: object) -> Dataset:
    return open_data(path, data_config(**settings), task=task)  # type: ignore[arg-type]


def said(dataset: Dataset) -> str:
    return "; ".join(fact.what for fact in dataset.facts)


def test_classes_from_names_with_takes_held_out(tmp_path: Path) -> None:
    found = opened(digits(tmp_path / "fsd"), labels=PATTERN, held_out="take=0-1")
    assert (found.name, found.suggestion, found.schema.input.kind, found.schema.input.rate) == (
        "fsd", "classification", "audio", 8000,
    )  # fmt: skip
    assert found.schema.target.names == ("0", "1", "2")
    assert {name: len(rows) for name, rows in found.splits.items()} == {"train": 43, "validation": 5, "test": 12}
    names = {found.splits["test"].describe(index) for index in range(12)}
    assert names == {f"{digit}_{who}_{take}.wav" for digit in range(3) for who in ("ann", "bob") for take in (0, 1)}
    rows = found.splits["train"].read(np.arange(3))
    assert found.schema.input.shape == (1120,)
    for row, (samples, length) in enumerate(zip(rows["input"], rows["lengths"], strict=True)):
        assert found.splits["train"].describe(row).startswith(str(rows["target"][row]))
        assert (samples[length:] == 0).all()
    assert "48 train + 12 test recordings" in said(found)
    assert "8 kHz" in said(found)


def test_a_group_is_never_on_both_sides(tmp_path: Path) -> None:
    folder = digits(tmp_path)
    for take in range(10):
        write(folder / f"0_cat_{take}.wav")
        write(folder / f"1_dan_{take}.wav")
    found = opened(folder, labels=PATTERN, group="speaker", validation=0.2, test=0.2)
    speakers = {
        name: {rows.describe(index).split("_")[1] for index in range(len(rows))} for name, rows in found.splits.items()
    }
    assert all(not speakers[one] & speakers[two] for one in speakers for two in speakers if one != two)
    assert "no speaker is in more than one split" in said(found)
    with pytest.raises(
        ConfigError, match="--group speeker: the recordings have no part of that name; there are label, sp"
    ):
        opened(folder, labels=PATTERN, group="speeker")


def test_labels_spelled_out_are_transcripts_where_speech_is_recognised(tmp_path: Path) -> None:
    names = tuple(f"{n}={word}" for n, word in enumerate(DIGITS))
    found = opened(digits(tmp_path), "speech-recognition", labels=PATTERN, label_names=names)
    assert (found.suggestion, found.schema.target.kind) == ("speech-recognition", "tokens")
    vocabulary = read_vocabulary(found.schema.target.tokenizer)
    assert set("".join(DIGITS)) == set(map(vocabulary.symbol, range(4, vocabulary.size)))
    rows = found.splits["train"].read(np.arange(5))
    for index, target in enumerate(rows["target"]):
        word = DIGITS[int(found.splits["train"].describe(index)[0])]
        assert vocabulary.decode(target) == word
        assert target[len(word)] == END
    classes = opened(tmp_path, labels=PATTERN, label_names=names)
    assert classes.schema.target.names == ("one", "two", "zero")


def test_transcripts_from_a_manifest(tmp_path: Path) -> None:
    lines = ["file,transcript"]
    for number in range(12):
        write(tmp_path / "clips" / f"{number}.flac")
        lines.append(f"clips/{number}.flac,{DIGITS[number % 3]} {DIGITS[number % 2]}")
    (tmp_path / "clips.csv").write_text("\n".join(lines))
    for source, name in ((tmp_path, tmp_path.name), (tmp_path / "clips.csv", "clips")):
        found = opened(source)
        assert (found.name, found.suggestion) == (name, "speech-recognition")
        assert "transcripts with 8 distinct characters and 3 distinct words" in said(found)
        assert sum(len(rows) for rows in found.splits.values()) == 12


def test_rates_that_differ_become_the_usual_one(tmp_path: Path) -> None:
    folder = digits(tmp_path)
    write(folder / "0_ann_99.wav", 440.0, rate=16_000, seconds=0.2)
    found = opened(folder, labels=PATTERN, held_out="take=99")
    assert "1 recording of 16 kHz resampled to 8 kHz" in said(found)
    row = found.splits["test"].read(np.array([0]))
    samples = row["input"][0]
    assert row["lengths"].tolist() == [1600]
    assert np.abs(np.fft.rfft(samples)).argmax() * 8000 / len(samples) == pytest.approx(440, abs=5)


def test_channels_are_mixed_and_said(tmp_path: Path) -> None:
    folder = digits(tmp_path)
    soundfile.write(folder / "0_ann_99.wav", np.full((400, 2), 0.25), 8000)
    assert "1 recording of several channels mixed to mono" in said(opened(folder, labels=PATTERN))


def test_clipped_and_silent_recordings_are_counted_by_name(tmp_path: Path) -> None:
    folder = digits(tmp_path)
    write(folder / "0_ann_98.wav", amplitude=4.0)
    write(folder / "1_bob_99.wav", amplitude=0.0)
    found = opened(folder, labels=PATTERN)
    assert [text[:19] for text in found.warnings] == ["1 recording clipped", "1 recording silent:"]
    assert "0_ann_98.wav" in found.warnings[0]
    assert "1_bob_99.wav" in found.warnings[1]


def test_what_cannot_be_read_stops_or_is_left_out(tmp_path: Path) -> None:
    folder = digits(tmp_path)
    (folder / "0_ann_77.wav").write_bytes(b"RIFF nothing")
    (folder / "0_ann_78.wav").write_bytes(b"")
    with pytest.raises(DataError, match=r"0_ann_77\.wav cannot be read as audio .*; --skip-unreadable skips such"):
        opened(folder, labels=PATTERN)
    found = opened(folder, labels=PATTERN, skip_unreadable=True)
    assert found.warnings == ["2 recordings cannot be read and are skipped: 0_ann_77.wav, 0_ann_78.wav"]
    assert sum(map(len, found.splits.values())) == 60


def test_a_share_of_the_training_rows_and_folds(tmp_path: Path) -> None:
    folder = digits(tmp_path)
    found = opened(folder, labels=PATTERN, label_fraction=0.5, test=0, validation=0)
    assert np.bincount(labels_of(found.splits["train"])).tolist() == [10, 10, 10]
    tests = [opened(folder, labels=PATTERN, folds=3, fold=fold).splits["test"] for fold in (1, 2, 3)]
    names = [rows.describe(index) for rows in tests for index in range(len(rows))]
    assert len(names) == len(set(names)) == 60


def test_judging_reads_as_the_model_was_trained(tmp_path: Path) -> None:
    trained = opened(digits(tmp_path / "a"), labels=PATTERN).schema
    other = digits(tmp_path / "b", takes=2, rate=16_000)
    found = open_like(other, trained, data_config(labels=PATTERN, validation=0, test=0))
    assert (found.schema, list(found.splits)) == (trained, ["test"])
    assert found.splits["test"].read(np.array([0]))["lengths"][0] == pytest.approx(400, abs=1)
    write(other / "7_ann_0.wav")
    with pytest.raises(
        DataError, match=r"7_ann_0\.wav is of class '7', which the model was not trained on; there are 0, 1, 2"
    ):
        open_like(other, trained, data_config(labels=PATTERN, validation=0, test=0))


def test_transcripts_are_judged_by_the_models_vocabulary(tmp_path: Path) -> None:
    names = ("0=zero", "1=one", "2=two")
    trained = opened(digits(tmp_path), "speech-recognition", labels=PATTERN, label_names=names).schema
    found = open_like(tmp_path, trained, data_config(labels=PATTERN, label_names=names, validation=0, test=0))
    vocabulary = read_vocabulary(trained.target.tokenizer)
    assert vocabulary.decode(found.splits["test"].read(np.array([0]))["target"][0]) == "zero"


def test_the_fingerprint_is_of_the_files(tmp_path: Path) -> None:
    before = opened(digits(tmp_path), labels=PATTERN).fingerprint
    assert opened(tmp_path, labels=PATTERN).fingerprint == before
    write(tmp_path / "0_ann_0.wav", 999.0)
    assert opened(tmp_path, labels=PATTERN).fingerprint != before


def test_a_single_class_and_nothing_to_train_on_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "0_ann_0.wav")
    write(tmp_path / "0_ann_1.wav")
    with pytest.raises(DataError, match=r"has recordings of one class only \(0\); a classifier needs two or more"):
        opened(tmp_path, labels=PATTERN, test=0, validation=0)
    (tmp_path / "test.csv").write_text("file,label,split\n0_ann_0.wav,a,test\n0_ann_1.wav,b,test\n")
    with pytest.raises(DataError, match="holds no recordings to train on, only test; add some"):
        opened(tmp_path)


def test_the_spoken_digits(shared_data: Path) -> None:
    found = opened(shared_data / "fsdd", labels=PATTERN, held_out="take=0-4")
    assert {name: len(rows) for name, rows in found.splits.items()} == {"train": 486, "validation": 54, "test": 120}
    assert said(found).startswith(
        "540 train + 120 test recordings, 288 s in all, 0.14 to 1.31 s each, 8 kHz; 10 classes"
    )
    assert found.warnings == []


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_recordings_that_are_cut_off_are_said(tmp_path: Path, subtype: str) -> None:
    folder = digits(tmp_path)
    soundfile.write(folder / "0_ann_99.wav", np.full(4000, 0.25), 8000, subtype=subtype)
    whole = (folder / "0_ann_99.wav").read_bytes()
    (folder / "0_ann_99.wav").write_bytes(whole[: len(whole) // 2])
    assert opened(folder, labels=PATTERN).warnings == [
        "1 recording cut off: the header states more samples than the file holds, and what there is is read: 0_ann_99.wav"
    ]


def test_sizes_that_a_pipe_leaves_open_say_nothing(tmp_path: Path) -> None:
    folder = digits(tmp_path)
    content = bytearray((folder / "0_ann_1.wav").read_bytes())
    content[40:44] = b"\xff\xff\xff\xff"
    (folder / "0_ann_1.wav").write_bytes(content)
    assert opened(folder, labels=PATTERN).warnings == []


def test_samples_that_are_no_numbers_are_refused_or_skipped(tmp_path: Path) -> None:
    folder = digits(tmp_path)
    soundfile.write(folder / "0_ann_99.wav", np.full(400, np.nan), 8000, subtype="FLOAT")
    with pytest.raises(DataError, match="99.wav holds samples that are NaN.*; --skip-unreadable skips such files"):
        opened(folder, labels=PATTERN)
    found = opened(folder, labels=PATTERN, skip_unreadable=True)
    assert found.warnings == ["1 recording cannot be read and is skipped: 0_ann_99.wav"]
    assert sum(map(len, found.splits.values())) == 60


def environment(root: Path, place: str, table: str, header: str, row: str) -> Path:
    """60 sounds of three classes in five folds, in folders and with a table as corpora have them."""
    lines = [header]
    for number in range(60):
        name, fold, kind = f"{number}-{number % 3}.wav", number % 5 + 1, DIGITS[number % 3]
        write(root / place.format(fold=fold) / name, 200.0 + 100 * (number % 3), seconds=0.05)
        lines.append(row.format(name=name, fold=fold, kind=kind, code=number % 3))
    (root / table).parent.mkdir(parents=True)
    (root / table).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


ESC = ("audio", "meta/esc50.csv", "filename,fold,target,category,take", "{name},{fold},{code},{kind},A")
URBAN = (
    "audio/fold{fold}",
    "metadata/UrbanSound8K.csv",
    "slice_file_name,fsID,start,end,fold,classID,class",
    "{name},7,58.5,62.5,{fold},{code},{kind}",
)


@pytest.mark.parametrize("how", [ESC, URBAN], ids=["ESC-50", "UrbanSound8K"])
def test_tables_in_a_folder_of_their_own_name_the_sounds(tmp_path: Path, how: tuple[str, str, str, str]) -> None:
    root = environment(tmp_path / "sounds", *how)
    for place in (root, root / how[1]):
        found = opened(place)
        assert found.schema.target.names == ("one", "two", "zero")
        assert found.schema.input.shape == (400,)
        assert sum(map(len, found.splits.values())) == 60
        assert any("--held-out fold=5 tests on one of them" in warning for warning in found.warnings)
    held = opened(root, held_out="fold=5")
    assert not held.warnings
    assert {int(held.splits["test"].describe(row).split("/")[-1].split("-")[0]) % 5 for row in range(12)} == {4}
    labels, rows = labels_of(held.splits["test"]), held.splits["test"]
    assert labels is not None
    for row, label in enumerate(labels):
        assert rows.describe(row).endswith(f"-{DIGITS.index(held.schema.target.names[label])}.wav")
