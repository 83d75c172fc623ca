"""A table on disk or in memory -> named Arrow columns, with rows counted the way a person counts them.

CSV cells stay text here: what a column holds is decided over the whole column (`kinds`), not by the first rows.
"""

# pyright: reportAttributeAccessIssue=false
# pyarrow.compute makes its functions when it is imported, where pyright cannot see them

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from sonde.core.errors import DataError
from sonde.data.unread import way_to_read
from sonde.data.unzipped import first_bad_byte, if_latin1, is_zipped
from sonde.modalities.table.encoding import is_utf16, text_opened
from sonde.modalities.table.frames import frame_columns
from sonde.modalities.table.head import (
    BLANKS,
    HEAD,
    Head,
    check_names,
    cut_head,
    named_columns,
    tabbed,
    with_a_name_for_each,
    without_empty,
)
from sonde.modalities.table.header import is_header
from sonde.modalities.table.json_lines import is_json_lines, is_json_list, read_json_lines, read_json_list
from sonde.modalities.table.quotes import check_quotes, quotes_are_text, swallowed, without_quotes
from sonde.modalities.table.written_numbers import is_text, shown_decimal

TEXT_SUFFIXES = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".data": ","}
JSON_SUFFIXES = (".jsonl", ".ndjson")
JSON_LIST = ".json"  # a table where it holds a list of objects
BINARY_SUFFIXES = (".parquet", ".pq", ".feather", ".arrow")
SNIFFED_BYTES = 1 << 16
SHOWN = 1000  # rows of a column that show what separates decimals in it


@dataclass(frozen=True, kw_only=True)
class Table:
    """Named columns of equal length.

    name:      what error messages call it: the file's name
    first_row: number of the first data row: 2 under a header, as in a spreadsheet; 1 without one; 0 in memory
    delimiter: of the text it was read from, "" otherwise; beside ";" a comma may be a decimal point
    numbers:   columns that are numbers to learn from even where they look like row numbers
    notes:     what was passed over or named while reading, for a warning
    rows:      of some rows of a table, where each stands in the whole, from 0; None of a whole one
    """

    name: str
    columns: Mapping[str, pa.ChunkedArray]
    first_row: int
    delimiter: str = ""
    numbers: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    rows: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @cached_property
    def decimals(self) -> dict[str, str]:
        """Column -> what surely separates decimals of its text, "." or ","; columns that do not show it are left out."""
        heads = {name: array.slice(0, SHOWN) for name, array in self.columns.items() if is_text(array.type)}
        found = {name: shown_decimal(head, self.delimiter) for name, head in heads.items()}
        return {name: decimal for name, decimal in found.items() if decimal}

    def decimal_beside(self, column: str) -> str:
        """What separates decimals in the other columns, "." or ","; "" where none shows it, or they differ."""
        found = {decimal for name, decimal in self.decimals.items() if name != column}
        return found.pop() if len(found) == 1 else "," if "," in found and self.delimiter == ";" else ""

    @property
    def headless(self) -> bool:
        """Whether it was read from text whose first row is data."""
        return bool(self.delimiter) and self.first_row == 1

    def place(self, index: int) -> str:
        """Where row `index` (from 0) stands: "titanic.csv row 17"."""
        return f"{self.name} row {self.number(index)}"

    def number(self, index: int) -> int:
        """The number that a person gives row `index` (from 0)."""
        return (index if self.rows is None else self.rows[index]) + self.first_row


def table_suffix(path: Path) -> str:
    """The suffix that says how to read a table, "" for other files; a compression's own suffix is looked through.

    >>> table_suffix(Path("a.csv.gz")), table_suffix(Path("b.PARQUET")), table_suffix(Path("c.txt"))
    ('.csv', '.parquet', '')
    """
    name = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    suffix = name.suffix.lower()
    compressed = name is not path
    known = suffix in (*TEXT_SUFFIXES, *JSON_SUFFIXES) or (suffix in BINARY_SUFFIXES and not compressed)
    if suffix == JSON_LIST and not compressed:
        return suffix if is_json_list(path) or is_json_lines(path) else ""
    return suffix if known else ""


