import random
from collections.abc import Sequence

import pytest

from sonde.core.errors import DataError
from sonde.modalities.table.read import Table, frame_table
from sonde.modalities.text.columns import TextColumns, find_text, text_cells

draw = random.Random(0)
WORDS = [
    "film",
    "charm",
    "funny",
    "stirring",
    "dull",
    "cast",
    "of",
    "the",
    "and",
    "rare",
    "with",
    "no",
    "plot",
    "twist",
]
ROWS = 60
SENTENCES = [" ".join(draw.choices(WORDS, k=draw.randint(6, 14))) for _ in range(ROWS)]
NAMES = [f"{draw.choice('ABCDE')}. {draw.choice(WORDS).title()} {n}" for n in range(ROWS)]
DNA = ["".join(draw.choices("acgt", k=30)) for _ in range(ROWS)]
LABELS = [n % 2 for n in range(ROWS)]
AGES = [draw.random() * 80 for _ in range(ROWS)]


def table(**columns: Sequence[object]) -> Table:
    return frame_table(columns, "t.csv")


def test_text_beside_one_other_column_is_read_and_the_other_predicted() -> None:
    found = find_text(table(c1=SENTENCES, c2=LABELS), ())
    assert found == TextColumns(input="c1", targets=("c2",), guessed="the only other column; --target selects another")


def test_what_names_the_rows_is_no_target() -> None:
    ids = [f"ATRINS-{n}" for n in range(ROWS)]
    found = find_text(table(kind=["EI", "IE"] * 30, name=ids, number=list(range(ROWS)), chain=DNA), ())
    assert found is not None
    assert (found.input, found.targets, found.chain) == ("chain", ("kind",), "nucleotides")
    assert found.guessed == "of 3 others the only one with repeated values; --target selects another"


def test_two_columns_that_might_be_meant_are_not_chosen_between() -> None:
    assert find_text(table(text=SENTENCES, stars=LABELS, helpful=LABELS[::-1]), ()) is None


def test_several_targets_may_be_asked_for() -> None:
    found = find_text(table(text=SENTENCES, a=LABELS, b=LABELS), ("a", "b"))
    assert found == TextColumns(input="text", targets=("a", "b"))


def test_a_table_with_names_of_people_stays_a_table() -> None:
    assert find_text(table(name=NAMES, age=AGES, survived=LABELS), ("survived",)) is None
    assert find_text(table(age=AGES, survived=LABELS), ("survived",)) is None


def test_long_text_is_read_alone_and_what_is_left_aside_is_told() -> None:
    found = find_text(table(text=SENTENCES, age=AGES, number=list(range(ROWS)), label=LABELS), ("label",))
    assert found == TextColumns(input="text", targets=("label",), aside=("age",))


def test_two_texts_are_not_chosen_between() -> None:
    assert find_text(table(title=SENTENCES, body=SENTENCES[::-1], label=LABELS), ("label",)) is None


def test_single_words_are_read_where_there_is_nothing_else() -> None:
    words = [f"{draw.choice(WORDS)}{n}" for n in range(ROWS)]
    found = find_text(table(name=words, label=LABELS), ("label",))
    assert found is not None
    assert found.input == "name"
    assert find_text(table(name=words, age=AGES, label=LABELS), ("label",)) is None


def test_a_column_of_a_few_repeated_phrases_is_a_category() -> None:
    phrases = ["a film of rare charm and wit", "dull from beginning to the very end"] * 30
    assert find_text(table(phrase=phrases, label=LABELS), ("label",)) is None


def test_cells_lose_surrounding_spaces_and_gaps_are_empty() -> None:
    assert text_cells(table(text=["  a film\t", None, "", "none"]), "text") == ["a film", "", "", "none"]


def test_numbers_are_no_text() -> None:
    with pytest.raises(DataError, match=r"t\.csv: column 'age' holds double, where text should be"):
        text_cells(table(age=AGES), "age")


def test_a_cell_that_says_that_nothing_is_there_is_empty_in_a_file_of_text_alone() -> None:
    cells = ["NA", " a film ", "n/a", "no plot", "None of it"]
    in_memory = table(text=cells)
    in_a_file = Table(name="t.csv", columns=in_memory.columns, first_row=2, delimiter=",")
    assert text_cells(in_memory, "text") == ["NA", "a film", "n/a", "no plot", "None of it"]
    assert text_cells(in_a_file, "text") == ["", "a film", "", "no plot", "None of it"]


def test_a_text_of_which_nothing_can_be_seen_is_none() -> None:
    table = frame_table({"text": ["a\u200db", "\u200b", " \ufeff\u00ad ", "\U0001f600"]}, "t")
    assert text_cells(table, "text") == ["a\u200db", "", "", "\U0001f600"]
