"""Which recordings there are, their labels or transcripts, and how those are known: folders, names, or a manifest."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from sonde.core.config import DataConfig
from sonde.core.dataset import Fact
from sonde.core.errors import ConfigError, DataError
from sonde.data.listing import Listing, is_file_named
from sonde.data.name_parts import Choice, choice, parts_of
from sonde.data.splits import SPLIT_NAMES, in_order
from sonde.modalities.audio.config import AudioConfig
from sonde.modalities.audio.corpora import find_corpus
from sonde.modalities.audio.files import is_sound
from sonde.modalities.audio.manifest import SPLITS, SUFFIXES, Manifest, names_recordings, read_manifest
from sonde.modalities.table.config import TableConfig
from sonde.modalities.text.files import read_text

RECOGNITION = "speech-recognition"
NOISE = "_background_noise_"  # of Speech Commands: to mix in
LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}
BESIDE = ("", "clips", "wavs", "wav", "audio", "recordings", "data")
"""Folders beside a manifest that its names may be relative to: Common Voice has clips, LJSpeech wavs."""
ABOUT = ("meta", "metadata")
"""Folders beside those with sound in which ESC-50 and UrbanSound8K have their table."""
FOLDS = ("fold", "folds")  # columns of parts that are to be held out whole, one after another


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One file, or a part of one.

    name: relative to the source;  truth: its label or transcript;  parts: what else is known, such as a speaker
    begin, end: in seconds, what of the file is read; 0 for the end is that of the file
    """

    name: str
    truth: str
    split: str = "train"
    parts: Mapping[str, str] = field(default_factory=dict)
    begin: float = 0.0
    end: float = 0.0

    @property
    def label(self) -> str:
        """What to call it: "talks/a.wav", or "talks/a.wav 1.2 to 3.45 s"."""
        if not (self.begin or self.end):
            return self.name
        return f"{self.name} {self.begin:g} to {f'{self.end:g} s' if self.end else 'the end'}"


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """All recordings of a source.

    root: what their names are relative to;  spoken: truths are transcripts;  files: others that were read
    """

    root: Path
    recordings: Sequence[Recording]
    why: str
    spoken: bool
    facts: Sequence[Fact] = ()
    warnings: Sequence[str] = ()
    files: Sequence[Path] = ()


def find_recordings(listing: Listing, config: DataConfig, *, task: str | None, evaluating: bool = False) -> Recordings:
    """The recordings at a path, with their splits.

    evaluating: what was trained elsewhere, where `--held-out` need not take any
    Raises: DataError, ConfigError
    """
    names, columns = config.of(AudioConfig), config.of(TableConfig)
    path, manifests = listing.path, manifests_in(listing)
    if columns.columns or (columns.target and not manifests):
        flag = "--columns" if columns.columns else "--target"
        has = "names its own columns" if manifests else "has recordings and no columns"
        raise DataError(f"{path} {has}, so leave {flag} out")
    if manifests:
        found = _by_manifest(path, manifests, config, task)
    elif names.labels:
        found = _by_name(listing, config)
    else:
        found = _by_corpus(listing) or _by_folder(listing)
    if names.held_out:
        found = _held_out(found, choice(names.held_out), evaluating=evaluating)
    spoken = found.spoken if task is None else task == RECOGNITION
    return replace(found, spoken=spoken)


def manifests_in(listing: Listing) -> dict[str, Path]:
    """Split -> manifest: a file that is one, or those of a folder, by split where they are named so; "" where not.

    Raises: DataError for two manifests that no split tells apart
    """
    path = listing.path
    about = [] if listing.is_file else [folder for folder in listing.folders if folder.name.lower() in ABOUT]
    found = [file for file in listing.ending(*SUFFIXES) if listing.once(names_recordings, file)] or [
        file for folder in about for file in folder.ending(*SUFFIXES) if listing.once(names_recordings, file)
    ]
    if listing.is_file:
        return {"": path} if found else {}
    by_split = {SPLIT_NAMES[file.stem.lower()]: file for file in found if file.stem.lower() in SPLIT_NAMES}
    if "train" in by_split:
        return in_order(by_split)
    if len(found) > 1:
        raise DataError(
            f"{path} holds several tables of recordings ({', '.join(file.name for file in found[:3])}); name one, or call them "
            "train and test"
        )
    return {"": found[0]} if found else {}


def sounds_below(listing: Listing) -> list[str]:
    """Relative names of the recordings below a folder, in natural order."""
    return [name for name in listing.below if is_sound(name)]


