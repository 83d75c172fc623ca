"""Files that may be gzipped, read whole: a stream that is damaged, or unpacks to more than memory holds, is refused in a line."""

import codecs
import gzip
import io
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from sonde.core.damaged import DAMAGE
from sonde.core.errors import DataError, first_line
from sonde.core.memory import free_bytes
from sonde.core.units import size

SHARE = 0.5  # of the free memory that what a file unpacks to may take: it is decoded and cut up besides
PIECE = 1 << 20
MAGIC = b"\x1f\x8b"
TORN = (EOFError, zlib.error, gzip.BadGzipFile)


BAD_CONTENT = (
    OSError, EOFError, NotImplementedError, zlib.error, struct.error, zipfile.BadZipFile, SyntaxError, tokenize.TokenError,
    *DAMAGE,
)  # fmt: skip
"""What readers of other packages raise for content that is not as it should be."""


class Unpacked(io.RawIOBase):
    """A gzip file as it unpacks, up to what memory holds."""

    def __init__(self, path: Path) -> None:
        """Raises: OSError"""
        self.path = path
        self._file = gzip.GzipFile(path, "rb")
        self._left = int(free_bytes() * SHARE)

    def readable(self) -> bool:
        """Nothing else can be done with it."""
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        """Raises: DataError for a stream that is damaged or has no end"""
        try:
            found = self._file.readinto(buffer)
        except TORN as error:
            raise DataError(
                f"{self.path} cannot be unpacked ({first_line(error)}); copy or download it again"
            ) from None
        self._left -= found
        if self._left < 0:
            raise DataError(
                f"{self.path} unpacks to more than memory has room for ({size(int(free_bytes() * SHARE))}); use a part "
                "of it, or write it as Parquet"
            )
        return found

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()


def is_zipped(path: Path) -> bool:
    """Whether a name says that a file is gzipped."""
    return path.suffix.lower() == ".gz"


def begins_zipped(path: Path) -> bool:
    """Whether a file begins as gzip does, whatever its name; False for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def opened(path: Path, *, zipped: bool | None = None) -> BinaryIO:
    """A file's content as a stream, unpacked where it is gzipped; reading raises DataError where it is damaged.

    zipped: whether it is; None goes by its name
    Raises: OSError
    """
    zipped = is_zipped(path) if zipped is None else zipped
    return cast(BinaryIO, io.BufferedReader(Unpacked(path), PIECE)) if zipped else path.open("rb")


def content_of(path: Path, *, zipped: bool | None = None) -> bytes:
    """All of a file, unpacked where it is gzipped (`opened`). Raises: DataError"""
    try:
        with opened(path, zipped=zipped) as file:
            return file.read()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from None


def if_latin1(name: str) -> str:
    """What to do with a text that is not UTF-8, after which it stands in its place as such."""
    return f"if it is Latin-1, convert it: iconv -f latin1 -t utf-8 {name} > utf8-{name} && mv utf8-{name} {name}"


def text_of(path: Path) -> str:
    """All of a text in UTF-8, unpacked where it is gzipped. Raises: DataError naming the line that is not"""
    content = content_of(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} is not UTF-8 in line {line:,} (byte {error.start:,}); {if_latin1(path.name)}"
        ) from None


def first_bad_byte(path: Path) -> int | None:
    """Where a text, unpacked, is not UTF-8. Raises: DataError, OSError"""
    decoder, before = codecs.getincrementaldecoder("utf-8")(), 0
    with opened(path) as file:
        for piece in iter(lambda: file.read(PIECE), b""):
            held = len(decoder.getstate()[0])  # of a letter that the piece before ended in
            try:
                decoder.decode(piece)
            except UnicodeDecodeError as error:
                return before - held + error.start
            before += len(piece)
    return before - len(decoder.getstate()[0]) if decoder.getstate()[0] else None
