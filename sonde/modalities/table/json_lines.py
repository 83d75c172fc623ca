"""JSON lines (NDJSON): one object a line, its keys the columns."""

import codecs
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json as pa_json

from sonde.core.errors import DataError, first_line
from sonde.core.files import parsed_json
from sonde.data.unzipped import content_of, opened
from sonde.modalities.table.chosen import choices_of

HEAD = 1 << 16  # bytes, to recognise a file by
CHATS = "messages"  # the column of chats that stand in a list each


def read_json_lines(path: Path) -> dict[str, pa.ChunkedArray]:
    """The columns of a file, gzipped or not, in the order in which its rows bring them; a key that a row lacks is missing there.

    Raises: DataError naming the line that is no JSON object
    """
    try:
        with opened(path) as file:
            content = pa_json.read_json(file)
        content.validate(full=True)  # text that is not UTF-8
        names = content.column_names
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError):
        return _line_by_line(path)  # slower; says which line is wrong, and reads keys whose values are of several types
    return dict(zip(names, content.columns, strict=True))


def is_json_list(path: Path) -> bool:
    """Whether a file begins as a list of objects does, or of chats, which are lists of such."""
    return re.match(rb"\s*\[\s*(\[\s*)?\{", _head(path)) is not None


def is_json_lines(path: Path) -> bool:
    """Whether a file begins with an object on its first line and another on the next, whatever its name ends in."""
    first, _, rest = _head(path).lstrip().partition(b"\n")
    if not (first.startswith(b"{") and rest.lstrip().startswith(b"{")):
        return False
    try:
        return isinstance(parsed_json(first), dict)
    except ValueError:
        return False


def _head(path: Path) -> bytes:
    """The beginning of a file, nothing of one that cannot be read."""
    try:
        with opened(path) as file:
            return file.read(HEAD).removeprefix(codecs.BOM_UTF8)
    except (OSError, EOFError, DataError):
        return b""


def read_json_list(path: Path) -> dict[str, pa.ChunkedArray]:
    """The columns of a file with one list of objects, as `read_json_lines`; of lists of turns the column `CHATS`.

    Raises: DataError naming what is none
    """
    try:
        rows = parsed_json(content_of(path).removeprefix(codecs.BOM_UTF8))
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 at byte {error.start:,}; save it as UTF-8") from None
    except ValueError as error:
        raise DataError(f"{path.name} is not valid JSON ({first_line(error)}); write it again") from None
    if rows and all(isinstance(row, list) for row in rows):
        rows = [{CHATS: row} for row in rows]
    strange = next((number for number, row in enumerate(rows, start=1) if not isinstance(row, dict)), None)
    if strange is not None:
        raise DataError(f"{path.name} row {strange} is not an object as the others are; fix or remove it")
    rows = choices_of(rows) or rows
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: pa.chunked_array([_column([row.get(name) for row in rows])]) for name in names}


def _line_by_line(path: Path) -> dict[str, pa.ChunkedArray]:
    rows: list[dict[str, Any]] = []
    try:
        with opened(path) as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    rows.append(_object(line, f"{path.name} line {number}"))
    except (OSError, EOFError) as error:
        raise DataError(f"{path.name} cannot be read: {error}") from None
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: pa.chunked_array([_column([row.get(name) for row in rows])]) for name in names}


def _object(line: bytes, place: str) -> dict[str, Any]:
    try:
        found = parsed_json(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{place} is not valid JSON ({error.msg}); each line must be one object") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{place} is not UTF-8 at its byte {error.start:,}; save the file as UTF-8") from None
    if not isinstance(found, dict):
        raise DataError(f'{place} holds {type(found).__name__}, where an object such as {{"text": …}} should be')
    return found


def _column(values: list[Any]) -> pa.Array:
    """Values of one type as they are; those of several become text."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):  # also for whole numbers beyond 64 bits
        return pa.array([value if value is None or isinstance(value, str) else json.dumps(value) for value in values])
