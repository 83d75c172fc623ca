"""Manifests: a table or JSON lines that name recordings, each with its transcript or label."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any

from sonde.core.errors import DataError, nearest
from sonde.core.files import parsed_json
from sonde.modalities.audio.files import is_sound

JSON = (".jsonl", ".json")
SUFFIXES = (".csv", ".tsv", *JSON)
NAMES_SOUND = re.compile(r'"[^"]+"\s*:\s*"[^"]*\.(wav|flac|ogg|mp3)"', re.IGNORECASE)  # a pair of an object in JSON
MARKS = ("\t", ",", ";", "|")  # between columns
FILES = ("file", "path", "audio", "audio_filepath", "audio_path", "filename", "file_name", "wav", "recording")
TRANSCRIPTS = ("transcript", "transcription", "text", "sentence", "words", "normalized_text")
LABELS = ("label", "class", "category", "target")
CUTS = (("offset", "duration"), ("start", "end"), ("start_time", "end_time"), ("begin", "end"))
"""Columns that say in seconds which part of a file a row is: NeMo's offset and duration, or begin and end."""
CUT_ALREADY = (
    "slice",
    "segment",
)  # in the name of the column of files: each is the part that times of another file tell
SPLITS = ("split", "subset", "set")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Lines of one file. rows: column -> text;  lines: (n,) where each stands, counted from 1"""

    path: Path
    rows: Sequence[Mapping[str, str]]
    lines: Sequence[int]

    @property
    def columns(self) -> list[str]:
        """Names of all columns."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def place(self, row: int) -> str:
        """ "train.csv line 7"."""
        return f"{self.path.name} line {self.lines[row]}"

    def file_column(self) -> str:
        """The column whose cells name recordings. Raises: DataError where there is none."""
        named = next((name for name in FILES for column in self.columns if column.lower() == name), None)
        columns = sorted(self.columns, key=lambda column: column.lower() != named)
        found = next((c for c in columns if any(is_sound(row.get(c, "")) for row in self.rows)), None)
        if found is None:
            raise DataError(f"{self.path} names no recordings in any column; give their paths in one called file")
        return found

    @cached_property
    def file_name(self) -> str:
        """`file_column`, found once."""
        return self.file_column()

    def truth_column(self, requested: Sequence[str], *, spoken: bool | None) -> tuple[str, bool]:
        """(the column to predict, whether it holds transcripts).

        requested:  --target;  spoken: what the task wants, None for either
        Raises: DataError for a column that is not there, and where none is known by its name
        """
        if len(requested) > 1:
            raise DataError(f"{self.path}: a recording has one transcript or label; give --target one column")
        if requested:
            if requested[0] not in self.columns:
                near = nearest(requested[0], self.columns, count=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(self.columns)}"
                raise DataError(f"{self.path} has no column {requested[0]!r}; {hint}")
            return requested[0], requested[0].lower() in TRANSCRIPTS if spoken is None else spoken
        wanted = {None: (TRANSCRIPTS, LABELS), True: (TRANSCRIPTS, LABELS), False: (LABELS, TRANSCRIPTS)}[spoken]
        for names in wanted:
            found = next((c for name in names for c in self.columns if c.lower() == name), None)
            if found is not None:
                return found, names is TRANSCRIPTS if spoken is None else spoken
        raise DataError(
            f"{self.path} has columns {', '.join(self.columns)}, and none is called transcript or label; say which is to be "
            "predicted with --target"
        )

    def part(self, row: int) -> tuple[float, float]:
        """(begin, end) in seconds of what row `row` means of its file, 0 and 0 for all of it. Raises: DataError"""
        lower = {column.lower(): column for column in self.columns}
        names = next(((lower[a], lower[b]) for a, b in CUTS if a in lower and b in lower), None)
        if names is None or any(word in self.file_name.lower() for word in CUT_ALREADY):
            return 0.0, 0.0
        cells = [self.rows[row].get(name, "").strip() for name in names]
        if not all(cells):
            return 0.0, 0.0
        first, second = (_seconds(cell) for cell in cells)
        end = second if first is None or second is None or names[0].lower() != "offset" else first + second
        if first is None or end is None or first < 0 or end <= first:
            raise DataError(
                f"{self.place(row)}: {names[0]} {cells[0]!r} and {names[1]} {cells[1]!r} are not the begin and end of "
                "a part in seconds; fix them, or empty both to read all of it"
            )
        return first, end


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def names_recordings(path: Path) -> bool:
    """Whether a file is a manifest: its first row names a sound file."""
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        return False
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = [file.readline(1 << 16) for _ in range(2)]
            if path.suffix.lower() == ".json":
                text = "".join(head) + file.read(1 << 12)
                return text.lstrip()[:1] in ("{", "[") and NAMES_SOUND.search(text[: 1 << 12]) is not None
    except (UnicodeDecodeError, OSError):
        return False
    line = head[0] if path.suffix.lower() == ".jsonl" else head[1]
    return any(ending in line.lower() for ending in (".wav", ".flac", ".ogg", ".mp3"))


