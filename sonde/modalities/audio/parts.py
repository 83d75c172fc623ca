"""What of a recording is read: an utterance of a longer one, and no more than a network has memory for."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path

from sonde.core.errors import DataError
from sonde.data.targets import first_few
from sonde.modalities.audio.files import Header, read_header
from sonde.modalities.audio.recordings import Recording, Recordings

OVERSHOOT = 0.5  # seconds that an utterance may end behind its recording, as Kaldi's extract-segments lets it
NAMED = 3  # names of files in a warning


def part_of(header: Header, recording: Recording, root: Path) -> Header:
    """The header of what is read of a file. Raises: DataError for an utterance that is not in it"""
    if not (recording.begin or recording.end):
        return header
    found, whole = header.within(recording.begin, recording.end), header.samples / header.rate
    if not found.samples or recording.end > whole + OVERSHOOT:
        raise DataError(
            f"{root / recording.label}: the recording has {whole:.2f} s; fix the times of this utterance or remove it"
        )
    return found


def not_too_long(
    headers: Sequence[Header], found: Recordings, most: float, *, training: bool
) -> tuple[Sequence[Header], Recordings, list[str]]:
    """With what is longer than `most` seconds shortened to its beginning, and left out where there are transcripts, which say
    all of it; and a warning that counts such.

    training: whether --max-seconds can still be given

    Raises: DataError where nothing is left
    """
    long = [row for row, header in enumerate(headers) if header.samples > round(most * header.rate)]
    if not long:
        return headers, found, []
    lengths = [headers[row].samples / headers[row].rate for row in long]
    names = first_few([found.recordings[row].label for row in long], NAMED)
    counted = f"{len(long):,} recording{'s' * (len(long) != 1)} longer than {most:g} s"
    more = f"--max-seconds {ceil(max(lengths))} reads them as a whole, and takes memory in proportion"
    more = more if training else f"a run trained with {more}"
    if not found.spoken:
        shorter = [header.within(0.0, most) if row in set(long) else header for row, header in enumerate(headers)]
        return shorter, found, [f"of {counted} only the first {most:g} s are read: {names}; {more}"]
    kept = [row for row in range(len(headers)) if row not in set(long)]
    if not kept:
        raise DataError(f"{found.root} holds no recording of {most:g} s or less with a transcript; {_cut_up(more)}")
    recordings = replace(found, recordings=[found.recordings[row] for row in kept])
    return [headers[row] for row in kept], recordings, [f"{counted} left out: {names}; {_cut_up(more)}"]


def pieces_of(recording: Recording, most: float) -> Iterator[tuple[str, Path, int, int]]:
    """A file, or a part of one, in pieces of at most `most` seconds, one after another: (name, file, first sample, samples).

    Raises: DataError
    """
    path = Path(recording.name)
    header = part_of(read_header(path), recording, Path())
    room = max(1, round(most * header.rate))
    if header.samples <= room:
        yield recording.label, path, header.begin, header.samples
        return
    last = header.begin + header.samples
    for begin in range(header.begin, last, room):
        number = min(room, last - begin)
        times = f"{begin / header.rate:g} to {(begin + number) / header.rate:g} s"
        yield f"{path} {times}", path, begin, number


def _cut_up(more: str) -> str:
    return f"cut them into utterances (a file segments of Kaldi's says where), or {more}"
