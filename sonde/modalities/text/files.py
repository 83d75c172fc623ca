"""Text files as Python text."""

import re
from pathlib import Path

from sonde.core.errors import DataError
from sonde.core.natural_order import natural
from sonde.data.listing import Listing
from sonde.data.unzipped import content_of, if_latin1

SHORT = 1 << 12  # bytes of a file that may be looked through for anything but blanks
ABOUT = re.compile(r"_?(about|readme|licen[cs]e|copying|notice|citation|changelog)\b.*", re.IGNORECASE)


def text_files(listing: Listing) -> list[Path]:
    """The .txt files of a folder by name, without those that only say something about the others."""
    files = sorted(listing.ending(".txt"), key=lambda file: natural(file.name))
    return [file for file in files if not ABOUT.fullmatch(file.stem)]


def has_text(file: Path) -> bool:
    """Whether there is something in a file besides blanks, as far as a short one shows."""
    size = file.stat().st_size
    return size > SHORT or bool(file.read_bytes().removeprefix(b"\xef\xbb\xbf").strip())


def lone_text(listing: Listing) -> Path | None:
    """The only text of a folder without folders, None where there are others, or the place is a file."""
    files = text_files(listing) if listing.is_dir and not listing.folders else []
    return files[0] if len(files) == 1 else None


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, gzipped or not, without a byte order mark; line ends become \\n.

    Raises: DataError naming the file, and the line and byte where it is not UTF-8, or the line with a NUL character
    """
    content = content_of(path)
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise utf16(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} is not UTF-8 in line {line:,} (byte {error.start:,}); {if_latin1(path.name)}"
        ) from None
    check_no_nul(text, path)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def utf16(path: Path) -> DataError:
    """The error for a file in another encoding, which its first bytes say."""
    return DataError(
        f"{path} is UTF-16; save it as UTF-8, or convert it: iconv -f utf-16 -t utf-8 {path.name} > utf8-{path.name} && "
        f"mv utf8-{path.name} {path.name}"
    )


def check_no_nul(text: str, path: Path, before: int = 0) -> None:
    """Raises: DataError for a character that no text has, and that files of other encodings are full of.

    before: lines before this piece of the file
    """
    if (place := text.find("\0")) >= 0:
        line = before + text.count("\n", 0, place) + 1
        raise DataError(
            f"{path} line {line:,} holds a NUL character: it is not text, or is in another encoding, or is damaged; "
            f"remove them with tr -d '\\000' < {path.name} > clean-{path.name}"
        )
