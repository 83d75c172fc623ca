"""What is said of the parts of data before training."""

from pathlib import Path
from typing import Any

import numpy as np
from sample_settings import data_config

from sonde.core.dataset import Dataset
from sonde.modalities.open import open_data
from sonde.run.split_checks import absent_classes, checked, contradictory, copies, left_out


def opened(path: Any, **settings: object) -> Dataset:
    return open_data(path, data_config(**settings))


def texts(path: Path, count: int, labels: list[str]) -> Path:
    words = np.random.default_rng(0).choice(
        ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"], (count, 9)
    )
    rows = [f"{' '.join(row)} {place},{label}" for place, (row, label) in enumerate(zip(words, labels, strict=True))]
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    return path


def test_a_class_that_no_row_judges_is_named(tmp_path: Path) -> None:
    dataset = opened(texts(tmp_path / "fraud.csv", 203, ["ok"] * 200 + ["fraud"] * 3))
    (said,) = absent_classes(dataset)
    assert said.evidence == "validation has no row of 'fraud' (2 to train on), so its scores say nothing about it"
    assert (said.name, said.where) == ("class-without-validation-rows", "validation")
    assert said.action == "add rows, or hold out more with --validation 0.5"
    assert absent_classes(opened(tmp_path / "fraud.csv", validation=0.5)) == []
    assert said in checked(dataset).findings
    even = opened(texts(tmp_path / "even.csv", 200, ["ok", "fraud"] * 100))
    assert checked(even).warnings == even.warnings == []
    assert checked(even).findings == []


def test_rows_of_test_that_stand_in_train_are_counted(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=(100, 3))
    lines = [",".join(map(str, [*row, place % 2])) for place, row in enumerate(numbers)]
    for name, rows in (("train", lines), ("test", lines[:30] + ["0.5,0.5,0.5,1"] * 10)):
        (tmp_path / f"{name}.csv").write_text("\n".join(["a,b,c,y", *rows]) + "\n")
    dataset = opened(tmp_path, target=("y",))
    held = len(dataset.splits["validation"])  # of the rows of train, so some of the 30 are in no longer trained on
    (said,) = copies(dataset)
    number = int(said.evidence.split()[0])
    assert 30 - held <= number <= 30
    assert said.evidence.endswith("are also in train, so their scores measure memorisation")
    assert (said.name, said.action) == ("test-rows-in-training", "remove the copies")


def test_coarse_rows_that_meet_by_chance_are_not(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).integers(0, 3, (300, 2))
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *(f"{a},{b},{i % 2}" for i, (a, b) in enumerate(numbers))]))
    assert copies(opened(tmp_path / "t.csv", target=("y",))) == []


def test_rows_oversampled_before_they_are_split_are_copies(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0)
    numbers, coarse = drawn.normal(size=(300, 4)).astype(np.float32), drawn.integers(0, 9, (300, 2)).astype(np.float32)
    again = drawn.integers(0, 300, 1200)
    labels = np.arange(300) % 2
    found = copies(opened((numbers[again], labels[again])))
    assert {each.where for each in found} == {"validation", "test"}
    assert {each.action for each in found} == {"split first, and repeat (oversample) training rows alone"}
    lines = [",".join(map(str, [*numbers[row], labels[row]])) for row in again]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,c,d,y", *lines]) + "\n")
    assert len(copies(opened(tmp_path / "t.csv", target=("y",)))) == 2
    assert copies(opened((numbers, labels))) == []
    assert copies(opened((coarse[again], labels[again]))) == []


def test_equal_rows_of_different_classes_are_named_with_their_places(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=(200, 3))
    lines = [",".join(map(str, [*row, "yes" if place % 3 else "no"])) for place, row in enumerate(numbers)]
    again = [f"{line.rpartition(',')[0]},{'no' if line.endswith('yes') else 'yes'}" for line in lines[:60]]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,c,y", *lines, *again]) + "\n")
    (said,) = contradictory(opened(tmp_path / "t.csv", target=("y",)))
    assert (said.name, said.severity) == ("labels-disagree", "warning")
    assert "have the same inputs as another row with another label (t.csv row " in said.evidence
    assert "is 'yes'" in said.evidence
    assert "is 'no'" in said.evidence
    (tmp_path / "t.csv").write_text("\n".join(["a,b,c,y", *lines]) + "\n")
    assert contradictory(opened(tmp_path / "t.csv", target=("y",))) == []


def test_columns_that_never_change_are_a_note(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=(100, 2))
    lines = [f"{a},3,,{b},{place % 2}" for place, (a, b) in enumerate(numbers)]
    (tmp_path / "t.csv").write_text("\n".join(["a,version,empty,b,y", *lines]) + "\n")
    found = left_out(opened(tmp_path / "t.csv", target=("y",)))
    assert [(each.name, each.severity) for each in found] == [("constant-columns", "note")] * 2
    assert [each.evidence for each in found] == [
        "version: the same value in every training row",
        "empty: every cell is missing",
    ]
