"""Quotes in tables of text: those that protect a cell, those that are text, and those that are never closed."""

# pyright: reportAttributeAccessIssue=false
# pyarrow.compute makes its functions when it is imported, where pyright cannot see them

import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sonde.core.errors import DataError
from sonde.modalities.table.encoding import text_opened


def quotes_are_text(path: Path, delimiter: str, width: int) -> bool:
    """Whether quotes protect nothing, because every line has `width` fields without them.

    Where a comma parts fields, which text may hold as well, some cell must also break the rules of quoting.
    """
    if width < 2:
        return False
    with text_opened(path) as file:
        if any(line.count(delimiter.encode()) != width - 1 for line in file if line.strip(b"\r\n")):
            return False
    return delimiter == "\t" or swallowed(path, delimiter) is not None


def swallowed(path: Path, delimiter: str) -> tuple[int, int] | None:
    """(first, last) line of the first row that a quote stretches over lines until another quote inside of a text."""
    with text_opened(path) as file:
        lines = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
        before = 0
        while True:
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            first = 0
            try:
                for _ in reader:
                    first = reader.line_num
                return None
            except csv.Error as error:
                if "expected after" in str(error) and reader.line_num > first + 1:
                    return before + first + 1, before + reader.line_num
                if "expected after" not in str(error):
                    return None  # a cell too long for this check, or a last one left open, which has its own
                before += reader.line_num


def without_quotes(column: pa.ChunkedArray) -> pa.Array:
    """Cells that one pair of quotes surrounds without it; of cells with other quotes, all."""
    flat = column.combine_chunks()
    flat = flat.combine_chunks() if isinstance(flat, pa.ChunkedArray) else flat
    surrounded = pc.match_substring_regex(flat, r'^"([^"]|"")*"$')
    inner = pc.replace_substring(pc.utf8_slice_codeunits(flat, 1, -1), '""', '"')
    return pc.if_else(surrounded, inner, flat)


def check_quotes(path: Path, content: pa.Table) -> None:
    """A quote that is never closed makes the rest of the file one cell, which is no error to a parser. Raises: DataError"""
    if len(content) == 0 or not any("\n" in str(content.column(i)[-1].as_py()) for i in range(content.num_columns)):
        return
    with text_opened(path) as file:
        quotes = sum(chunk.count(b'"') for chunk in iter(lambda: file.read(1 << 20), b""))
    if quotes % 2:
        raise DataError(f'{path.name}: the last row spans several lines; an opening quote (") is never closed')
