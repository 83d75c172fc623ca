"""What stands at a path, read from disk once however many forms of data ask: names, folders, endings, a look into files."""

import os
from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from sonde.core.errors import DataError
from sonde.core.natural_order import in_natural_order
from sonde.data.splits import SPLIT_NAMES

LONGEST_NAME, LONGEST_PATH = 255, 4096  # of Linux, the least of the usual systems in bytes
SYSTEM = frozenset({"thumbs.db", "desktop.ini", "__macosx"})  # what operating systems leave in folders
RUN = ("config.yaml", "data.json")  # files of Sonde's own run folders, which are never data
T = TypeVar("T")


class Listing:
    """A file, or a folder of files and folders; each is read when it is first needed.

    Hidden entries are left out, and so are Sonde's own run folders, whose pictures would be taken for data.

    Raises: PermissionError when a folder that is requested may not be read; `below` passes over such as `os.walk` does
    """

    def __init__(self, path: Path, seen: dict[Any, Any] | None = None, above: tuple[str, ...] = ()) -> None:
        self.path = path
        self._above = above  # real places of the folders that led here
        self._seen = {} if seen is None else seen  # what was found in files, shared with the folders below

    def __repr__(self) -> str:
        return f"Listing({str(self.path)!r})"

    @property
    def name(self) -> str:
        """The file's or folder's own name."""
        return self.path.name

    @cached_property
    def is_dir(self) -> bool:
        """Whether it is a folder, of which links are some too."""
        return self.path.is_dir()

    @cached_property
    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.path.is_file()

    @cached_property
    def _entries(self) -> tuple[list[str], list[str]]:
        """(names of files, names of folders)."""
        files, folders = [], []
        if self.is_dir:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or entry.name.lower() in SYSTEM:
                        continue
                    if entry.is_dir():
                        a_run = all(os.path.isfile(f"{entry.path}/{name}") for name in RUN)
                        if not a_run and not (entry.is_symlink() and self._leads_back(entry.path)):
                            folders.append(entry.name)
                    elif entry.is_file() or entry.is_symlink():  # a link to nothing is reported by what reads it
                        files.append(entry.name)
                    else:
                        raise DataError(f"{entry.path} is neither a file nor a folder (a pipe or a device); remove it")
        return sorted(files), in_natural_order(folders)

    @property
    def files(self) -> list[Path]:
        """Files directly in the folder, by name."""
        return [self.path / name for name in self._entries[0]]

    @cached_property
    def folders(self) -> "list[Listing]":
        """Folders directly below, in the order a person would list them."""
        above = (*self._above, os.path.realpath(self.path))
        return [Listing(self.path / name, self._seen, above) for name in self._entries[1]]

    def _leads_back(self, link: str) -> bool:
        """Whether a link leads to a folder that led here, whose files would be read again and again."""
        real = os.path.realpath(link)
        return any(
            place == real or place.startswith(real.rstrip("/") + "/")
            for place in (*self._above, os.path.realpath(self.path))
        )

    def folder(self, *names: str) -> "Listing | None":
        """The first folder directly below with one of these names in small letters, whatever its own capitals."""
        known = {folder.name.lower(): folder for folder in self.folders}
        return next((known[name] for name in names if name in known), None)

    def ending(self, *suffixes: str) -> list[Path]:
        """Files directly in the folder whose names end so, in small letters or capitals; the path itself where it is one."""
        files = [self.path] if self.is_file else self.files
        return [file for file in files if file.suffix.lower() in suffixes]

    @cached_property
    def below(self) -> list[str]:
        """Files at any depth, relative to this folder with forward slashes, in the order a person would list them."""
        return in_natural_order(list(self._walk()))

    def below_ending(self, suffixes: Collection[str]) -> list[str]:
        """Those of `below` whose names end so, in small letters or capitals."""
        return [name for name in self.below if os.path.splitext(name)[1].lower() in suffixes]

    @cached_property
    def endings(self) -> frozenset[str]:
        """Endings in small letters of the files at any depth, or of the file itself; "" of names without one."""
        names = [self.name] if self.is_file else self._walk()
        return frozenset(os.path.splitext(name)[1].lower() for name in names)

    @cached_property
    def folder_names(self) -> frozenset[str]:
        """Names in small letters of the folders at any depth that hold files."""
        return frozenset(part.lower() for name in self._walk() for part in name.split("/")[:-1])

    def _walk(self, before: str = "") -> Iterator[str]:
        try:
            files, _ = self._entries
        except OSError:
            if not before:
                raise
            return
        yield from (before + name for name in files)
        for folder in self.folders:
            yield from folder._walk(f"{before}{folder.name}/")

    def once(self, look: Callable[..., T], file: Path, *more: Any) -> T:
        """What `look` finds in a file, which is not opened again for the next caller, also where it is damaged.

        Raises: what `look` raises, each time
        """
        key = look, file, more
        if key not in self._seen:
            try:
                self._seen[key] = look(file, *more)
            except DataError as error:
                self._seen[key] = error
        if isinstance(found := self._seen[key], DataError):
            raise found.with_traceback(None)
        return found


def can_be_a_path(text: str) -> bool:
    """Whether a text could name a file: systems refuse longer names, and some characters, with an error.

    >>> can_be_a_path("a/b.csv"), can_be_a_path("a" * 300), can_be_a_path("a\\0b")
    (True, False, False)
    """
    if "\0" in text or len(text) > LONGEST_PATH:
        return False
    try:
        return max((len(os.fsencode(part)) for part in text.split("/")), default=0) <= LONGEST_NAME
    except UnicodeEncodeError:  # half of a pair of surrogates
        return False


def is_file_named(path: Path) -> bool:
    """Whether there is a file of a name that was read in other data, which may be no name at all."""
    return can_be_a_path(str(path)) and path.is_file()


def head_and_tail(file: Path, size: int) -> tuple[bytes, bytes]:
    """The first and the last bytes of a file, for `Listing.once`: they often identify its format."""
    with file.open("rb") as opened:
        head = opened.read(size)
        opened.seek(max(0, file.stat().st_size - size))
        return head, opened.read(size)


def split_folders(listing: Listing) -> dict[str, Listing]:
    """Split -> the folder named for it. Raises: DataError when two folders mean one split."""
    found: dict[str, Listing] = {}
    for folder in listing.folders:
        split = SPLIT_NAMES.get(folder.name.lower())
        if split is None:
            continue
        if split in found:
            raise DataError(
                f"{listing.path}: folders {found[split].name} and {folder.name} both hold the {split} split; keep one"
            )
        found[split] = folder
    return found