def read_manifest(path: Path) -> Manifest:
    """All lines. Raises: DataError for text that is not UTF-8, a line of another width, and one that is not a JSON object."""
    try:
        text = path.read_bytes().decode("utf-8-sig")  # line ends as they stand: a cell may hold a lone carriage return
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start:,}); save it as such") from None
    found = _json_rows(path, text) if path.suffix.lower() in JSON else _table_rows(path, text)
    if not found:
        raise DataError(f"{path} holds no rows; add rows or remove it")
    return Manifest(path=path, rows=[row for _, row in found], lines=[line for line, _ in found])


def _json_rows(path: Path, text: str) -> list[tuple[int, dict[str, str]]]:
    found = []
    if path.suffix.lower() == ".json" and text.lstrip().startswith("["):  # one list, in which lines do not count
        return _listed_rows(path, text)
    for number, line in enumerate(text.split("\n"), start=1):  # and at nothing else: JSON may hold U+2028 as it is
        if not line.strip():
            continue
        try:
            row = parsed_json(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path} line {number} is not valid JSON ({error.msg}); fix or remove it") from None
        if not isinstance(row, dict):
            raise DataError(
                f'{path} line {number} is not a JSON object; write it like {{"file": "a.wav", "transcript": "one"}}'
            )
        found.append((number, _as_text(row)))
    return found


def _listed_rows(path: Path, text: str) -> list[tuple[int, dict[str, str]]]:
    """Rows of one list of objects, with their places in it. Raises: DataError"""
    try:
        rows = parsed_json(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not valid JSON (line {error.lineno}: {error.msg}); write it again") from None
    strange = next((number for number, row in enumerate(rows, start=1) if not isinstance(row, dict)), None)
    if strange is not None:
        raise DataError(f"{path} row {strange} is not a JSON object as the others are; fix or remove it")
    return [(number, _as_text(row)) for number, row in enumerate(rows, start=1)]


def _as_text(row: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): "" if cell is None else str(cell) for name, cell in row.items()}


def _table_rows(path: Path, text: str) -> list[tuple[int, dict[str, str]]]:
    head = text.split("\n", 1)[0]
    mark = max(MARKS, key=head.count)
    quoting = csv.QUOTE_NONE if mark == "\t" else csv.QUOTE_MINIMAL  # transcripts in TSV files hold bare quotes
    text = text.replace("\r\n", "\n")
    text = text.replace("\r", " " if "\n" in text else "\n")  # lone ones stand in cells where lines end otherwise
    lines = text.split("\n") if mark == "\t" else io.StringIO(text)
    reader = csv.reader(lines, delimiter=mark, quoting=quoting)
    header = [name.strip() for name in next(reader, [])]
    found = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise DataError(
                f"{path} line {reader.line_num} has {len(cells)} columns, and the header {len(header)}; fix or remove it"
            )
        found.append((reader.line_num, dict(zip(header, cells, strict=True))))
    return found
