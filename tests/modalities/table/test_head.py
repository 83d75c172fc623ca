"""What stands before a table's rows: comments, titles, the delimiter by name."""

import pytest

from sonde.modalities.table.head import cut_head


@pytest.mark.parametrize(
    ("text", "delimiter", "before", "first"),
    [
        ("sep=;\na;b,c\n1;2\n", ";", 1, ["a", "b,c"]),
        ("# note\na,b\n1,2\n", ",", 1, ["a", "b"]),
        ("#a,b\n1,2\n", ",", 0, ["#a", "b"]),
        ("text\n" + "hello, world\n" * 9, ",", 0, ["text"]),  # prose, not a title above a table
        ("title\nx,y\n" + "1,2\n" * 9, ",", 1, ["x", "y"]),
        ("title\nx,y\n" + "1,2\n" * 3, ",", 0, ["title"]),  # too few rows to tell
    ],
)
def test_where_rows_begin(text: str, delimiter: str, before: int, first: list[str]):
    head = cut_head(text.splitlines(keepends=True), ",")
    assert (head.delimiter, head.before, head.rows[0]) == (delimiter, before, first)
