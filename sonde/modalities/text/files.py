"""Text files as Python text."""

from pathlib import Path

from sonde.core.errors import DataError
from sonde.data.unzipped import content_of


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, gzipped or not, without a byte order mark; line ends become \\n.

    Raises: DataError naming the file, and the line and byte where it is not UTF-8
    """
    content = content_of(path)
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{path} is UTF-16; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} is not UTF-8 in line {line:,} (byte {error.start:,}); if it is Latin-1, convert it: "
            f"iconv -f latin1 -t utf-8 {path.name} > utf8-{path.name}"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
