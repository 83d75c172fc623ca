"""Which recordings there are, their labels or transcripts, and how those are known: folders, names, or a manifest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from sonde.core.config import DataConfig
from sonde.core.dataset import Fact
from sonde.core.errors import ConfigError, DataError
from sonde.data.listing import Listing
from sonde.data.name_parts import Choice, choice, parts_of
from sonde.data.splits import SPLIT_NAMES, in_order
from sonde.modalities.audio.config import AudioConfig
from sonde.modalities.audio.files import is_sound
from sonde.modalities.audio.manifest import SPLITS, SUFFIXES, Manifest, names_recordings, read_manifest
from sonde.modalities.table.config import TableConfig

RECOGNITION = "speech-recognition"


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One file. name: relative to the source;  truth: its label or transcript;  parts: what else is known, such as a speaker"""

    name: str
    truth: str
    split: str = "train"
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """All recordings of a source. root: what their names are relative to;  spoken: truths are transcripts"""

    root: Path
    recordings: Sequence[Recording]
    why: str
    spoken: bool
    facts: Sequence[Fact] = ()


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
        found = _by_folder(listing)
    if names.held_out:
        found = _held_out(found, choice(names.held_out), evaluating=evaluating)
    spoken = found.spoken if task is None else task == RECOGNITION
    return replace(found, spoken=spoken)


def manifests_in(listing: Listing) -> dict[str, Path]:
    """Split -> manifest: a file that is one, or those of a folder, by split where they are named so; "" where not.

    Raises: DataError for two manifests that no split tells apart
    """
    path, found = listing.path, [file for file in listing.ending(*SUFFIXES) if listing.once(names_recordings, file)]
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
    return Recordings(root=path, recordings=found, why=why, spoken=False)


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
    return Recordings(root=root, recordings=found, why=f"{files} with {what}", spoken=spoken)


def _rows_of(manifest: Manifest, column: str, root: Path, split: str) -> list[Recording]:
    """The recordings that a manifest names; what is relative is so to its folder."""
    files = manifest.file_column()
    split_column = next((c for name in SPLITS for c in manifest.columns if c.lower() == name), None)
    found = []
    for place, row in enumerate(manifest.rows):
        name, truth = row.get(files, "").strip(), row.get(column, "").strip()
        if not name or not truth:
            what = files if not name else column
            raise DataError(
                f"{manifest.path} line {manifest.lines[place]} has no {what}; fill it in or remove the line"
            )
        belongs = split or _split(row.get(split_column, "train") if split_column else "train", manifest.place(place))
        relative = Path(name) if Path(name).is_absolute() else manifest.path.parent / name
        inside = relative.relative_to(root).as_posix() if relative.is_relative_to(root) else str(relative)
        found.append(Recording(name=inside, truth=truth, split=belongs, parts=row))
    return found


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
