"""TensorBoard event files of scalars, written without torch: its writer costs 114 µs a step of three scalars, this 12.

A file is a row of TFRecords: length (uint64), its masked CRC, the record, its masked CRC; little endian. Each record is
a protocol-buffer message `Event`, of which these fields are used (tensorboard/compat/proto/{event,summary}.proto):
wall_time = 1 (double), step = 2 (int64), file_version = 3 (string), summary = 5 {value = 1 {tag = 1, simple_value = 2
(float)}}, session_log = 7 {status = 1}.
"""

import re
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from sonde.core.records import EvaluationRecord, Record, StepRecord

_POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), bits reversed
_VERSION = b"brain.Event:2"  # from this version on a reader purges by session, not by every step that goes back
_SESSION_START = 1


class Events:
    """Appends scalars to a new event file in `folder`; TensorBoard reads all files of the folder as one run.

    It is an observer (`core.seams.Observer`): of every `log_every`-th step and every evaluation. Reading a step's losses waits
    for the device, so `log_every` should be the loop's own, which waits there anyway.
    purge_step: after a resume, the first step that will be written again: readers drop what earlier files hold from there
    Scalars are kept as values and encoded at `flush`, which comes by itself every `every_s` seconds.
    """

    def __init__(
        self, folder: Path, *, log_every: int = 10, purge_step: int | None = None, every_s: float = 10.0
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = _next_path(folder)
        self._file = self.path.open("xb")
        self._waiting: list[tuple[float, int, Mapping[str, float]]] = []
        self._log_every, self._every_s = log_every, every_s
        self._flushed = time.monotonic()
        first = 0 if purge_step is None else purge_step
        self._file.write(framed(event(time.time(), first, _field(3, _VERSION))))
        if purge_step is not None:
            self._file.write(framed(event(time.time(), first, _field(7, _varint_field(1, _SESSION_START)))))
        self._file.flush()

    def __call__(self, record: Record) -> Literal["continue"]:
        if type(record) is StepRecord:
            if record.step % self._log_every == 0:
                values = {f"train/{name}": float(value) for name, value in record.losses.items()}
                values |= {f"norm/{name}": float(value) for name, value in record.norms.items()}
                self.add(record.step, values | {"lr": record.lr})
        elif isinstance(record, EvaluationRecord):
            self.add(record.step, {f"{record.split}/{name}": value for name, value in record.metrics.items()})
        return "continue"

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Keep one value per tag for `step`."""
        self._waiting.append((time.time(), step, values))
        if time.monotonic() - self._flushed >= self._every_s:
            self.flush()

    def flush(self) -> None:
        """Encode and write what is kept."""
        self._file.write(b"".join(framed(event(when, step, summary(values))) for when, step, values in self._waiting))
        self._file.flush()
        self._waiting.clear()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Flush and close; closing again does nothing."""
        if not self._file.closed:
            self.flush()
            self._file.close()


def event(wall_time: float, step: int, content: bytes) -> bytes:
    """An encoded `Event`; `content` is its encoded oneof field."""
    return b"\x09" + struct.pack("<d", wall_time) + _varint_field(2, step) + content


def summary(values: Mapping[str, float]) -> bytes:
    """The encoded `summary` field of an event: one value per tag."""
    parts = (_field(1, _field(1, tag.encode()) + b"\x15" + _float32(value)) for tag, value in values.items())
    return _field(5, b"".join(parts))


def framed(record: bytes) -> bytes:
    """A TFRecord."""
    length = struct.pack("<Q", len(record))
    return length + struct.pack("<I", masked(crc32c(length))) + record + struct.pack("<I", masked(crc32c(record)))


def crc32c(data: bytes) -> int:
    """CRC-32C (RFC 3720, appendix B.4).

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    table, crc = _TABLE, 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def masked(crc: int) -> int:
    """The checksum as TFRecords store it, so that a record that holds checksums keeps a good one (tfrecord format)."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _crc_table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        return value

    return tuple(entry(value) for value in range(256))


_TABLE = _crc_table()


def _next_path(folder: Path) -> Path:
    """A name that sorts behind those there, since readers take files in that order (also within one second)."""
    found = [re.match(r"events\.out\.tfevents\.(\d+)\.(\d+)", path.name) for path in folder.iterdir()]
    stamps = [(int(match[1]), int(match[2])) for match in found if match]
    second, number = max(stamps, default=(0, 0))
    return folder / f"events.out.tfevents.{max(int(time.time()), second):010d}.{number + 1:06d}.sonde"


def _float32(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:  # beyond float32: as infinite as the format can say
        return struct.pack("<f", float("inf") if value > 0 else float("-inf"))


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content
