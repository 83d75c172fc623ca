"""Files that are whole or absent: written beside their place, flushed, and renamed into it."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from sonde.core.given_object import GivenObject


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` in one step: a reader sees the old bytes or the new ones, never a mixture.

    Raises: OSError (a full disk leaves the old file as it was)
    """
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)  # to be read it must be set
        os.umask(umask)
        os.chmod(part, 0o666 & ~umask)
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def write_text(path: Path, content: str) -> None:
    """`write_bytes` for UTF-8 text."""
    write_bytes(path, content.encode())


def write_json(path: Path, content: Any) -> None:
    """`write_text` of indented JSON; NaN and infinities become null, which JSON has no other word for."""
    write_text(path, json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def plain(value: Any) -> Any:
    """`value` in JSON's own types: tuples as lists, paths and objects as text, non-finite numbers as None.

    >>> plain({"a": (1, float("nan")), 2: Path("x")})
    {'a': [1, None], '2': 'x'}
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return str(value) if isinstance(value, Path | GivenObject) else value


def read_json(path: Path) -> Any:
    """Parsed JSON. Raises: FileNotFoundError, ValueError (json.JSONDecodeError and UnicodeDecodeError are such)"""
    return parsed_json(path.read_bytes())


def parsed_json(content: bytes | str) -> Any:
    """JSON in UTF-8. Raises: ValueError, also for what holds a number with thousands of digits; json.JSONDecodeError for what is
    nested too deep
    """
    try:
        return json.loads(content.decode("utf-8") if isinstance(content, bytes) else content)
    except RecursionError:
        raise json.JSONDecodeError("it is nested too deeply", "", 0) from None


def sync_folder(path: Path) -> None:
    """Make a rename inside `path` survive a power cut (no-op where folders cannot be opened)."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