def notes_of(tables: Iterable[Table]) -> list[str]:
    """What was guessed while tables were read, for the warnings of a dataset."""
    return [note for table in tables for note in table.notes]


def read_table(path: Path, names: Sequence[str] = ()) -> Table:
    """The columns of a CSV, TSV, JSON-lines, Parquet or Arrow file.

    names: for text without a header, its columns; by default a first row that looks like data has c1, c2, …
    Raises: DataError for what cannot be read as a table, naming the row where there is one, and for names where it has its own
    """
    if not path.exists():
        raise DataError(f"{path}: no such file")
    suffix = table_suffix(path)
    if not suffix and (way := way_to_read(path)):
        raise DataError(f"{path.name} cannot be read as it is: {way}")
    if names and suffix not in TEXT_SUFFIXES:
        raise DataError(f"{path.name} names its own columns; leave --columns out")
    if suffix == JSON_LIST and is_json_list(path):
        table = Table(name=path.name, columns=read_json_list(path), first_row=1)
    elif suffix in (*JSON_SUFFIXES, JSON_LIST):
        table = Table(name=path.name, columns=read_json_lines(path), first_row=1)
    else:
        table = _read_text(path, names) if suffix in TEXT_SUFFIXES else _read_binary(path)
    if not table.columns or len(table) == 0:
        raise DataError(f"{path.name} holds no rows{' below its header' * (table.first_row > 1)}")
    return table


def numbered_like(path: Path, sources: Iterable[str]) -> tuple[str, ...]:
    """c1, c2, … for a file that a model reads which was trained on one without a header; none where columns have names.

    sources: the columns that the model was trained on
    """
    known = set(sources)
    if table_suffix(path) not in TEXT_SUFFIXES or not path.exists() or not all(re.fullmatch(r"c\d+", n) for n in known):
        return ()
    cells = named_columns(first_rows(path).rows[0])
    return () if known & set(cells) else tuple(_numbered(cells))


def frame_table(frame: Any, name: str) -> Table:
    """A pandas or polars DataFrame, a pyarrow Table or a dict of columns as a Table; a Table stays as it is.

    Raises: DataError when columns repeat, differ in length or are not one-dimensional
    """
    if isinstance(frame, Table):
        return frame
    columns = frame_columns(frame, name)
    lengths = {column: len(array) for column, array in columns.items()}
    if len(set(lengths.values())) > 1:
        first, *rest = lengths
        other = next(column for column in rest if lengths[column] != lengths[first])
        raise DataError(
            f"{name}: columns differ in length: {first!r} has {lengths[first]} rows, {other!r} {lengths[other]}"
        )
    if not columns or next(iter(lengths.values())) == 0:
        raise DataError(f"{name} holds no rows")
    return Table(name=name, columns=columns, first_row=0)


def head_of(path: Path) -> Table | None:
    """The first rows of a table, to recognise it by; None where there are none, or two columns of a text have one name.

    Raises: DataError for what cannot be read
    """
    if table_suffix(path) in TEXT_SUFFIXES:
        head, _ = with_a_name_for_each(first_rows(path))
        rows = head.rows
        named = is_header(rows)
        names = named_columns(rows[0]) if named else _numbered(rows[0])
        whole = [row for row in (rows[1:] if named else rows) if len(row) == len(names)]
        if not whole or len(set(names)) < len(names):
            return None
        cells = zip(*whole, strict=True)
        columns = {name: pa.chunked_array([pa.array(column)]) for name, column in zip(names, cells, strict=True)}
        first_row = head.before + 2 + head.passed if named else 1
        return Table(name=path.name, columns=columns, first_row=first_row, delimiter=head.delimiter)
    if table_suffix(path) not in (".parquet", ".pq"):
        return read_table(path)
    try:
        file = pa_parquet.ParquetFile(path)
        check_names(file.schema_arrow.names, path.name)
        batch = next(file.iter_batches(batch_size=HEAD), None)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path.name} cannot be read ({error})") from None
    return None if batch is None else frame_table(pa.Table.from_batches([batch]), path.name)


