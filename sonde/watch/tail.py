"""A log that grows, of which only what was appended is read."""

import os
from pathlib import Path
from typing import Any, BinaryIO

from sonde.core.log_lines import parsed_line

KNOWN_BYTES = 64


class Tail:
    """The whole lines of a file of JSON lines, as far as it was read.

    entries: the objects in them; damaged lines are left out, and a last line without its end waits for it
    damaged: how many lines were left out
    A log that was cut back (a run resumes from an earlier checkpoint) or begun anew is read from its start.
    """

    def __init__(self, path: Path, *, known_bytes: int = KNOWN_BYTES) -> None:
        """known_bytes: before the place that was reached, by which the log is known to be the same"""
        self.path, self._known_bytes = path, known_bytes
        self.entries: list[dict[str, Any]] = []
        self.damaged = 0
        self._at = 0
        self._before = b""

    def read(self) -> bool:
        """Read what was appended; whether anything changed."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return self._forget()
        with file:
            changed = False if self._goes_on(file) else self._forget()
            file.seek(self._at)
            whole, end, _ = file.read().rpartition(b"\n")
        if not end:
            return changed
        self._at += len(whole) + 1
        self._before = (self._before + whole + end)[-self._known_bytes :]
        for line in whole.split(b"\n"):
            entry = parsed_line(line) if line.strip() else None
            if entry is not None:
                self.entries.append(entry)
            elif line.strip():
                self.damaged += 1
        return True

    def _goes_on(self, file: BinaryIO) -> bool:
        """Whether what was read still stands in the file."""
        if os.fstat(file.fileno()).st_size < self._at:
            return False
        file.seek(self._at - len(self._before))
        return file.read(len(self._before)) == self._before

    def _forget(self) -> bool:
        known = bool(self._at)
        self.entries, self.damaged, self._at, self._before = [], 0, 0, b""
        return known
