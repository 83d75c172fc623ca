"""Recordings with transcripts as corpora of speech lay them out: LibriSpeech, LJSpeech, Kaldi.

train-clean/84/121/84-121.trans.txt          84-121-0000 THREE FOUR     beside 84-121-0000.flac
metadata.csv  wavs/LJ001-0001.wav            LJ001-0001|Printed, in 1450|Printed, in fourteen fifty
data/train/wav.scp  text                     utt1 wavs/a.wav            utt1 three four
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sonde.core.errors import DataError
from sonde.data.listing import Listing, is_file_named
from sonde.data.splits import SPLIT_NAMES
from sonde.modalities.audio.files import is_sound
from sonde.modalities.text.files import read_text

TRANSCRIPTS = ".trans.txt"
LJSPEECH, SCRIPT, TEXT = "metadata.csv", "wav.scp", "text"


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """One recording. name: relative to the corpus, or absolute; "" where there is none;  place: where its transcript stands"""

    name: str
    transcript: str
    split: str
    place: str
    speaker: str = ""


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
        texts = [str(PurePosixPath(name).with_name(TEXT)) for name in files]
        return _kaldi(listing, files), "wav.scp and text (Kaldi)", _paths(listing, [*files, *texts])
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
        if (listing.path / folder / "segments").is_file():
            raise DataError(
                f"{listing.path / folder / 'segments'} cuts recordings in utterances, which is not read; write each "
                "utterance to a file of its own (extract-segments scp:wav.scp segments)"
            )
        said = {line.split(None, 1)[0]: (line.split(None, 1)[1:] or [""])[0] for _, line in _filled(text)}
        for number, line in _filled(listing.path / file):
            name, _, sound = line.partition(" ")
            place = f"{file} line {number}"
            if sound.rstrip().endswith("|"):
                raise DataError(f"{listing.path / place} is a command, not a file; run it and name the file it writes")
            if name not in said:
                raise DataError(
                    f"{listing.path / place}: {name} has no transcript in {text.name}; add it or remove the line"
                )
            found.append(_spoken(_existing(listing, folder, sound.strip()), said[name], splits[file], place, ""))
    return found


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