def is_frame(data: Any) -> bool:
    """Whether `frame_table` takes it."""
    return isinstance(data, pa.Table | Mapping) or type(data).__name__ == "DataFrame"


def _read_text(path: Path, names: Sequence[str]) -> Table:
    head = first_rows(path)
    head, notes = (head, []) if names else with_a_name_for_each(head)
    first = named_columns(head.rows[0])
    headless = not names and not is_header(head.rows)
    if headless:
        names = _numbered(first)
        notes.append(
            f"its first row reads like those below, so that columns are called c1 to c{len(first)}; --columns names them"
        )
    has_header = not names or first == list(names)
    columns = first if has_header else list(names)
    if len(columns) != len(first):
        raise DataError(
            f"--columns names {len(columns)} columns, but the first row of {path.name} has {len(first)} fields"
        )
    check_names(columns, path.name)
    skip = head.before + (head.header_lines + head.passed if has_header else 0)
    content, ragged = _read_quoted(path, columns, head.delimiter, skip=skip)
    if ragged and (mended := _with_returns_in_cells(path, columns, head.delimiter, skip=skip)) is not None:
        content, ragged = mended, []
    if ragged:
        raise _ragged_error(path, ragged, broken=head.header_lines - 1 if has_header else 0)
    found, empty = without_empty(dict(zip(columns, content.columns, strict=True)), head.rows[0])
    return Table(
        name=path.name,
        columns=found,
        first_row=head.before + 2 + head.passed if has_header else 1,
        delimiter=head.delimiter,
        notes=tuple(f"{path.name}: {note}" for note in (*head.notes, *notes, *empty)),
    )


def _read_quoted(
    path: Path, columns: Sequence[str], delimiter: str, *, skip: int
) -> tuple[pa.Table, list[pa_csv.InvalidRow]]:
    """`_read_cells`, with quotes as text where they protect nothing. Raises: DataError for text that cannot be read"""
    content, ragged, failed = None, [], None
    try:
        content, ragged = _read_cells(path, columns, delimiter, skip=skip)
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        failed = _text_error(path, error)
        if isinstance(error, OSError | EOFError) or "UTF8" in str(error):
            raise failed from None
    if content is not None and not ragged and not _spans_lines(content):
        return content, ragged
    if quotes_are_text(path, delimiter, len(columns)):
        content, ragged = _read_cells(path, columns, delimiter, skip=skip, quoted=False)
        cells = [pa.chunked_array([without_quotes(column)]) for column in content.columns]
        return pa.table(cells, names=columns), ragged
    if failed is not None:
        raise failed
    assert content is not None
    if ragged:
        return content, ragged
    check_quotes(path, content)
    if (lines := swallowed(path, delimiter)) is not None:
        raise DataError(
            f'{path.name} line {lines[0]}: a cell that opens with a quote (") extends to line {lines[1]}; '
            'close the quote, or double it where it is text ("")'
        )
    return content, ragged


def _with_returns_in_cells(path: Path, columns: Sequence[str], delimiter: str, *, skip: int) -> pa.Table | None:
    """The columns where lines end in \\n and cells hold carriage returns, which become blanks; None where that is not so."""
    with text_opened(path) as file:
        content = file.read()
    if re.search(rb"\r(?!\n)", content) is None or b"\n" not in content:
        return None
    mended = pa.BufferReader(re.sub(rb"\r(?!\n)", b" ", content))
    found, ragged = _read_cells(mended, columns, delimiter, skip=skip, quoted=delimiter != "\t" or b'"' not in content)
    return None if ragged else found


def _spans_lines(content: pa.Table) -> bool:
    return any(pc.any(pc.match_substring(column, "\n")).as_py() for column in content.columns)


