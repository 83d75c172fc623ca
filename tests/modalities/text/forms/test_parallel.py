import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_places import at
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.core.vocabulary import END, read_vocabulary
from sonde.data.feed.layout import bucket_keys_of, lengths_of
from sonde.modalities.open import open_data, open_like
from sonde.modalities.text.forms import parallel
from sonde.modalities.text.rows import text_of

ENGLISH = ["A man rides a bike.", "Two dogs run.", "The child sleeps.", "Snow falls on the red house."]
GERMAN = ["Ein Mann fährt Rad.", "Zwei Hunde rennen.", "Das Kind schläft.", "Schnee fällt auf das rote Haus."]
WORDS = data_config(tokenizer="words")


def folder(root: Path, splits: tuple[str, ...] = ("train", "val", "test_2016_flickr"), *, packed: bool = False) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for number, split in enumerate(splits):
        for side, lines in (("en", ENGLISH), ("de", GERMAN)):
            content = "".join(f"{line}\n" for line in lines * (8 if number == 0 else 1)).encode()
            name = f"{split}.{side}"
            (root / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(content) if packed else content)
    return root


def said(dataset: Dataset, split: str, row: int) -> tuple[str, str, str]:
    """Source and target as their tokens decode, and the true text."""
    fields = dataset.splits[split].read(np.array([row]))
    source, target = (read_vocabulary(part.tokenizer) for part in (dataset.schema.input, dataset.schema.target))
    reference = bytes(fields["reference"][0].tolist()).decode()
    return source.decode(fields["input"][0].tolist()), target.decode(fields["target"][0].tolist()), reference


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_is_read_from_english_to_the_other(tmp_path: Path, packed: bool) -> None:
    root = folder(tmp_path / "pairs", packed=packed)
    assert at(parallel.recognise)(root)
    found = open_data(root, DataConfig())
    assert {name: len(rows) for name, rows in found.splits.items()} == {"train": 32, "validation": 4, "test": 4}
    assert found.schema.target.names == ("en", "de")
    assert found.suggestion == "translation"
    assert any(fact.what == "from en to de" and "English first" in fact.why for fact in found.facts)
    ending = ".gz" * packed
    assert found.splits["test"].describe(2) == f"test_2016_flickr.en{ending}, test_2016_flickr.de{ending} line 3"
    assert said(found, "test", 0) == (ENGLISH[0], GERMAN[0], GERMAN[0])
    assert text_of(found.splits["test"], 3) == ENGLISH[3]
    assert len(found.fingerprint) == 6
    fields = found.splits["test"].read(np.arange(4))
    for name in ("input", "target"):
        assert ((fields[name] == END).sum(1) == 1).all()
        assert fields[name].max() < found.schema.input.symbols == found.schema.target.symbols


def test_the_direction_turns_round(tmp_path: Path) -> None:
    root = folder(tmp_path / "pairs")
    for config in (data_config(source_language="de"), data_config(target_language="en")):
        found = open_data(root, config)
        assert found.schema.target.names == ("de", "en")
        assert said(found, "test", 1) == (GERMAN[1], ENGLISH[1], ENGLISH[1])


def test_the_vocabulary_is_of_the_training_rows_and_shared_or_not(tmp_path: Path) -> None:
    root = folder(tmp_path / "pairs")
    (root / "val.de").write_text("Xylophon.\n" * 4)
    both = open_data(root, WORDS)
    assert both.schema.input.tokenizer == both.schema.target.tokenizer
    assert "xylophon" not in both.schema.target.tokenizer
    apart = open_data(root, data_config(tokenizer="words", shared_vocabulary=False))
    assert "hunde" in apart.schema.target.tokenizer
    assert "hunde" not in apart.schema.input.tokenizer
    assert apart.schema.input.symbols + apart.schema.target.symbols > both.schema.input.symbols


def test_batches_hold_pairs_whose_sides_are_both_alike(tmp_path: Path) -> None:
    root = tmp_path / "pairs"
    root.mkdir()
    drawn = np.random.default_rng(0)
    sizes = drawn.integers(1, 20, (400, 2))
    for place, side in enumerate(("en", "de")):
        (root / f"train.{side}").write_text("".join("x " * size[place] + "\n" for size in sizes))
    rows = open_data(root, data_config(tokenizer="words", validation=0.0, test=0.0)).splits["train"]
    keys = bucket_keys_of(rows)
    assert keys is not None
    order = keys.argsort()
    assert (lengths_of(rows) == sizes[:, 0] + 1).all()
    held = [rows.read(order[start : start + 20]) for start in range(0, 400, 20)]
    for name, least in (("target", 0.93), ("input", 0.5)):
        assert np.mean([(part[name] != 0).mean() for part in held]) > least


def test_rows_are_held_back_where_splits_are_missing(tmp_path: Path) -> None:
    root = folder(tmp_path / "pairs", ("train",))
    found = open_data(root, DataConfig())
    assert {name: len(rows) for name, rows in found.splits.items()} == {"train": 23, "validation": 3, "test": 6}
    assert said(found, "test", 0)[1] in GERMAN
    fewer = open_data(root, DataConfig(validation=0.0, test=0.0, label_fraction=0.5))
    assert {name: len(rows) for name, rows in fewer.splits.items()} == {"train": 16}


