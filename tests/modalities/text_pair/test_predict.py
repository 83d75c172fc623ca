from pathlib import Path

import pandas as pd
import pytest

from sonde.core.data_warning import DataWarning
from sonde.core.dataset import Column, InputSpec, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.vocabulary import END, words_of
from sonde.data.rows import unanswered
from sonde.modalities.text_pair.predict import rows_to_predict

VOCABULARY = words_of(["a b c d e f g h"], most=100)
SCHEMA = Schema(
    input=InputSpec(
        kind="text-pair",
        shape=(8,),
        tokenizer=VOCABULARY.to_json(),
        symbols=VOCABULARY.size,
        columns=tuple(Column(name=name, kind="text", source=name) for name in ("one", "two")),
    ),
    target=TargetSpec(kind="class", names=("no", "yes")),
)
EXPECTED = [*VOCABULARY.encode("a b"), END, *VOCABULARY.encode("c"), END]


def tokens(inputs: object) -> list[list[int]]:
    rows, _ = rows_to_predict(inputs, SCHEMA)
    return [rows.read(pd.RangeIndex(n, n + 1).to_numpy())["input"][0].tolist() for n in range(len(rows))]


@pytest.mark.parametrize(
    "inputs",
    [
        ("a b", "c"),
        ["a b", "c"],
        [("a b", "c")],
        [["a b", " c "]],
        {"two": "c", "one": "a b"},
        {"one": ["a b"], "two": ["c"]},
        pd.DataFrame({"two": ["c"], "one": ["a b"], "more": [1]}),
    ],
)
def test_a_pair_may_come_in_any_of_these_ways(inputs: object) -> None:
    assert tokens(inputs) == [EXPECTED]


def test_a_file_is_read_and_its_rows_are_named(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("one,two\na b,c\nd,e\n")
    assert tokens(str(path)) == tokens([str(path)])
    assert rows_to_predict(path, SCHEMA)[1] == ["new.csv row 2", "new.csv row 3"]
    assert rows_to_predict([("a b", "c"), ("d", "e")], SCHEMA)[1] == ["a b | c", "d | e"]


def test_pairs_that_are_cut_say_so_in_their_names() -> None:
    _, names = rows_to_predict([("a b c d e f", "g h a b"), ("a", "b")], SCHEMA)
    assert names == ["a b c d e f | g h a b (truncated to 8 of 12 tokens)", "a | b"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("a b", "'a b' is one text, and the model reads two; give two texts"),
        (["a", "b", "c"], "the input is something else; give two texts"),
        ([], "the input is something else"),
        (3, "the input is something else"),
        (("a", " "), "the pair 'a \\| ' lacks a text"),
        ("gone.csv", "gone.csv: no such file"),
    ],
)
def test_what_is_no_pair_is_refused(inputs: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows_to_predict(inputs, SCHEMA)


def test_a_row_of_a_table_without_a_text_keeps_its_place_and_has_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("one,two\na b,c\nd,\na b,c\n")
    with pytest.warns(DataWarning, match=r"^1 pair lacks a text, and the answer stays empty: new\.csv row 3$"):
        rows, names = rows_to_predict(path, SCHEMA)
    assert names == ["new.csv row 2", "new.csv row 3", "new.csv row 4"]
    assert unanswered(rows) == {1}
    path.write_text("one,two\na b,\n")
    with pytest.raises(DataError, match="new.csv row 2' lacks a text"):
        rows_to_predict(path, SCHEMA)


def test_of_a_folder_its_test_part_is_predicted_on(tmp_path: Path) -> None:
    for name, cell in (("train", "d"), ("test", "c"), ("sample_submission", "e")):
        (tmp_path / f"{name}.csv").write_text(f"one,two\na b,{cell}\n")
    with pytest.warns(DataWarning, match="its test part is predicted on: test.csv"):
        assert tokens(tmp_path) == [EXPECTED]
    (tmp_path / "test.csv").unlink()
    with pytest.raises(DataError, match="holds several tables: sample_submission.csv, train.csv; name one"):
        tokens(tmp_path)
