"""Tables of text as UTF-8, whatever Excel wrote: "Unicode text" is UTF-16 with a mark at its beginning."""

import io
from pathlib import Path
from typing import BinaryIO

from sonde.core.errors import DataError
from sonde.data.unzipped import opened

MARKS = (b"\xff\xfe", b"\xfe\xff")


def is_utf16(path: Path) -> bool:
    """Whether a text, unpacked, begins with the mark of UTF-16. Raises: DataError, OSError"""
    with opened(path) as file:
        return file.read(2) in MARKS


def text_opened(path: Path) -> BinaryIO:
    """The content of a text in UTF-8, unpacked. Raises: DataError for UTF-16 that is damaged; OSError"""
    if not is_utf16(path):
        return opened(path)
    with opened(path) as file:
        content = file.read()
    try:
        return io.BytesIO(content.decode("utf-16").encode())
    except UnicodeError as error:
        raise DataError(
            f"{path.name} begins as UTF-16 and cannot be read as such ({error}); save it as UTF-8"
        ) from None
