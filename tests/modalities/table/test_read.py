"""Reading tables: against pandas on good files, and one line each for bad ones."""

import gzip
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from sonde.core.errors import DataError
from sonde.modalities.table.read import Table, frame_table, head_of, read_table, table_suffix
from sonde.modalities.table.target import target_columns


def written(tmp_path: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def cells(table: Table) -> dict[str, list]:
    return {name: column.to_pylist() for name, column in table.columns.items()}


def test_real_file_with_quotes_reads_like_pandas(shared_data: Path):
    path = shared_data / "tabular" / "titanic.csv"
    expected = pd.read_csv(path, dtype=str, keep_default_na=False)
    table = read_table(path)
    assert list(table.columns) == list(expected.columns)
    for name in expected:
        assert table.columns[name].to_pylist() == expected[name].tolist()
    assert table.place(0) == "titanic.csv row 2"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_sniffed(tmp_path: Path, delimiter: str):
    text = "\n".join(delimiter.join(row) for row in (["a", "b b", "c"], ["1", "x", "2"], ["3", "y", "4"]))
    table = read_table(written(tmp_path, text))
    assert cells(table) == {"a": ["1", "3"], "b b": ["x", "y"], "c": ["2", "4"]}
    assert table.delimiter == delimiter


def test_commas_inside_tab_separated_text_do_not_part_it(tmp_path: Path):
    table = read_table(written(tmp_path, "text\tlabel\nno , not\t0\nyes , well\t1\n", "t.tsv"))
    assert cells(table) == {"text": ["no , not", "yes , well"], "label": ["0", "1"]}


def test_compressed_byte_order_mark_and_windows_line_ends(tmp_path: Path):
    content = "\ufeffa,b\r\n1,é\r\n\r\n2,y\r\n".encode()
    plain = read_table(written(tmp_path, content))
    packed = read_table(written(tmp_path, gzip.compress(content), "t.csv.gz"))
    assert cells(plain) == cells(packed) == {"a": ["1", "2"], "b": ["é", "y"]}


def test_names_for_a_file_without_header(tmp_path: Path):
    path = written(tmp_path, "1,2\n3,4\n")
    table = read_table(path, ["x", "y"])
    assert cells(table) == {"x": ["1", "3"], "y": ["2", "4"]}
    assert table.place(0) == "t.csv row 1"
    with pytest.raises(DataError, match=r"^--columns names 3 columns, but the first row of t\.csv has 2 fields$"):
        read_table(path, ["x", "y", "z"])


def test_names_that_repeat_the_header_do_not_make_it_a_row(tmp_path: Path):
    assert cells(read_table(written(tmp_path, "x,y\n3,4\n"), ["x", "y"])) == {"x": ["3"], "y": ["4"]}


BAD = {
    "ragged short": ("a,b\n1,2\n\n3\n", r"t.csv row 3: 1 fields where 2 were expected; fix the row"),
    "ragged long": (
        'a,b\n1,"x\ny"\n3,4,5\n6\n',
        r"t.csv row 3: 3 fields where 2 were expected; 1 more rows like it; fix the row",
    ),
    "empty": ("", r"t.csv is empty"),
    "blank": ("\n\n", r"t.csv is empty"),
    "header alone": ("a,b\n", r"t.csv holds no rows"),
    "repeated names": ("a,b,a\n1,2,3\n", r"t.csv has two columns called 'a'; rename one of them"),
    "latin-1": (
        "a,b\n1,café\n".encode("latin-1"),
        r"t.csv is not UTF-8 at byte 9; if it is Latin-1, convert it: iconv",
    ),
    "binary": (b"a,b\n\x00\x01,2\n", r"t.csv holds binary data, not text"),
    "open quote": (
        'a,b\n1,"2\n3,4\n5,6\n',
        r't.csv: the last row spans several lines; an opening quote \("\) is never closed',
    ),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_text_is_one_line(tmp_path: Path, content: str | bytes, message: str):
    with pytest.raises(DataError, match=f"^{message}") as caught:
        read_table(written(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_quoted_line_breaks_in_the_last_row_are_fine(tmp_path: Path):
    assert cells(read_table(written(tmp_path, 'a,b\n1,"x\ny"\n')))["b"] == ["x\ny"]


def test_quotes_that_protect_nothing_are_text(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    lines = [f'{i % 2}\t"Opened {i}, never closed\t{"plain" if i % 3 else chr(34) + "other"}' for i in range(800)]
    path.write_text("label\tfirst\tsecond\n" + "\n".join([*lines, '1\t"all of it"\t"a ""word"" in it"']) + "\n")
    table = read_table(path)
    assert len(table) == 801
    assert table.columns["first"][7].as_py() == '"Opened 7, never closed'
    assert table.columns["second"][3].as_py() == '"other'
    assert [column[800].as_py() for column in table.columns.values()] == ["1", "all of it", 'a "word" in it']


def test_stray_quotes_between_commas(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('y,text\n0,"one\n1,"two\n0,three\n')
    assert read_table(path).columns["text"].to_pylist() == ['"one', '"two', "three"]


def test_cells_of_several_lines_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('y,text\n0,"dear sir,\nyours, me"\n1,"5"" wide\n\nand long"\n')
    assert read_table(path).columns["text"].to_pylist() == ["dear sir,\nyours, me", '5" wide\n\nand long']
    path.write_text('y,text\n0,"hello\nsir, yours"\n1,"good\nday, madam"\n')  # a comma on every line
    assert len(read_table(path)) == 2


def test_a_quote_that_swallows_lines_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('y,text\n1,"a, b"\n0,"one\n1,two\n0,"three\n')
    with pytest.raises(DataError, match=r"t\.csv line 3: .* extends to line 5"):
        read_table(path)


def test_truncated_files(tmp_path: Path):
    frame = pd.DataFrame({"a": np.arange(100.0), "b": "x"})
    whole = tmp_path / "whole.parquet"
    frame.to_parquet(whole)
    short = written(tmp_path, whole.read_bytes()[:-50], "short.parquet")
    with pytest.raises(
        DataError, match=r"^short\.parquet cannot be read \(.*\); the file is truncated or has the wrong suffix"
    ):
        read_table(short)
    packed = written(tmp_path, gzip.compress(b"a,b\n" + b"1,2\n" * 5000)[:-20], "short.csv.gz")
    with pytest.raises(DataError, match=r"short\.csv\.gz cannot be unpacked"):
        read_table(packed)
    with pytest.raises(DataError, match=r"none\.csv: no such file"):
        read_table(tmp_path / "none.csv")


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_binary_tables_keep_types_and_lose_pandas_row_labels(tmp_path: Path, suffix: str):
    frame = pd.DataFrame({"a": [1, 2, 3], "c": pd.Categorical(["x", None, "y"])})
    path = tmp_path / f"t{suffix}"
    if suffix == ".parquet":
        frame.iloc[1:].to_parquet(path)
    else:
        frame.iloc[1:].reset_index(drop=True).to_feather(path)
    table = read_table(path)
    assert cells(table) == {"a": [2, 3], "c": [None, "y"]}
    assert pa.types.is_dictionary(table.columns["c"].type)
    assert table.place(0).endswith("row 1")


def test_frames_and_dicts_of_columns():
    frame = pd.DataFrame({"a": [1.5, np.nan], "b": ["x", None], "c": [1, "mixed"]})
    assert cells(frame_table(frame, "frame")) == {"a": [1.5, None], "b": ["x", None], "c": ["1", "mixed"]}
    table = frame_table({"a": torch.tensor([1, 2]), "b": ["x", "y"]}, "dict")
    assert cells(table) == {"a": [1, 2], "b": ["x", "y"]}
    assert table.place(1) == "dict row 1"
    assert cells(frame_table(pa.table({"a": [1]}), "arrow")) == {"a": [1]}


def test_bad_frames():
    with pytest.raises(DataError, match=r"^t: columns differ in length: 'a' has 2 rows, 'b' 3$"):
        frame_table({"a": [1, 2], "b": [1, 2, 3]}, "t")
    with pytest.raises(DataError, match=r"^t column 'a' has 2 dimensions; a column has one value per row$"):
        frame_table({"a": np.zeros((2, 2))}, "t")
    with pytest.raises(DataError, match=r"^t has two columns called 'a'"):
        frame_table(pa.table([[1], [2]], names=["a", "a"]), "t")
    with pytest.raises(DataError, match=r"^t holds no rows$"):
        frame_table({}, "t")


def test_message_of_a_broken_row_gives_the_spreadsheet_row(tmp_path: Path):
    lines = ["a,b"] + [f"{i},{i}" for i in range(50)]
    lines[30] = "oops"
    with pytest.raises(DataError) as caught:
        read_table(written(tmp_path, "\n".join(lines)))
    row = int(re.search(r"row (\d+)", str(caught.value))[1])  # type: ignore[index]
    assert lines[row - 1] == "oops"


def test_suffixes():
    assert table_suffix(Path("a.TSV")) == ".tsv"
    assert table_suffix(Path("a.parquet.gz")) == ""


def test_the_head_of_a_table_is_its_first_whole_rows(tmp_path: Path) -> None:
    head = head_of(written(tmp_path, "a, b\n1,2\n3\n4,5\n"))
    assert head is not None
    assert cells(head) == {"a": ["1", "4"], "b": ["2", "5"]}
    assert head.place(0) == "t.csv row 2"


def test_the_head_of_a_text_without_a_header_has_numbered_columns(tmp_path: Path) -> None:
    head = head_of(written(tmp_path, "one long string of cliches,0\na film of rare charm,1\nno fun,0\n"))
    assert head is not None
    assert list(head.columns) == ["c1", "c2"]
    assert len(head) == 3


@pytest.mark.parametrize("content", ["a,b\n", "a,a\n1,2\n"])
def test_there_is_no_head_without_rows_or_with_two_columns_of_one_name(tmp_path: Path, content: str) -> None:
    assert head_of(written(tmp_path, content)) is None


def test_the_head_of_a_parquet_file_is_its_first_rows(tmp_path: Path) -> None:
    pd.DataFrame({"a": range(500)}).to_parquet(tmp_path / "t.parquet")
    head = head_of(tmp_path / "t.parquet")
    assert head is not None
    assert len(head) == 200


@pytest.mark.parametrize("sign", ["\r", "\u2028", "\x85", "\x0b"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_cells_may_hold_what_breaks_lines_elsewhere(tmp_path: Path, sign: str, end: str) -> None:
    rows = [f"a film{sign}of rare charm, number {n}\t{n % 2}" for n in range(20)]
    (tmp_path / "a.tsv").write_bytes(end.join(["text\tlabel", *rows, ""]).encode())
    table = read_table(tmp_path / "a.tsv")
    assert len(table) == 20
    assert table.columns["text"][3].as_py() == f"a film{' ' if sign == chr(13) else sign}of rare charm, number 3"
    assert table.columns["label"].to_pylist() == [str(n % 2) for n in range(20)]


def test_files_whose_lines_end_in_carriage_returns_are_read_by_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"text,label\r" + b"a film,1\r" * 5)
    assert len(read_table(tmp_path / "a.csv")) == 5


@pytest.mark.parametrize(
    ("content", "expected", "first_row", "notes"),
    [
        ("sep=;\na;b\n1,5;2\n", {"a": ["1,5"], "b": ["2"]}, 3, 0),
        ('"sep=|"\r\na|b\r\n1|2\r\n', {"a": ["1"], "b": ["2"]}, 3, 0),
        ("# by a tool, of 2021\n#\n\na,b\n1,2\n", {"a": ["1"], "b": ["2"]}, 5, 0),
        ("##format\n#chrom,pos\nx,2\n", {"#chrom": ["x"], "pos": ["2"]}, 3, 0),
        ("\n\na,b\n1,2\n", {"a": ["1"], "b": ["2"]}, 4, 0),
        ('"first\nname",b\nx,2\n', {"first name": ["x"], "b": ["2"]}, 2, 0),
        ("v1,v2,,,\nham,x,,,\nspam,y,,,\n", {"v1": ["ham", "spam"], "v2": ["x", "y"]}, 2, 0),
        ("v,,,\nham,,z,\n", {"v": ["ham"], "Unnamed: 2": ["z"]}, 2, 1),
        (
            "Scores of 2021\n\nname,score\n" + "".join(f"{c},{i}\n" for i, c in enumerate("abcde")),
            {"name": [*"abcde"], "score": [*"01234"]},
            4,
            1,
        ),
    ],
)
def test_lines_before_the_header_and_columns_without_name(
    tmp_path: Path, content: str, expected: dict, first_row: int, notes: int
):
    path = written(tmp_path, content)
    table = read_table(path)
    assert cells(table) == expected
    assert (table.first_row, len(table.notes)) == (first_row, notes)
    head = head_of(path)
    assert head is not None
    assert list(head.columns)[: len(expected) - notes] == list(expected)[: len(expected) - notes]
    assert head.first_row == first_row


def test_rows_are_counted_from_lines_before_the_header(tmp_path: Path):
    with pytest.raises(DataError, match=r"^t\.csv row 4: 1 fields where 2 were expected"):
        read_table(written(tmp_path, "sep=;\na;b\n1;2\n3\n"))
    with pytest.raises(DataError, match=r"^t\.csv row 3: 1 fields where 2 were expected"):
        read_table(written(tmp_path, '"a\nb";c\n1;2\n3\n'))


def test_a_delimiter_after_every_row_makes_no_column(tmp_path: Path):
    expected = {"a": ["1", "3", "5"], "b": ["2", "4", "6"]}
    assert cells(read_table(written(tmp_path, "a,b\n1,2,\n3,4,\n5,6,\n"))) == expected
    assert cells(read_table(written(tmp_path, "a,b,\n1,2,\n3,4,\n5,6,\n"))) == expected


def test_names_of_rows_that_no_header_names(tmp_path: Path):
    found = read_table(written(tmp_path, "a\tb\nr1\t1\t2\nr2\t3\t4\n", "t.tsv"))
    assert cells(found) == {"": ["r1", "r2"], "a": ["1", "3"], "b": ["2", "4"]}
    assert found.notes == (
        "t.tsv: rows have one cell more than the header, so their first cell is read as the row's name",
    )
    with pytest.raises(DataError, match=r"^t\.csv row 2: 3 fields where 2 were expected"):
        read_table(written(tmp_path, "a,b\n1,1,2\n1,3,4\n"))  # no names: which cell is which is not known


def test_a_file_of_data_alone_is_said(tmp_path: Path):
    found = read_table(written(tmp_path, "5.1,3.5,setosa\n4.9,3.0,setosa\n6.3,2.5,virginica\n"))
    assert cells(found)["c1"] == ["5.1", "4.9", "6.3"]
    assert found.notes == (
        "t.csv: its first row reads like those below, so that columns are called c1 to c3; --columns names them",
    )


def test_cells_that_blanks_part(tmp_path: Path):
    lines = " id   x   name\n" + "".join(f'  {n}   {n / 4:6.2f}  "a car"\n' for n in range(6))
    found = read_table(written(tmp_path, lines))
    assert cells(found) == {
        "id": [str(n) for n in range(6)],
        "x": [f"{n / 4:.2f}" for n in range(6)],
        "name": ["a car"] * 6,
    }
    head = head_of(tmp_path / "t.csv")
    assert head is not None
    assert list(head.columns) == ["id", "x", "name"]


def test_the_miles_of_cars(tmp_path: Path):
    """Blanks between numbers and a tab before the name, without a header, as UCI has them."""
    lines = "".join(f'{18 + n % 3}.0   8   {"?" if n == 3 else 300 + n}.\t"car {n}"\n' for n in range(8))
    found = read_table(written(tmp_path, lines, "auto-mpg.data"))
    assert list(found.columns) == ["c1", "c2", "c3", "c4"]
    assert cells(found)["c1"][:3] == ["18.0", "19.0", "20.0"]
    assert cells(found)["c4"][0] == "car 0"


@pytest.mark.parametrize("line", ["it is what it is", "5 stars for this film", "pixels 1 2"])
def test_sentences_are_not_cut_at_blanks(tmp_path: Path, line: str):
    assert list(read_table(written(tmp_path, "text\n" + f"{line}\n" * 9)).columns) == ["text"]


def test_a_target_in_a_first_row_that_was_taken_for_data_says_so(tmp_path: Path) -> None:
    rows = ["x" * 100 + ",fine", *["y" * 90 + ",a", "z,b"] * 4]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    with pytest.raises(
        DataError, match="its first row, which holds that name, .* was taken for data: .* with --columns$"
    ):
        target_columns(read_table(tmp_path / "t.csv"), ["fine"])
