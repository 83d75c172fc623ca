"""Archives and compressed files, unpacked into a folder: nothing outside of it, no links, no more than the disk holds."""

import bz2
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sonde.core.errors import DataError, first_line
from sonde.core.progress import Tick
from sonde.core.units import size
from sonde.data.listing import SYSTEM
from sonde.data.unread import way_to_read
from sonde.data.unzipped import BAD_CONTENT

ARCHIVES = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
COMPRESSED = (".bz2", ".xz", ".zst")  # of one file; those in gzip are read as they are
SHARE = 0.9  # of the free disk that what is unpacked may take
PIECE = 1 << 20
LONGEST_READ = 1 << 26  # bytes at a time; a header that asks for more lies
EACH_TICK = 200
BAD = (*BAD_CONTENT, tarfile.TarError, lzma.LZMAError, RuntimeError)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file in an archive. write: (where to, most bytes) -> bytes that were written"""

    name: str
    size: int
    write: Callable[[Path, int], int]


class _Bounded:
    """A stream that refuses to read more than `LONGEST_READ` bytes at a time, as a header that lies has a reader do."""

    def __init__(self, file: Any) -> None:
        self.file, self.seek, self.tell = file, file.seek, file.tell

    def read(self, number: int = -1) -> bytes:
        """Raises: ValueError"""
        if not 0 <= number <= LONGEST_READ:
            raise ValueError(f"a header asks for {number:,} bytes")
        return self.file.read(number)


def unpack(path: Path, folder: Path, tick: Tick) -> list[tuple[str, str]]:
    """Unpack an archive into an empty folder. Nothing is said of it: [].

    Raises: DataError for what is damaged, encrypted, leads out of the folder, is a link, or has no room on the disk
    """
    room, written, there = int(shutil.disk_usage(folder).free * SHARE), 0, set[str]()
    with _told(path):
        for number, member in enumerate(_members(path, room)):
            if number % EACH_TICK == 0:
                tick(f"unpacking {path.name}", number, 0)
            target = folder / _safe(member.name, path)
            if str(target) in there:
                raise ValueError(f"it holds {member.name!r} twice")
            there.add(str(target))
            if member.size > room - written:
                raise _no_room(path, room)
            target.parent.mkdir(parents=True, exist_ok=True)
            written += member.write(target, room - written)
        if not there:
            raise ValueError("it holds no files")
    return []


def decompress(path: Path, folder: Path, tick: Tick) -> list[tuple[str, str]]:
    """Unpack one compressed file into a folder, under its name without the last ending. Raises: DataError"""
    tick(f"unpacking {path.name}", 0, 0)
    room = int(shutil.disk_usage(folder).free * SHARE)
    with _told(path), _stream(path) as file:
        _copy(file, folder / path.stem, room, path)
    return []


def is_archive(name: str) -> bool:
    """Whether a name is that of an archive that `unpack` reads.

    >>> is_archive("a.tar.gz"), is_archive("A.ZIP"), is_archive("a.csv.gz")
    (True, True, False)
    """
    return name.lower().endswith(ARCHIVES)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Raise what the content of an archive leads to as one line with the way on."""
    try:
        yield
    except DataError:
        raise
    except BAD as error:
        raise DataError(f"{path} cannot be unpacked ({first_line(error)}); {way_to_read(path)}") from None


def _no_room(path: Path, room: int) -> DataError:
    return DataError(
        f"{path} unpacks to more than the disk has room for ({size(room)}); free some space, set SONDE_CACHE to a "
        "folder on another disk, or use a part of it"
    )


def _safe(name: str, path: Path) -> Path:
    """A member's path below the folder. Raises: ValueError for one that leads out of it"""
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
        raise ValueError(f"it holds {name[:60]!r}, which points outside its folder")
    return Path(*[part for part in parts if part not in ("", ".")])


def _members(path: Path, room: int) -> Iterator[Member]:
    """Files of an archive in its order, but those that operating systems leave. Raises: ValueError, and what readers raise"""
    zipped = path.suffix.lower() == ".zip" or zipfile.is_zipfile(path)
    found = _of_zip(path, room) if zipped else _of_tar(path)
    for member in found:
        parts = member.name.replace("\\", "/").lower().split("/")
        if SYSTEM.isdisjoint(parts) and not parts[-1].startswith("."):
            yield member


def _of_zip(path: Path, room: int) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if sum(member.file_size for member in members) > room:
            raise _no_room(path, room)
        for member in members:
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                raise ValueError(f"{member.filename[:60]!r} in it is a link or a device")
            if member.flag_bits & 1:
                raise ValueError("it is encrypted")

            def write(target: Path, most: int, member: zipfile.ZipInfo = member) -> int:
                with archive.open(member) as file:
                    return _copy(file, target, most, path)

            yield Member(name=member.filename, size=member.file_size, write=write)


def _of_tar(path: Path) -> Iterator[Member]:
    with _stream(path) as file, tarfile.open(fileobj=_Bounded(file), mode="r:") as archive:  # type: ignore[arg-type]
        for member in archive:
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                raise ValueError(f"{member.name[:60]!r} in it is a link, a device or a sparse file")

            def write(target: Path, most: int, member: tarfile.TarInfo = member) -> int:
                content = archive.extractfile(member)
                assert content is not None
                return _copy(content, target, most, path)

            yield Member(name=member.name, size=member.size, write=write)
        _read_out(file)


def _read_out(file: IO[bytes]) -> None:
    """Read what follows the last member, behind which checksums of the whole stand. Raises: ValueError, and what readers raise"""
    for _ in range(LONGEST_READ // PIECE):
        if not file.read(PIECE):
            return
    raise ValueError(f"more than {size(LONGEST_READ)} follow its last member")


@contextmanager
def _stream(path: Path) -> Iterator[IO[bytes]]:
    """A file as it unpacks, by what it begins with."""
    with path.open("rb") as file:
        head = file.read(6)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        import pyarrow as pa

        with pa.CompressedInputStream(str(path), "zstd") as stream:
            yield stream  # type: ignore[misc]
        return
    openers: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
    opener = next((opener for magic, opener in openers.items() if head.startswith(magic)), None)
    if opener is None and path.suffix.lower() in COMPRESSED:
        raise ValueError(f"it does not begin as {path.suffix} files do")
    with path.open("rb") if opener is None else opener(path) as stream:
        yield stream


def _copy(file: IO[bytes], target: Path, most: int, path: Path) -> int:
    """Write what is left of a stream, up to `most` bytes. Raises: DataError for a stream that goes on"""
    written = 0
    with target.open("xb") as out:
        while piece := file.read(PIECE):
            written += len(piece)
            if written > most:
                raise _no_room(path, most)
            out.write(piece)
    return written
