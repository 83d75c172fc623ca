import gzip
from pathlib import Path

import numpy as np
import pytest

from sonde.core.data_warning import DataWarning
from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.vocabulary import Characters, words_of
from sonde.modalities.inputs import rows_for

WORDS = words_of(["a film of rare charm"], most=20)
SCHEMA = Schema(
    input=InputSpec(kind="tokens", shape=(6,), tokenizer=WORDS.to_json(), symbols=WORDS.size, column="text"),
    target=TargetSpec(kind="class", names=("0", "1")),
)


def tokens(inputs: object) -> tuple[list[list[int]], list[str]]:
    rows, names = rows_for(inputs, SCHEMA)
    return [[int(n) for n in row if n] for row in rows.read(np.arange(len(rows)))["input"]], names


def test_a_sentence_is_read_as_it_stands() -> None:
    assert tokens("A film, of charm") == ([WORDS.encode("a film , of charm")], ["A film, of charm"])
    assert tokens(["a film", "of charm"]) == (
        [WORDS.encode("a film"), WORDS.encode("of charm")],
        ["a film", "of charm"],
    )


def test_long_sentences_are_named_by_their_beginning_and_told_to_be_cut() -> None:
    found, names = tokens("a film of rare charm " * 9)
    assert found == [WORDS.encode("a film of rare charm a")]
    assert names == ["a film of rare charm a film of rare charm a film of rare ch… (the first 6 of 45 tokens)"]


def test_files_of_lines_and_tables_are_read_row_by_row(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a film\n\nof charm\n")
    assert tokens(str(tmp_path / "a.txt")) == (
        [WORDS.encode("a film"), WORDS.encode("of charm")],
        ["a.txt line 1", "a.txt line 3"],
    )
    (tmp_path / "t.csv").write_text("id,text\n1,a film\n2,of charm\n")
    assert tokens(tmp_path / "t.csv")[1] == ["t.csv row 2", "t.csv row 3"]
    (tmp_path / "one.csv").write_text("review\na film\nof charm\n")
    assert tokens(tmp_path / "one.csv")[0] == [WORDS.encode("a film"), WORDS.encode("of charm")]


def test_files_are_read_as_what_they_are(tmp_path: Path) -> None:
    fasta = tmp_path / "p.fasta"
    fasta.write_text(">seq0|a film\na film\n>seq1\nof\ncharm\n")  # letters of its lines are joined
    assert tokens(str(fasta)) == ([WORDS.encode("afilm"), WORDS.encode("ofcharm")], ["p.fasta seq0|a", "p.fasta seq1"])
    (tmp_path / "p.fa.gz").write_bytes(gzip.compress(fasta.read_bytes()))
    assert tokens(str(tmp_path / "p.fa.gz"))[1] == ["p.fa.gz seq0|a", "p.fa.gz seq1"]
    (tmp_path / "one.jsonl").write_text('{"text": "a film"}\n{"text": "of charm"}\n')
    assert tokens(tmp_path / "one.jsonl")[0] == [WORDS.encode("a film"), WORDS.encode("of charm")]
    labelled = "".join(f"__label__{'ab'[n % 2]} a film of charm\n" for n in range(9))
    (tmp_path / "l.txt").write_text(labelled)
    assert tokens(tmp_path / "l.txt")[0] == [WORDS.encode("a film of charm")] * 9
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(DataError, match="a.json holds JSON, and its texts are not known; write them into JSON lines"):
        tokens(tmp_path / "a.json")


@pytest.mark.parametrize("name", ["missing.fasta", "new.jsonl", "lines.txt", "a/b c.csv", "reads.fq.gz"])
def test_the_name_of_a_file_that_is_not_there_is_no_text(name: str) -> None:
    with pytest.raises(
        DataError, match=f"^{name}: no such file; to predict on this text itself, begin it with a space"
    ):
        tokens(name)
    assert len(tokens(f" {name}")[0]) == 1


def test_texts_may_be_longer_than_names_of_files_and_hold_dots() -> None:
    for text in ("charm" * 100, "example.com", "a film, see notes.txt", "x" * 5000):
        assert tokens(text)[0]


def test_frames_and_dicts_are_tables() -> None:
    assert tokens({"text": ["a film", "of charm"]})[0] == [WORDS.encode("a film"), WORDS.encode("of charm")]
    assert tokens({"text": "a film"})[0] == [WORDS.encode("a film")]
    assert tokens([{"text": "a film"}, {"text": "of charm"}])[0] == [WORDS.encode("a film"), WORDS.encode("of charm")]


def test_folders_of_texts_are_one_row_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "1.txt").write_text("a film\nof charm")
    assert tokens(str(tmp_path / "x"))[0] == [WORDS.encode("a film of charm")]


def test_chains_are_read_in_either_case() -> None:
    letters = Characters(("A", "C"), upper=True)
    spec = InputSpec(kind="tokens", shape=(9,), tokenizer=letters.to_json(), symbols=letters.size)
    rows, _ = rows_for(" acAC ", Schema(input=spec, target=SCHEMA.target))
    assert rows.read(np.arange(1))["input"].tolist() == [[4, 5, 4, 5]]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ("  ", "there is no text to predict on: it is empty"),
        ([], "there is nothing to predict on: the list is empty"),
        ("reviews.txt", "reviews.txt: no such file; to predict on this text itself, begin it with a space"),
        (["a film", 3], "an input of type int is not text"),
        ({"text": ["", " \u200b"]}, "table: no row has a text to predict on; fill the column 'text'"),
        (
            {"body": ["a film"], "title": ["of"]},
            "table has no column 'text', which the model reads; it has 'body', 'title'",
        ),
    ],
)
def test_what_is_no_text_is_refused(inputs: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        rows_for(inputs, SCHEMA)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n \n")
    with pytest.raises(DataError, match=r"a\.txt holds no text; write one in each line"):
        rows_for(str(tmp_path / "a.txt"), SCHEMA)


def test_rows_without_text_do_not_stop_the_others() -> None:
    with pytest.warns(DataWarning, match="2 of 4 rows have no text and are not predicted on, first table row 1"):
        rows, names = rows_for({"text": ["a film", "", "of charm", None]}, SCHEMA)
    assert (len(rows), names) == (2, ["table row 0", "table row 2"])