def _by_folder(listing: Listing) -> Recordings:
    """The folder that a recording stands in is its label, below a folder for its split where there are such."""
    path, names = listing.path, sounds_below(listing)
    noise = [name for name in names if NOISE in PurePosixPath(name).parts]
    names = [name for name in names if name not in set(noise)]
    if not names:
        raise DataError(f"{path} holds recordings of noise alone ({NOISE}); add some of classes")
    facts = (
        [Fact(f"{len(noise):,} recordings of {NOISE} left out", "they are noise to mix in, not a class")]
        if noise
        else []
    )
    splits = {PurePosixPath(name).parts[0]: SPLIT_NAMES.get(PurePosixPath(name).parts[0].lower()) for name in names}
    by_split = "train" in splits.values()
    found = []
    for name in names:
        pieces = PurePosixPath(name).parts
        split = splits[pieces[0]] if by_split else "train"
        if split is None:
            raise DataError(f"{path}: {name} is outside the folders of the splits; move it into one of them")
        if len(pieces) < 2 + by_split:
            raise _no_label(path, name)
        found.append(Recording(name=name, truth=pieces[by_split], split=split))
    if len({recording.truth for recording in found}) == 1:
        raise _no_label(path, names[0])
    why = "a folder per split, and in each one per class" if by_split else "a folder per class"
    whole = Recordings(root=path, recordings=found, why=why, spoken=False, facts=facts)
    return whole if by_split else _by_lists(listing, whole)


def _by_lists(listing: Listing, found: Recordings) -> Recordings:
    """With the splits of lists of names beside the class folders, as Speech Commands has them (Warden 2018, arXiv:1804.03209)."""
    lists = {split: listing.path / name for split, name in LISTS.items() if listing.path / name in listing.files}
    if not lists:
        return found
    named, missing = {}, []
    known = {recording.name for recording in found.recordings}
    for split, file in lists.items():
        for line in read_text(file).split("\n"):
            name = line.strip().replace("\\", "/").removeprefix("./")
            if name in known:
                named[name] = split
            elif name:
                missing.append(name)
    recordings = [replace(one, split=named.get(one.name, "train")) for one in found.recordings]
    files = " and ".join(file.name for file in lists.values())
    warnings = [f"{len(missing):,} names in {files} have no recording, such as {missing[0]}"] if missing else []
    fact = Fact(f"{len(named):,} recordings are not trained on", f"{files} name them")
    return replace(
        found, recordings=recordings, facts=[*found.facts, fact], warnings=warnings, files=list(lists.values())
    )


def _by_corpus(listing: Listing) -> Recordings | None:
    """A corpus of speech with its transcripts, None where there is none. Raises: DataError"""
    if (found := find_corpus(listing)) is None:
        return None
    spoken, why, files = found
    if not spoken:
        raise DataError(f"{listing.path} has {why}, in which no utterance is listed; copy or download the lists again")
    absent = [one.place for one in spoken if not one.name]
    recordings = [
        Recording(
            name=one.name,
            truth=one.transcript,
            split=one.split,
            parts={"speaker": one.speaker} if one.speaker else {},
            begin=one.begin,
            end=one.end,
        )
        for one in spoken
        if one.name
    ]
    if not recordings:
        raise DataError(
            f"{listing.path}: {absent[0]} and the others have no recording; copy them beside the transcripts"
        )
    warnings = [f"{len(absent):,} transcripts have no recording and are left out, first {absent[0]}"] if absent else []
    return Recordings(root=listing.path, recordings=recordings, why=why, spoken=True, files=files, warnings=warnings)


def _no_label(path: Path, name: str) -> DataError:
    return DataError(
        f"{path}: {name} and the others are not in class folders; give the label in their names, such "
        "as --labels '{label}_{speaker}_{take}', or name them in a CSV file with columns file and transcript"
    )


def _by_name(listing: Listing, config: DataConfig) -> Recordings:
    """Labels, and perhaps splits, from names by the pattern `--labels`."""
    settings = config.of(AudioConfig)
    names = sounds_below(listing)
    parts = parts_of([str(PurePosixPath(name).with_suffix("")) for name in names], settings.labels)
    found = [
        Recording(name=name, truth=part["label"], split=_split(part.get("split", "train"), name), parts=part)
        for name, part in zip(names, parts, strict=True)
    ]
    return Recordings(root=listing.path, recordings=found, why=f"--labels {settings.labels!r}", spoken=False)


