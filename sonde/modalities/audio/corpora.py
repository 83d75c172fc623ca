"""Recordings with transcripts as corpora of speech lay them out: LibriSpeech, LJSpeech, Kaldi.

train-clean/84/121/84-121.trans.txt          84-121-0000 THREE FOUR     beside 84-121-0000.flac
metadata.csv  wavs/LJ001-0001.wav            LJ001-0001|Printed, in 1450|Printed, in fourteen fifty
data/train/wav.scp  text                     utt1 wavs/a.wav            utt1 three four
data/train/segments                          utt1 a 1.20 3.45           where wav.scp names whole recordings
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from sonde.core.errors import DataError
from sonde.data.listing import Listing, is_file_named
from sonde.data.splits import SPLIT_NAMES
from sonde.modalities.audio.files import is_sound
from sonde.modalities.text.files import read_text

TRANSCRIPTS = ".trans.txt"
LJSPEECH, SCRIPT, TEXT = "metadata.csv", "wav.scp", "text"
SEGMENTS, SPEAKERS = "segments", "utt2spk"  # of Kaldi, where they are
TO_THE_END = -1  # in place of a segment's end


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """One utterance.

    name: of its file, relative to the corpus, or absolute; "" where there is none;  place: where its transcript stands
    begin, end: in seconds, what of the file it is; 0 for the end is that of the file
    """

    name: str
    transcript: str
    split: str
    place: str
    speaker: str = ""
    begin: float = 0.0
    end: float = 0.0


def find_corpus(listing: Listing) -> tuple[list[Spoken], str, list[Path]] | None:
    """Its recordings, what it is, and the files of its transcripts; None where a folder is no such corpus.

    Raises: DataError for a recording without a transcript, and for what is no file (Kaldi's pipes)
    """
    if listing.is_file:
        return None
    if files := [name for name in listing.below if name.endswith(TRANSCRIPTS)]:
        return (
            _librispeech(listing, files),
            f"{len(files):,} files of transcripts (LibriSpeech)",
            _paths(listing, files),
        )
    if files := [name for name in listing.below if PurePosixPath(name).name == SCRIPT]:
        beside = [str(PurePosixPath(name).with_name(other)) for name in files for other in (TEXT, SEGMENTS, SPEAKERS)]
        there = [path for path in _paths(listing, beside) if path.is_file()]
        return _kaldi(listing, files), "wav.scp and text (Kaldi)", [*_paths(listing, files), *there]
    metadata = listing.path / LJSPEECH
    if metadata in listing.files and _is_ljspeech(listing):
        return _ljspeech(listing), "metadata.csv with bars and no header (LJSpeech)", [metadata]
    return None


def split_named(text: str) -> str:
    """The split that a folder's name means: train-clean-100, dev_other; "" for none.

    >>> split_named("train-clean-100"), split_named("dev-other"), split_named("speakers")
    ('train', 'validation', '')
    """
    return SPLIT_NAMES.get(text.lower().replace("_", "-").split("-")[0], "")


def _paths(listing: Listing, names: list[str]) -> list[Path]:
    return [listing.path / name for name in names]


def _by_stem(listing: Listing) -> Mapping[str, str]:
    """Relative name without its ending -> with it, of the recordings."""
    return {str(PurePosixPath(name).with_suffix("")): name for name in listing.below if is_sound(name)}


def _splits_of(names: list[str]) -> dict[str, str]:
    """Name -> split, by the first folder of each that is called after one; all "train" where none is called so."""
    found = {name: next(filter(None, map(split_named, PurePosixPath(name).parts[:-1])), "") for name in names}
    if "train" not in found.values():
        return dict.fromkeys(names, "train")
    return found


def _librispeech(listing: Listing, files: list[str]) -> list[Spoken]:
    sounds, splits = _by_stem(listing), _splits_of(files)
    found = []
    for file in files:
        for number, line in _filled(listing.path / file):
            name, _, transcript = line.partition(" ")
            place, stem = f"{file} line {number}", str(PurePosixPath(file).parent / name)
            found.append(_spoken(sounds.get(stem, ""), transcript, splits[file], place, name.split("-")[0]))
    return found


def _kaldi(listing: Listing, files: list[str]) -> list[Spoken]:
    splits, found = _splits_of(files), []
    for file in files:
        folder = PurePosixPath(file).parent
        text = listing.path / folder / TEXT
        if not text.is_file():
            raise DataError(f"{listing.path / file} has no file {TEXT} with transcripts beside it; add it")
        said, speakers = _keyed(text), _keyed(listing.path / folder / SPEAKERS)
        for cut in _cuts(listing, file):
            if cut.name not in said:
                raise DataError(f"{cut.place}: {cut.name} has no transcript in {text.name}; add it or remove the line")
            name = _existing(listing, folder, cut.sound)
            spoken = _spoken(name, said[cut.name], splits[file], cut.shown, speakers.get(cut.name, ""))
            found.append(replace(spoken, begin=cut.begin, end=cut.end))
    return found


def _keyed(file: Path) -> dict[str, str]:
    """What stands behind the first word of each line of one of Kaldi's files; nothing where it is not there."""
    lines = [line.split(None, 1) for _, line in _filled(file)] if file.is_file() else []
    return {first: (rest or [""])[0] for first, *rest in lines}


class _Cut(NamedTuple):
    """An utterance of Kaldi's. place: where it stands, with the whole path; shown: without"""

    name: str
    sound: str
    begin: float
    end: float
    place: str
    shown: str


def _cuts(listing: Listing, file: str) -> list[_Cut]:
    """Utterances: those of `segments` where that stands beside `wav.scp`, else whole recordings. Raises: DataError"""
    sounds, whole = {}, []
    for number, line in _filled(listing.path / file):
        name, _, sound = line.partition(" ")
        shown = f"{file} line {number}"
        if sound.rstrip().endswith("|"):
            raise DataError(f"{listing.path / shown} is a command, not a file; run it and name the file it writes")
        sounds[name] = sound.strip()
        whole.append(_Cut(name, sound.strip(), 0.0, 0.0, str(listing.path / shown), shown))
    segments = str(PurePosixPath(file).with_name(SEGMENTS))
    if not (listing.path / segments).is_file():
        return whole
    found = []
    for number, line in _filled(listing.path / segments):
        shown = f"{segments} line {number}"
        place = str(listing.path / shown)
        words = line.split()
        begin, end = (_seconds(word) for word in words[2:]) if len(words) == 4 else (None, None)
        if begin is None or end is None or begin < 0 or (end <= begin and end != TO_THE_END):
            raise DataError(f"{place} is not an utterance, recording, begin and end in seconds; fix or remove it")
        if words[1] not in sounds:
            raise DataError(f"{place}: {words[1]} is not in {PurePosixPath(file).name}; add it or remove the line")
        found.append(_Cut(words[0], sounds[words[1]], begin, max(end, 0.0), place, shown))
    return found


def _seconds(word: str) -> float | None:
    """A finite number, None for what is none."""
    try:
        value = float(word)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _existing(listing: Listing, folder: PurePosixPath, name: str) -> str:
    """A recording that Kaldi names from anywhere: beside the file, or below the corpus; as it is written where it is nowhere."""
    if Path(name).is_absolute() and is_file_named(Path(name)):
        return name
    for above in (folder, *folder.parents):
        if is_file_named(listing.path / above / name):
            return str(above / name)
    return name


def _is_ljspeech(listing: Listing) -> bool:
    lines = _filled(listing.path / LJSPEECH)[:20]
    stems = {PurePosixPath(stem).name for stem in _by_stem(listing)}
    return bool(lines) and all(line.count("|") in (1, 2) and line.split("|")[0] in stems for _, line in lines)


def _ljspeech(listing: Listing) -> list[Spoken]:
    sounds = {PurePosixPath(stem).name: name for stem, name in _by_stem(listing).items()}
    found = []
    for number, line in _filled(listing.path / LJSPEECH):
        name, *texts = line.split("|")
        transcript = next((text for text in reversed(texts) if text.strip()), "")  # the last is written out in words
        found.append(_spoken(sounds.get(name, ""), transcript, "train", f"{LJSPEECH} line {number}", ""))
    return found


def _spoken(name: str, transcript: str, split: str, place: str, speaker: str) -> Spoken:
    if not transcript.strip():
        raise DataError(f"{place} has no transcript; fill it in or remove the line")
    if not split:
        raise DataError(f"{place} is in none of the folders of the splits (train, dev, test); move it into one of them")
    return Spoken(name=name, transcript=transcript.strip(), split=split, place=place, speaker=speaker)


def _filled(file: Path) -> list[tuple[int, str]]:
    """Lines with something on them, and their numbers."""
    return [(n, line.strip()) for n, line in enumerate(read_text(file).split("\n"), start=1) if line.strip()]
