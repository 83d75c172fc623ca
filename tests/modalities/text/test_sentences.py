import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sonde.core.data_warning import DataWarning
from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.vocabulary import END, Words
from sonde.modalities.inputs import rows_for
from sonde.modalities.text.sentences import rows_to_translate

WORDS = Words(("a", "man", "rides", "the", "bike", "."))
SCHEMA = Schema(
    input=InputSpec(kind="tokens", shape=(8,), tokenizer=WORDS.to_json(), symbols=WORDS.size),
    target=TargetSpec(kind="tokens", names=("en", "de"), tokenizer=WORDS.to_json(), symbols=WORDS.size),
)


def test_sentences_and_files_are_rows_of_tokens_with_their_end(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("A man rides.\n\nThe bike.\n")
    (tmp_path / "more.en.gz").write_bytes(gzip.compress(b"A bike.\n"))
    given: list[Any] = ["The  man\nrides a bike.", tmp_path / "lines.txt", str(tmp_path / "more.en.gz")]
    rows, names = rows_for(given, SCHEMA)
    assert names == ["The man rides a bike.", "A man rides.", "The bike.", "A bike."]
    tokens = rows.read(np.arange(4))["input"]
    assert tokens[2].tolist() == [*WORDS.encode("The bike."), END, 0, 0, 0]
    assert [rows.describe(n) for n in range(4)] == names


def test_one_sentence_needs_no_list() -> None:
    rows, names = rows_to_translate("A man.", SCHEMA)
    assert names == ["A man."]
    assert rows.read(np.array([0]))["input"].tolist() == [[*WORDS.encode("A man."), END]]
    long = "a man " * 300
    assert rows_to_translate(long, SCHEMA)[0].read(np.array([0]))["input"].shape == (1, 256)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("", "there is nothing to translate: give a sentence, or a file with one a line"),
        ([], "there is nothing to translate"),
        ("lines.txt", "lines.txt: no such file; to predict on this text itself, begin it with a space"),
        (Path("absent"), "absent: no such file"),
        (3, "the model takes sentences, and the input is of type int; give text or a file"),
    ],
)
def test_what_is_no_sentence_is_refused(inputs: Any, message: str) -> None:
    with pytest.raises(DataError, match=f"^{message}"):
        rows_to_translate(inputs, SCHEMA)


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_bytes(b"ok\n\xff\n")
    with pytest.raises(DataError, match=r"lines.txt line 2 is not UTF-8"):
        rows_to_translate(tmp_path / "lines.txt", SCHEMA)


def test_empty_lines_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("a dog\n\nthe cat\n")
    with pytest.warns(DataWarning, match="1 of 3 lines are empty and are not translated, first line 2"):
        rows, names = rows_to_translate(str(tmp_path / "a.en"), SCHEMA)
    assert (len(rows), names) == (2, ["a dog", "the cat"])
