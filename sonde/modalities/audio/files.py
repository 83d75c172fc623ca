"""Sound files: headers and samples, one channel, at one rate."""

import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sonde.core.catalogue import require
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.feed.layout import cores
from sonde.data.listing import is_file_named
from sonde.data.ragged import Ragged
from sonde.modalities.audio.resample import resampled, resampled_length
from sonde.modalities.audio.waveforms import FULL_SCALE, to_int16

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
FULL = 1 - 1 / FULL_SCALE  # from here on a sample is at full scale
CLIPPED = 1e-3  # share of samples at full scale from which on a recording is called clipped
SLOWEST, FASTEST = 1_000, 1_000_000  # samples a second, of telephones' worst and of bats' best
MOST_PACKED = 5_000  # samples a byte: silence in FLAC or MP3
_STATED = re.compile(r"^\s*(?:data|SSND) ?: (?P<stated>\d+) \(should be (?P<held>\d+)\)", re.MULTILINE)
LARGEST_STATED = 0x7FFF_0000  # bytes, from which on a size is none
SILENT = 1e-3  # of full scale: a recording that never gets louder holds nothing to hear (-60 dB)


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says of itself.

    samples: of each channel, of the part that is read;  begin: the first sample of that part
    cut_off: whether the file states more samples than it holds: it was cut off while it was written or copied
    """

    samples: int
    rate: int
    channels: int
    begin: int = 0
    cut_off: bool = False

    def within(self, begin: float, end: float) -> "Header":
        """The part from one second to another; 0 for the end is that of the file."""
        first = min(round(begin * self.rate), self.samples)
        last = min(round(end * self.rate), self.samples) if end > 0 else self.samples
        return replace(self, begin=self.begin + first, samples=max(0, last - first))


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """Recordings of several files. peaks, clipped: (n,) the loudest sample of each, and its share of samples at full scale."""

    samples: Ragged
    peaks: np.ndarray
    clipped: np.ndarray


def is_sound(path: str | Path) -> bool:
    """Whether a file is a recording, by its ending.

    >>> is_sound("a/7_theo_0.WAV"), is_sound("7.txt")
    (True, False)
    """
    return str(path).lower().endswith(SUFFIXES)


def read_header(path: Path) -> Header:
    """Raises: DataError for a file that is missing, empty, no sound or without samples; MissingDependency."""
    library = require("soundfile", extra="audio", purpose="reading recordings")
    _check_there(path)
    try:
        found = library.info(str(path))
    except library.LibsndfileError as error:
        raise _unreadable(path, error) from None
    if not SLOWEST <= found.samplerate <= FASTEST:
        raise DataError(
            f"{path} says that it holds {found.samplerate:,} samples a second, which no recording does; its header is damaged: "
            "remove it, or write it again"
        )
    least = path.stat().st_size * MOST_PACKED
    if found.frames > least:
        raise DataError(
            f"{path} says that it holds {found.frames:,} samples, more than {path.stat().st_size:,} bytes can; its header is "
            "damaged: remove it, or write it again"
        )
    if found.frames == 0:
        raise DataError(f"{path} holds no samples; remove it")
    return Header(
        samples=found.frames, rate=found.samplerate, channels=found.channels, cut_off=_is_cut_off(found.extra_info)
    )


def _is_cut_off(log: str) -> bool:
    """Whether libsndfile's log of a WAV or AIFF file says that its samples end too early.

    Programs that write to a pipe state no size, or the largest.
    """
    found = _STATED.search(log)
    return found is not None and int(found["held"]) < int(found["stated"]) < LARGEST_STATED


def read_samples(path: Path, begin: int = 0, samples: int = -1) -> tuple[np.ndarray, int]:
    """(float32 (samples,) in -1..1, the mean over channels; samples a second).

    begin, samples: the first that is read, and how many; -1 for all
    Raises: DataError, MissingDependency
    """
    library = require("soundfile", extra="audio", purpose="reading recordings")
    _check_there(path)
    try:
        # as floats: read as 16 bits, libsndfile would make 0 of files that hold floats in -1..1
        found, rate = library.read(str(path), frames=samples, start=begin, dtype="float32", always_2d=True)
    except library.LibsndfileError as error:
        raise _unreadable(path, error) from None
    if not len(found):
        raise DataError(f"{path} holds no samples; remove it")
    if not np.isfinite(found).all():
        raise DataError(f"{path} holds samples that are NaN or infinite; write it again")
    return found.mean(1), int(rate)


def can_be_read(path: Path, header: Header) -> bool:
    """Whether the samples of a file, or of a part of it, are there and are numbers."""
    try:
        read_samples(path, header.begin, header.samples)
    except DataError:
        return False
    return True


def usual_rate(headers: Sequence[Header]) -> int:
    """The sampling rate of most files; of two as frequent the higher."""
    counts = Counter(header.rate for header in headers)
    return max(counts, key=lambda rate: (counts[rate], rate))


def decode(files: Sequence[Path], headers: Sequence[Header], rate: int, *, tick: Tick = silent) -> Decoded:
    """All recordings, or the parts of them that their headers name, at `rate`, by several threads, each into its place.

    Raises: DataError naming the file
    """
    sizes = [resampled_length(header.samples, header.rate, rate) for header in headers]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    values = np.zeros(starts[-1], dtype=np.int16)
    peaks, clipped, lengths = np.zeros(len(files)), np.zeros(len(files)), np.zeros(len(files), np.int64)

    def fill(row: int) -> int:
        samples, given = read_samples(files[row], headers[row].begin, headers[row].samples)
        loud = np.abs(samples)
        peaks[row], clipped[row] = loud.max(), (loud >= FULL).mean()
        found = to_int16(resampled(samples, given, rate))[: sizes[row]]
        values[starts[row] : starts[row] + len(found)] = found
        lengths[row] = len(found)
        return row

    executor = ThreadPoolExecutor(max_workers=min(4, cores()))
    try:
        for row in executor.map(fill, range(len(files))):
            tick("reading recordings", row + 1, len(files))
    finally:
        executor.shutdown(cancel_futures=True)
    return Decoded(samples=_closed_up(values, starts, lengths), peaks=peaks, clipped=clipped)


def _closed_up(values: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> Ragged:
    """Without gaps behind recordings that were shorter than their headers state: files cut off while they were written."""
    if (lengths == np.diff(starts)).all():
        return Ragged(values, starts)
    pieces = [values[start : start + length] for start, length in zip(starts, lengths, strict=False)]
    return Ragged(np.concatenate(pieces), np.concatenate([[0], np.cumsum(lengths)]))


def _check_there(path: Path) -> None:
    if not is_file_named(path):
        raise DataError(f"{path} does not exist; fix its name or remove it")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty (0 bytes); remove it, or copy it again")


def _unreadable(path: Path, error: Any) -> DataError:
    """libsndfile's own words, without the path that they repeat."""
    what = str(error).rsplit(": ", 1)[-1].rstrip(".")
    return DataError(f"{path} cannot be read as audio ({what}); remove it, or convert it to WAV")
