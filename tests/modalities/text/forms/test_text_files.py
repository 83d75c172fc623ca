from pathlib import Path

import numpy as np
import pytest
from sample_places import at
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.core.vocabulary import END, Characters, Subwords, read_vocabulary
from sonde.modalities.open import open_data, open_like
from sonde.modalities.text.forms import text_files
from sonde.modalities.text.windows import Windows

recognise = at(text_files.recognise)

TEXT = "".join(f"line {n} says {'abcdef'[n % 6]}\n" for n in range(400))


def write(path: Path, text: str = TEXT) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def opened(path: Path, **settings: object) -> Dataset:
    return open_data(path, data_config(**settings))  # type: ignore[arg-type]


def text_of(dataset: Dataset, split: str) -> str:
    rows = dataset.splits[split]
    assert isinstance(rows, Windows)
    return read_vocabulary(dataset.schema.input.tokenizer).decode(np.asarray(rows.tokens).tolist())


def facts(dataset: Dataset) -> str:
    return "\n".join(f"{fact.what} ({fact.why})" for fact in dataset.facts)


def test_the_end_of_a_text_is_held_back(tmp_path: Path) -> None:
    dataset = opened(write(tmp_path / "a.txt"))
    cut = len(TEXT) - round(0.1 * len(TEXT))
    assert (text_of(dataset, "train"), text_of(dataset, "validation")) == (TEXT[:cut], TEXT[cut:])
    assert list(dataset.splits) == ["train", "validation"]
    assert dataset.schema.target.kind == "next"
    assert dataset.schema.input.symbols == dataset.schema.target.symbols == 4 + len(set(TEXT))
    assert dataset.splits["validation"].describe(0) == f"a.txt from character {cut:,} on, character 0"
    assert f"{cut:,} train + {len(TEXT) - cut:,} validation characters, {len(set(TEXT))} distinct" in facts(dataset)
    assert "no test split (use --test 0.1 for one)" in facts(dataset)
    assert list(dataset.fingerprint) == ["a.txt"]


@pytest.mark.parametrize("asked", [0.2, 0.25])  # the first is what rows that are drawn get without asking
def test_a_test_part_is_the_very_end(tmp_path: Path, asked: float) -> None:
    dataset = opened(write(tmp_path / "a.txt"), test=asked, validation=0.2)
    test = round(asked * len(TEXT))
    validation = round(0.2 * (len(TEXT) - test))
    assert text_of(dataset, "test") == TEXT[-test:]
    assert text_of(dataset, "validation") == TEXT[-test - validation : -test]
    assert text_of(dataset, "train") == TEXT[: -test - validation]


def test_files_named_after_splits_are_those(tmp_path: Path) -> None:
    for name, text in (("train", TEXT), ("valid", "line 7 says a\n" * 9), ("test", "says b" * 9)):
        write(tmp_path / f"{name}.txt", text)
    dataset = opened(tmp_path)
    assert text_of(dataset, "validation") == "line 7 says a\n" * 9
    assert text_of(dataset, "test") == "says b" * 9
    assert text_of(dataset, "train") == TEXT


def test_several_files_follow_one_another_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 9):
        write(tmp_path / f"part{number}.txt", f"{number} " * 300)
    write(tmp_path / "README.txt", "about these data")
    dataset = opened(tmp_path, validation=0.0)
    rows = dataset.splits["train"]
    assert isinstance(rows, Windows)
    assert np.flatnonzero(rows.tokens == END).tolist() == [600, 600 + 900 + 1]
    assert text_of(dataset, "train") == "9 " * 300 + "10 " * 300
    assert dataset.fingerprint.keys() == {"part9.txt", "part10.txt"}
    assert rows.describe(len(rows) - 1).startswith("part10.txt character ")
    assert rows.describe(0) == "part9.txt character 0"


def test_many_characters_are_read_in_pieces_of_words(tmp_path: Path) -> None:
    letters = "".join(chr(0x4E00 + n) for n in range(300))
    text = (letters + " und so weiter\n") * 20
    dataset = opened(write(tmp_path / "a.txt", text))
    vocabulary = read_vocabulary(dataset.schema.input.tokenizer)
    assert isinstance(vocabulary, Subwords)
    cut = len(text) - round(0.1 * len(text))
    assert (text_of(dataset, "train"), text_of(dataset, "validation")) == (text[:cut], text[cut:])
    assert "tokens, vocabulary of" in facts(dataset)
    characters = opened(tmp_path / "a.txt", tokenizer="characters")
    assert isinstance(read_vocabulary(characters.schema.input.tokenizer), Characters)


