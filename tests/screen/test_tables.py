import io

from rich.console import Console

from sonde.screen.tables import cell, is_numeric, plain_table, rich_table

ROWS = [["mlp", 235146, "97.20 %", None], ["compact-cnn", 6, "9.10 %", "2024 paper by somebody"]]


def test_numbers_stand_under_one_another_and_text_starts_together():
    lines = plain_table("", ["name", "parameters", "test", "paper"], ROWS)
    assert lines == [
        "name         parameters     test  paper",
        "mlp             235,146  97.20 %",
        "compact-cnn           6   9.10 %  2024 paper by somebody",
    ]


def test_cells():
    assert [cell(v) for v in (None, True, 1234, 0.12345, "x")] == ["", "yes", "1,234", "0.123", "x"]


def test_a_column_of_numbers_and_gaps_is_numeric_and_words_are_not():
    assert is_numeric([["–"], ["-3.1"], [2]], 0)
    assert not is_numeric([["1998"], ["LeCun"]], 0)
    assert not is_numeric([[None], [""]], 0)


def test_an_empty_listing_has_its_head():
    assert plain_table("runs", ["folder", "state"], []) == ["runs", "folder  state"]


def test_rich_shows_the_same_texts_and_takes_no_markup_from_them():
    out = io.StringIO()
    Console(file=out, width=100).print(rich_table("[b]t", ["name", "n"], [["[red]x[/red]", 1234]]))
    assert out.getvalue().split() == ["[b]t", "name", "n", "[red]x[/red]", "1,234"]