def _read_cells(
    path: Path | pa.NativeFile, columns: Sequence[str], delimiter: str, *, skip: int, quoted: bool = True
) -> tuple[pa.Table, list[pa_csv.InvalidRow]]:
    """Columns of text, and the rows with another number of fields. skip: lines before the first row of data"""
    ragged: list[pa_csv.InvalidRow] = []

    def note(row: pa_csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    source: Path | pa.NativeFile | BinaryIO = path
    if isinstance(path, Path):
        wide = is_utf16(path)
        if (
            not wide and (place := first_bad_byte(path)) is not None
        ):  # pyarrow prints a traceback for a ragged row that is not UTF-8
            raise pa.ArrowInvalid(f"UTF8 at {place}")
        source = text_opened(path) if wide or is_zipped(path) else path
    if delimiter == BLANKS and isinstance(path, Path):
        with text_opened(path) as file:
            source, delimiter = pa.BufferReader(tabbed(file.read().decode("utf-8-sig")).encode()), "\t"
    content = pa_csv.read_csv(
        source,
        # one thread: only then do ragged rows carry their number
        read_options=pa_csv.ReadOptions(use_threads=False, column_names=list(columns), skip_rows=skip),
        parse_options=pa_csv.ParseOptions(
            delimiter=delimiter,
            quote_char='"' if quoted else False,
            newlines_in_values=quoted,
            invalid_row_handler=note,
            ignore_empty_lines=len(columns) > 1,
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
        ),
    )
    return content, ragged


def _numbered(cells: Sequence[str]) -> list[str]:
    """Names for columns that have none."""
    return [f"c{place}" for place, _ in enumerate(cells, start=1)]


def first_rows(path: Path) -> Head:
    """What a text begins with, cut by the delimiter that cuts its first rows most evenly.

    Raises: DataError for what is no text
    """
    try:
        with text_opened(path) as file:
            head = file.read(SNIFFED_BYTES)
    except (OSError, EOFError) as error:
        raise DataError(f"{path.name} cannot be read: {error}") from None
    if b"\0" in head:
        raise DataError(f"{path.name} holds binary data, not text")
    text = head.decode("utf-8-sig", errors="replace")
    if re.search("\r(?!\n)", text) and "\n" in text:  # in cells, beside other line ends
        text = re.sub("\r(?!\n)", " ", text)
    lines = list(io.StringIO(text, newline=""))  # at line ends alone: cells may hold U+2028 and others of its kind
    whole = lines if len(head) < SNIFFED_BYTES or len(lines) == 1 else lines[:-1]
    if not any(line.strip() for line in whole):
        raise DataError(f"{path.name} is empty")
    return cut_head(whole, TEXT_SUFFIXES[table_suffix(path)])


def _ragged_error(path: Path, ragged: Sequence[pa_csv.InvalidRow], *, broken: int) -> DataError:
    row = ragged[0]  # whose number counts lines; broken: lines by which names are longer than one
    more = f"; {len(ragged) - 1} more rows like it" if len(ragged) > 1 else ""
    place = f"{path.name} row {(row.number or 0) - broken}"
    return DataError(
        f"{place}: {row.actual_columns} fields where {row.expected_columns} were expected{more}; "
        f"fix the row, or quote cells that hold the delimiter"
    )


def _text_error(path: Path, error: Exception) -> DataError:
    position = first_bad_byte(path) if "UTF8" in str(error) else None
    if position is not None:
        return DataError(f"{path.name} is not UTF-8 at byte {position:,}; {if_latin1(path.name)}")
    return DataError(f"{path.name} cannot be read as a table: {str(error).splitlines()[0]}")


def _read_binary(path: Path) -> Table:
    try:
        if table_suffix(path) in (".parquet", ".pq"):
            check_names(pa_parquet.read_schema(path).names, path.name)
            content = pa_parquet.read_table(path)
        else:
            from pyarrow import feather

            content = feather.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path.name} cannot be read ({str(error).splitlines()[0]}); the file is truncated or has the wrong suffix"
        ) from None
    names = [name for name in content.column_names if not name.startswith("__index_level_")]  # pandas' own row labels
    check_names(names, path.name)
    return Table(name=path.name, columns={name: content.column(name) for name in names}, first_row=1)