def test_it_is_read_as_a_model_was_trained(tmp_path: Path) -> None:
    trained = open_data(folder(tmp_path / "pairs"), data_config(source_language="de", tokenizer="words")).schema
    other = folder(tmp_path / "other", ("test_2017",))
    for place in (other, other / "test_2017.en", other / "test_2017.de"):
        found = open_like(place, trained, DataConfig(validation=0.0, test=0.0))
        assert list(found.splits) == ["test"]
        assert found.schema == trained
        assert said(found, "test", 0) == ("ein mann fährt rad .", "a man rides a bike .", ENGLISH[0])


def test_long_training_pairs_are_left_out_and_long_ones_elsewhere_cut(tmp_path: Path) -> None:
    root = folder(tmp_path / "pairs")
    found = open_data(root, data_config(tokenizer="words", max_tokens=6))
    assert len(found.splits["train"]) == 16
    assert any(text.startswith("16 training pairs longer than 6 tokens are dropped") for text in found.warnings)
    assert any(text.startswith("2 test pairs are truncated to 6 tokens") for text in found.warnings)
    assert said(found, "test", 3)[2] == GERMAN[3]
    with pytest.raises(DataError, match="every training pair is longer than 2 tokens; give a larger --max-tokens"):
        open_data(root, data_config(tokenizer="words", max_tokens=2))


def test_empty_lines_are_counted_and_left_out(tmp_path: Path) -> None:
    root = folder(tmp_path / "pairs")
    (root / "val.en").write_text("One.\n\n  \nFour.\n")
    found = open_data(root, WORDS)
    assert len(found.splits["validation"]) == 2
    assert found.warnings == ["2 lines of val.en, val.de are empty on one side and are dropped, first line 2"]
    assert found.splits["validation"].describe(1) == "val.en, val.de line 4"


def test_a_second_test_set_is_left_aside_and_said(tmp_path: Path) -> None:
    root = folder(tmp_path / "pairs", ("train", "test_2016", "test_2017"))
    found = open_data(root, WORDS)
    assert found.splits["test"].describe(0).startswith("test_2016.en")
    assert found.warnings == [f"test_2017.en is not used; evaluate on it with: sonde eval RUN {root / 'test_2017.en'}"]


def test_other_breaks_than_newlines_break_no_line(tmp_path: Path) -> None:
    root = folder(tmp_path / "pairs")
    (root / "val.en").write_bytes("One\u2028two.\r\nThree\x85four.\r\nFive.\r\nSix.\r\n".encode())
    assert len(open_data(root, WORDS).splits["validation"]) == 4


def broken(root: Path, name: str, content: bytes | None) -> Path:
    if content is None:
        (root / name).unlink()
    else:
        (root / name).write_bytes(content)
    return root


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "val.de",
            b"Eins.\nZwei.\n",
            r"val.en has 4 lines and val.de 2: line 3, “The child sleeps.”, has no translation",
        ),
        ("val.en", b"One.\n", r"val.de has 4 lines and val.en 1: line 2, “Zwei Hunde rennen.”, has no translation"),
        ("val.de", b"Eins.\nZw\xffei.\n\n\n", r"val.de line 2 is not UTF-8 \(byte 0xff\); save the file as UTF-8"),
        ("val.de", None, r"val.en has no val.de beside it; add that side, or remove this file"),
        ("train.de", None, r"train.en has no train.de beside it; add that side, or remove this file"),
        ("val.de", b"\n\n\n\n", r"val.en and val.de have no line with text on both sides; fill them"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    root = broken(folder(tmp_path / "pairs"), name, content)
    with pytest.raises(DataError, match=message):
        open_data(root, WORDS)


def test_a_torn_gzip_is_named(tmp_path: Path) -> None:
    root = folder(tmp_path / "pairs", packed=True)
    (root / "val.en.gz").write_bytes((root / "val.en.gz").read_bytes()[:20])
    with pytest.raises(DataError, match=r"val.en.gz cannot be unpacked \(.*\); copy or download it again"):
        open_data(root, WORDS)


def test_one_side_alone_is_told(tmp_path: Path) -> None:
    root = folder(tmp_path / "pairs")
    for file in root.glob("*.de"):
        file.unlink()
    with pytest.raises(DataError, match="has files in en alone; add the same lines in another language beside them"):
        open_data(root, WORDS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "has files in de, en, fr; give --source-language and --target-language"),
        ({"source_language": "it"}, "has no files in --source-language it; there are de, en, fr"),
        ({"source_language": "en", "target_language": "en"}, "are both en; give two languages"),
    ],
)
def test_an_open_direction_is_asked_for(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    root = folder(tmp_path / "pairs")
    for file in list(root.glob("*.de")):
        (root / f"{file.stem}.fr").write_bytes(file.read_bytes())
    with pytest.raises(DataError, match=message):
        open_data(root, data_config(tokenizer="words", **settings))
    found = open_data(root, data_config(tokenizer="words", source_language="fr", target_language="de"))
    assert found.schema.target.names == ("fr", "de")


def test_other_folders_are_not_taken_for_texts(tmp_path: Path) -> None:
    for name in ("train.pt", "train.csv", "train.txt", "model.py", "train.en.json"):
        (tmp_path / name).write_text("x")
    assert at(parallel.recognise)(tmp_path) is None
    assert at(parallel.recognise)(tmp_path / "train.csv") is None
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notes.en").write_text("x")
    assert at(parallel.recognise)(tmp_path / "b") is None