def _by_manifest(path: Path, manifests: Mapping[str, Path], config: DataConfig, task: str | None) -> Recordings:
    names, columns = config.of(AudioConfig), config.of(TableConfig)
    if names.labels:
        raise ConfigError(
            f"--labels reads labels from names, and {next(iter(manifests.values()))} gives them; leave it out"
        )
    wanted = None if task is None else task == RECOGNITION
    root = path if path.is_dir() else path.parent
    found, spoken = [], False
    for split, file in manifests.items():
        manifest = read_manifest(file)
        column, spoken = manifest.truth_column(columns.target, spoken=wanted)
        found += _rows_of(manifest, column, root, split)
    files = ", ".join(file.name for file in manifests.values())
    what = "transcripts" if spoken else "labels"
    warnings = [] if names.held_out or _brought(found) else _folds(found, files)
    return Recordings(root=root, recordings=found, why=f"{files} with {what}", spoken=spoken, warnings=warnings)


def _brought(found: Sequence[Recording]) -> set[str]:
    """Splits that the data bring besides train."""
    return {recording.split for recording in found} - {"train"}


def _folds(found: Sequence[Recording], files: str) -> list[str]:
    """A warning where a column keeps takes of one sound together, which a random split does not."""
    column = next((name for name in found[0].parts if name.lower() in FOLDS), None)
    values = sorted({recording.parts.get(column, "") for recording in found}) if column else []
    if column is None or len(values) < 2:
        return []
    return [
        f"{files}: {column!r} gives {len(values)} folds, which a random split mixes: --held-out {column}={values[-1]} "
        "tests on one of them"
    ]


def _rows_of(manifest: Manifest, column: str, root: Path, split: str) -> list[Recording]:
    """The recordings that a manifest names; what is relative is so to its folder."""
    files = manifest.file_column()
    split_column = next((c for name in SPLITS for c in manifest.columns if c.lower() == name), None)
    found = []
    folder = folder_of(manifest, files)
    below: dict[str, Path] | None = None
    for place, row in enumerate(manifest.rows):
        name, truth = plain(row.get(files, "")), row.get(column, "").strip()
        if not name or not truth:
            what = files if not name else column
            raise DataError(
                f"{manifest.path} line {manifest.lines[place]} has no {what}; fill it in or remove the line"
            )
        belongs = split or _split(row.get(split_column, "train") if split_column else "train", manifest.place(place))
        relative = Path(name) if Path(name).is_absolute() else folder / name
        if manifest.path.parent.name.lower() in ABOUT and not is_file_named(relative):
            below = _by_file_name(manifest.path.parent.parent) if below is None else below
            relative = below.get(Path(name).name, relative)
        inside = relative.relative_to(root).as_posix() if relative.is_relative_to(root) else str(relative)
        begin, end = manifest.part(place)
        found.append(Recording(name=inside, truth=truth, split=belongs, parts=row, begin=begin, end=end))
    return found


def _by_file_name(folder: Path) -> dict[str, Path]:
    """File name -> recording, of those below a folder whose name no other has."""
    names = [PurePosixPath(name) for name in sounds_below(Listing(folder))]
    counts = Counter(name.name for name in names)
    return {name.name: folder / name for name in names if counts[name.name] == 1}


def plain(name: str) -> str:
    """A name as this system writes it: those from Windows have backslashes."""
    return name.strip().replace("\\", "/")


def folder_of(manifest: Manifest, files: str) -> Path:
    """What the names in a manifest are relative to: its folder, or one beside it where the first name is found."""
    first = next((plain(row.get(files, "")) for row in manifest.rows if row.get(files, "").strip()), "")
    parent = manifest.path.parent
    places = (parent, parent.parent) if parent.name.lower() in ABOUT else (parent,)
    beside = (place / name for place in places for name in BESIDE)
    return next((folder for folder in beside if is_file_named(folder / first)), manifest.path.parent)


def _split(text: str, place: str) -> str:
    """Raises: DataError for a word that names no split."""
    split = SPLIT_NAMES.get(text.strip().lower())
    if split is None:
        raise DataError(f"{place} is of a split called {text!r}; write train, validation or test")
    return split


def _held_out(found: Recordings, chosen: Choice, *, evaluating: bool) -> Recordings:
    """The recordings with those that are chosen as the test split. Raises: DataError when none is, or all are."""
    taken = [chosen.takes(recording.parts, recording.name) for recording in found.recordings]
    if all(taken) or not any(taken):
        if evaluating:
            return found
        what = "every recording" if all(taken) else "no recording"
        raise DataError(f"--held-out {chosen.text} takes {what} of {found.root}; choose other values")
    recordings = [
        replace(recording, split="test") if held else recording
        for recording, held in zip(found.recordings, taken, strict=True)
    ]
    fact = Fact(f"{sum(taken):,} recordings are the test split", f"--held-out {chosen.text}")
    return replace(found, recordings=recordings, facts=[*found.facts, fact])
