"""What is not read where it stands, such as archives and workbooks: unpacked into Sonde's cache once, and read from there."""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

from sonde.core.cache import cache_folder
from sonde.core.catalogue import load
from sonde.core.dataset import Fact
from sonde.core.errors import DataError
from sonde.core.marks import shell_quoted
from sonde.core.progress import Tick, silent
from sonde.core.units import count
from sonde.data.archives import ARCHIVES, COMPRESSED
from sonde.data.listing import SYSTEM, can_be_a_path
from sonde.data.splits import SPLIT_NAMES
from sonde.data.targets import first_few
from sonde.modalities.table.modality import FILES as TABLES

Notes = list[tuple[str, str]]
"""(entry of the folder that it is about, or "", what was guessed), for warnings."""
Unpack = Callable[[Path, Path, Tick], Notes]
"""(file, empty folder, tick) -> notes; raises DataError."""

WAYS = {
    **dict.fromkeys(ARCHIVES, "sonde.data.archives:unpack"),
    **dict.fromkeys(COMPRESSED, "sonde.data.archives:decompress"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xls"), "sonde.modalities.table.sheets:unpack"),
    **dict.fromkeys((".orc", ".dta"), "sonde.modalities.table.other_tables:unpack"),
}
DEEPEST = 3  # of a packed file in a packed file
PART = "#"  # before the sheet of a workbook or the member of an archive: book.xlsx#Sheet1
LISTED = 8
_ABOUT = re.compile(r"(_about|readme|licen[cs]e|index|citation|changes)\b.*|.*\.(md|names|pdf|html?)", re.IGNORECASE)
NOTES = "notes.json"  # beside what was unpacked


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A packed file and what is read in its place.

    source: the file as it was named, its part too;  path: in the cache
    """

    source: str
    path: Path
    warnings: tuple[str, ...] = ()

    @property
    def fact(self) -> Fact:
        """That it was unpacked, and where to."""
        number = 1 if self.path.is_file() else sum(len(files) for _, _, files in os.walk(self.path))
        name = self.source.rpartition("/")[2]
        return Fact(f"{name} unpacked to {self.path}", f"{count(number)} file{'s' * (number > 1)} in Sonde's cache")


def split(text: str | Path) -> tuple[Path, str] | None:
    """(packed file, its part or "") that a text names; None where it names something else, or nothing."""
    words = str(text)
    if not can_be_a_path(words):
        return None
    places = [len(words), *(place for place, letter in enumerate(words) if letter == PART)]
    for place in places:
        path = Path(words[:place]).expanduser()
        if way(path.name) and path.is_file():
            return path.absolute(), words[place + 1 :]
    return None


def way(name: str) -> str:
    """The function that unpacks a file of a name, "" where it is read as it is.

    >>> way("a.tar.gz"), way("a.csv.gz")
    ('sonde.data.archives:unpack', '')
    """
    return next((WAYS[ending] for ending in sorted(WAYS, key=len, reverse=True) if name.lower().endswith(ending)), "")


def opened(text: str | Path, tick: Tick = silent) -> Opened | None:
    """What is read in the place of a packed file; None for all else.

    Raises: DataError for one that cannot be unpacked, and for a part that it does not have
    """
    named = split(text)
    if named is None:
        return None
    path, part = named
    warnings: list[str] = []
    found, wanted = path, part
    for _ in range(DEEPEST):
        if not (found.is_file() and way(found.name)):
            return Opened(source=str(path) + (PART + part if part else ""), path=found, warnings=tuple(warnings))
        content, notes = _unpacked(found, tick)
        found, wanted = _chosen(content, found, wanted), ""
        about = found.relative_to(content).parts[:1]
        warnings += [note for entry, note in notes if not entry or not about or entry == about[0]]
    raise DataError(f"{path} holds a packed file in a packed file; unpack it first")


def _unpacked(path: Path, tick: Tick) -> tuple[Path, Notes]:
    """The folder that a file was unpacked to, now or before, and what is to be said of it."""
    about = path.stat()
    key = sha256(f"{path.resolve()}\0{about.st_size}\0{about.st_mtime_ns}".encode("utf-8", "surrogateescape"))
    stem = path.name.split(".")[0][:40] or "file"
    folder = cache_folder() / "opened" / f"{stem}-{key.hexdigest()[:16]}"
    if not folder.is_dir():
        _make(path, folder, stem, tick)
    return folder / stem, json.loads((folder / NOTES).read_text(encoding="utf-8"))


def _make(path: Path, folder: Path, stem: str, tick: Tick) -> None:
    """Unpack a file into a folder, which is there whole or not at all. Raises: DataError"""
    unpack: Unpack = load(way(path.name))
    part: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(mkdtemp(dir=folder.parent, prefix=".part-"))
        (part / stem).mkdir()
        notes = unpack(path, part / stem, tick)
        (part / NOTES).write_text(json.dumps(notes, ensure_ascii=False), encoding="utf-8")
        if not folder.is_dir():  # which another process may have made meanwhile
            part.rename(folder)
    except OSError as error:
        if folder.is_dir():
            return
        raise DataError(
            f"{path} cannot be unpacked to {folder.parent} ({error.strerror or error}); set SONDE_CACHE to another folder"
        ) from None
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def _chosen(content: Path, path: Path, part: str) -> Path:
    """The part of what was unpacked that is meant: the one that is named, a single file, or all of it.

    Raises: DataError for a part that is not there, and for several sheets or tables of which one must be named
    """
    there = sorted(entry for entry in content.iterdir() if entry.name.lower() not in SYSTEM)
    if part:
        return _named(content, there, path, part)
    data = [entry for entry in there if not _ABOUT.fullmatch(entry.name)] or there
    tables = [entry for entry in data if entry.suffix.lower() in TABLES]
    if len(data) == 1:
        return data[0] if data[0].is_file() else _chosen(data[0], path, "")
    sheets = way(path.name) == WAYS[".xlsx"]
    if (
        len(tables) == len(data)
        and not any(entry.name.split(".")[0].lower() in SPLIT_NAMES for entry in data)
        or (sheets and not tables)
    ):
        what = f"has rows in {len(data)} sheets" if sheets else f"holds {len(data)} tables"
        first = shell_quoted(f"{path.name}{PART}{data[0].name}")
        raise DataError(
            f"{path} {what} ({first_few([entry.name for entry in data], LISTED)}); name one, such as {first}"
        )
    return content


def _named(content: Path, there: list[Path], path: Path, part: str) -> Path:
    """The sheet or member of a name. Raises: DataError where there is none"""
    member = content / part
    inside = ".." not in Path(part).parts and not Path(part).is_absolute() and can_be_a_path(part)
    found = member if inside and member.exists() else next((entry for entry in there if entry.stem == part), None)
    if found is None:
        raise DataError(f"{path} has no {part!r}; it has {first_few([entry.name for entry in there], LISTED)}")
    return found if found.is_file() else _chosen(found, path, "")
