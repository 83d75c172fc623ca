from pathlib import Path

import pytest
from sample_places import at

from sonde.core.config import DataConfig
from sonde.core.errors import DataError
from sonde.data.splits import labels_of
from sonde.modalities.open import open_data, open_like, recognise
from sonde.modalities.text.forms import class_folders as text_folders
from sonde.modalities.text.rows import text_of

FILES = 12


def fill(root: Path, *, classes: tuple[str, ...] = ("neg", "pos")) -> Path:
    for name in classes:
        (root / name).mkdir(parents=True)
        for number in range(FILES):
            (root / name / f"{number}.txt").write_text(f"This is a {name} review,\nnumber {number} of them.\n")
    return root


def test_the_folder_is_the_class_and_the_file_the_text(tmp_path: Path) -> None:
    fill(tmp_path)
    assert at(recognise)(tmp_path)[1] == "2 folders of .txt files"
    found = open_data(tmp_path, DataConfig(test=0.25, validation=0.2))
    assert found.schema.target.names == ("neg", "pos")
    for rows in found.splits.values():
        for n, label in enumerate(labels_of(rows)):
            name = found.schema.target.names[label]
            assert rows.describe(n).startswith(f"{name}/")
            assert text_of(rows, n).startswith(f"This is a {name} review,\nnumber")
    assert sum(map(len, found.splits.values())) == 2 * FILES


def test_folders_of_splits_stay_as_they_are(tmp_path: Path) -> None:
    fill(tmp_path / "train")
    fill(tmp_path / "test")
    found = open_data(tmp_path, DataConfig(validation=0))
    assert {split: len(rows) for split, rows in found.splits.items()} == {"train": 2 * FILES, "test": 2 * FILES}
    again = open_like(tmp_path / "test", found.schema, DataConfig())
    assert labels_of(again.splits["test"]).tolist() == labels_of(found.splits["test"]).tolist()


def test_one_folder_of_texts_is_no_classification(tmp_path: Path) -> None:
    fill(tmp_path, classes=("letters",))
    assert at(text_folders.recognise)(tmp_path) is None


def test_a_class_without_training_texts_is_named(tmp_path: Path) -> None:
    fill(tmp_path / "train")
    fill(tmp_path / "test", classes=("neg", "neutral"))
    with pytest.raises(DataError, match="train has no texts of neutral, which another split has; add some"):
        open_data(tmp_path, DataConfig())


def test_a_file_that_is_no_text_and_one_that_is_empty(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "pos" / "0.txt").write_text("  \n")
    found = open_data(tmp_path, DataConfig(test=0.25))
    assert list(found.warnings) == ["1 of 24 train rows have no text and are dropped, first pos/0.txt"]
    (tmp_path / "pos" / "1.txt").write_bytes(b"na\xefve")
    with pytest.raises(DataError, match=r"pos/1\.txt is not UTF-8 in line 1 \(byte 2\)"):
        open_data(tmp_path, DataConfig())
