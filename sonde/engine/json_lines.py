"""Lines of JSON that grow with the run and can be cut back to where a checkpoint was taken."""

import json
import os
from pathlib import Path
from typing import Any

from sonde.core.files import plain
from sonde.core.log_lines import parsed_line


class JsonLinesLog:
    """An append-only file of JSON lines. Each line reaches the operating system at once, so a kill tears at most the last."""

    def __init__(self, path: Path, *, keep_bytes: int = 0) -> None:
        """Open `path`, cut back to its first `keep_bytes`: what a resumed run will write again, or a torn last line."""
        self.path = path
        self._file = path.open("ab")
        self._file.truncate(min(keep_bytes, self._file.tell()))
        self._file.seek(0, os.SEEK_END)

    def write(self, entry: dict[str, Any]) -> None:
        """Append one object."""
        self._file.write(json.dumps(plain(entry), ensure_ascii=False, allow_nan=False).encode() + b"\n")
        self._file.flush()

    def position(self) -> int:
        """Bytes written so far: what `keep_bytes` takes on resume."""
        return self._file.tell()

    @property
    def closed(self) -> bool:
        """Whether nothing can be written any more."""
        return self._file.closed

    def close(self) -> None:
        """Flush to the disk and close; closing again does nothing."""
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()


def read_lines(path: Path) -> list[dict[str, Any]]:
    """All whole lines of a log; a torn last one and damaged ones are left out, an absent file is empty."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    return [entry for line in lines[:-1] if line.strip() and (entry := parsed_line(line)) is not None]