def test_settings_of_windows_and_vocabulary_are_kept(tmp_path: Path) -> None:
    dataset = opened(write(tmp_path / "a.txt"), max_tokens=32, vocabulary=12)
    assert dataset.schema.input.shape == (32,)
    assert dataset.schema.input.symbols == 12
    assert any("do not occur in the training text" in warning for warning in dataset.warnings)
    assert "windows of 32 characters" in facts(dataset)
    half = opened(tmp_path / "a.txt", label_fraction=0.5)
    whole = opened(tmp_path / "a.txt")
    assert text_of(half, "train") == text_of(whole, "train")[: round(0.5 * len(text_of(whole, "train")))]
    assert text_of(half, "validation") == text_of(whole, "validation")
    assert "--label-fraction" in facts(half)


def test_characters_that_training_never_had_are_counted(tmp_path: Path) -> None:
    dataset = opened(write(tmp_path / "a.txt", TEXT + "%%&" + TEXT[:50]))
    assert len(dataset.warnings) == 1
    assert "3 tokens of the validation text" in dataset.warnings[0]
    assert dataset.warnings[0].endswith("do not occur in the training text ('%' '&')")


def test_lines_end_alike_and_a_byte_order_mark_is_no_character(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    dataset = opened(tmp_path / "a.txt", validation=0.0)
    assert text_of(dataset, "train") == TEXT


def test_a_trained_models_vocabulary_and_window_read_other_text(tmp_path: Path) -> None:
    schema = opened(write(tmp_path / "a.txt"), max_tokens=16).schema
    other = open_like(write(tmp_path / "b.txt", "line 3 says §"), schema, DataConfig(validation=0.0, test=0.0))
    assert list(other.splits) == ["test"]
    assert other.schema == schema
    assert other.splits["test"].read(np.arange(1))["input"].shape == (1, 16)
    assert "'§'" in other.warnings[0]


def test_what_is_text(tmp_path: Path) -> None:
    assert recognise(write(tmp_path / "a.TXT")) == "a .txt file"
    assert recognise(tmp_path) == "1 .txt file"
    assert recognise(write(tmp_path / "b.csv")) is None
    empty = tmp_path / "empty"
    empty.mkdir()
    assert recognise(empty) is None


@pytest.mark.parametrize(
    ("content", "settings", "message"),
    [
        (
            b"good\nline\n\xff\xfe",
            {},
            r"a\.txt line 3 is not UTF-8 \(byte 10 is 0xff\); if it is Latin-1, convert it: iconv",
        ),
        (b" \n\n", {}, r"a\.txt has no text; add some"),
        (
            b"a",
            {},
            r"a\.txt: the train text has 1 tokens, and 2 are needed for a window of --max-tokens 1; add more text$",
        ),
        (
            b"abcdefghij" * 5,
            {"max_tokens": 64},
            r"the train text has 45 tokens, and 65 are needed for a window of --max-tok",
        ),
        (b"abcdefghij", {}, r"validation text has 1 tokens, and 2 are needed; add more text, or give --validation 0"),
        (TEXT.encode(), {"target": ("x",)}, r"a\.txt has text and no columns, so leave --target out"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    tmp_path: Path, content: bytes, settings: dict[str, object], message: str
) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        opened(tmp_path / "a.txt", **settings)


def test_copies_are_read_once_and_empty_files_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    write(tmp_path / "b.txt", TEXT.upper())
    write(tmp_path / "b (1).txt", TEXT.upper())
    write(tmp_path / "c.txt", " \n")
    found = opened(tmp_path, validation=0.25)
    assert len(text_of(found, "train")) + len(text_of(found, "validation")) == 2 * len(TEXT)
    said = found.warnings
    assert [warning for warning in said if "copy" in warning or "empty" in warning] == [
        "c.txt is empty and skipped",
        "b (1).txt is a copy of b.txt and is not read again",
    ]


def test_a_test_file_that_is_a_copy_is_said_and_kept(tmp_path: Path) -> None:
    for name in ("train", "test"):
        write(tmp_path / f"{name}.txt")
    found = opened(tmp_path)
    assert "test" in found.splits
    assert "train.txt and test.txt hold the same text" in found.warnings
