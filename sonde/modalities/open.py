"""Point at data: find out what they are, and open them. A place is listed once, and the surest form opens it."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from sonde.core.bounds import flag
from sonde.core.catalogue import load
from sonde.core.config import DataConfig, flat
from sonde.core.dataset import Dataset, Fact, Schema
from sonde.core.errors import DataError, nearest
from sonde.core.marks import shell_quoted
from sonde.core.progress import Tick, silent
from sonde.data.listing import Listing, can_be_a_path
from sonde.data.unread import left_unread, way_to_read
from sonde.data.unread_folders import way_to_read_folder
from sonde.modalities.catalogue import embedded, forms, modalities, modality, schemes
from sonde.modalities.modality import Claim, Form, Wanted
from sonde.modalities.packed import Opened, opened
from sonde.modalities.packed import way as is_packed
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.modality import FILES as TABLES

LISTED = 5  # entries or names in an error
ABOUT, ABOUT_NAMES = (
    ("", ".md", ".rst", ".py"),
    ("readme", "license", "licence"),
)  # files that tell of the data beside them


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a path or name led."""

    path: Path | None  # None: it comes with a package, or is downloaded
    name: str = ""  # the dataset's name, "" for a path
    opened: Opened | None = None  # of a packed file, whose content `path` is


def open_data(data: Any, config: DataConfig, *, task: str | None = None, tick: Tick = silent) -> Dataset:
    """The dataset that a path, a name or something in memory holds, with what was inferred and why in its facts.

    data: see `sonde.modalities.arrays.forms.memory.TAKEN`; a name is looked for in the folder SONDE_DATA first
    task: "classification" or "regression" wins over what the targets look like
    Raises: DataError in one line that names the file (and row), what is wrong and what to do
    """
    return _for_these(_open(data, Wanted(config=config, task=task), tick), config)


def open_like(data: Any, schema: Schema, config: DataConfig, *, tick: Tick = silent) -> Dataset:
    """Data for evaluating a trained model: sizes, classes and scales are its schema's, nothing is held back.

    Rows without a split of their own are the split "test".

    Raises: DataError as `open_data`, and for classes and shapes that the model does not know
    """
    return _open(data, Wanted(config=config, like=schema), tick)


def place_of(data: str | Path, tick: Tick = silent) -> Place:
    """The folder or file that a path or name means; what a packed file was unpacked to.

    Raises: DataError with near names when there is none
    """
    if not str(data).strip():
        raise DataError("the name of the data is empty; give a path or a name (names: sonde datasets)")
    text, path = str(data), Path(data).expanduser()
    if not can_be_a_path(text):
        raise DataError(f"{text[:60]!r} …: no such file or folder, and not a valid name of one")
    if (found := opened(path, tick)) is not None:
        return Place(path=found.path, opened=found)
    if path.exists():
        if not path.is_file() and not path.is_dir():
            raise DataError(
                f"{path} is a pipe or a device, which can be read only once; write it to a file, and name that"
            )
        return Place(path=_absolute(path))
    root = os.environ.get("SONDE_DATA")
    if root and not path.is_absolute() and (found := opened(Path(root) / path, tick)) is not None:
        return Place(path=found.path, opened=found)
    if root and not path.is_absolute() and (Path(root) / path).exists():
        return Place(path=Path(root) / path, name=text)
    if text in embedded():
        return Place(path=None, name=text)
    return Place(path=None, name=_named(text, path))


def _absolute(path: Path) -> Path:
    """The path from the root, as it was typed: links stay, unless it ends in "." or "..", and so has no name."""
    return path.absolute() if path.name not in ("", "..") else path.resolve()


def recognise(listing: Listing, wanted: Wanted) -> Claim:
    """The form that opens a place, and why: of those for the task, else of all, the surest that recognises it.

    Each form is tried only where there is a file with an ending that it knows, and a folder where it needs one.

    Raises: DataError saying what is there when no form fits
    """
    if (found := _fitting(listing, wanted)) is not None:
        return found
    if wanted.task is not None and (found := claim(listing, replace(wanted, task=None), forms())) is not None:
        raise DataError(
            f"{listing.path} is read as {found.form.name}, which task {wanted.task} does not learn from; leave --task "
            f"{wanted.task} out"
        )
    if way := _way(listing):
        raise DataError(f"{listing.path} {way}")
    known = ", ".join(form.name for one in modalities() for form in one.forms if not form.only_for_tasks)
    raise DataError(f"{listing.path} {_contents(listing)}; it should hold one of: {known}")


def _fitting(listing: Listing, wanted: Wanted) -> Claim | None:
    """The surest form that recognises a place, of those for the task, else of all."""
    everything = forms()
    if wanted.like is None:
        suited = [form for form in everything if wanted.task in form.tasks]
    else:
        suited = [form for form in everything if wanted.like.target.kind in form.targets]
    others = [form for form in everything if not form.only_for_tasks and form not in suited]
    return claim(listing, wanted, [*suited, *others])


def _only_table(listing: Listing) -> Path | None:
    """The one table of a folder that holds nothing else but what tells about it (a README, a licence, code)."""
    tables = listing.ending(*TABLES) if listing.is_dir else []
    if len(tables) != 1:
        return None
    others = [Path(name) for name in listing.below if name != tables[0].name]
    about = all(file.suffix.lower() in ABOUT or file.stem.lower() in ABOUT_NAMES for file in others)
    return tables[0] if about else None


def _way(listing: Listing) -> str:
    """What to do with a place that holds a file in a form that is not read as it is, "" for another place."""
    if listing.is_file:
        return f"cannot be read as it is: {way}" if (way := way_to_read(listing.path)) else ""
    packed = next((file for file in listing.files if is_packed(file.name)), None)
    if packed is not None:
        return f"holds {packed.name}, which is read if you give it itself: {shell_quoted(str(packed))}"
    unread = [name for name in listing.below if way_to_read(Path(name))]
    if not unread:
        return way_to_read_folder(listing)
    more = f" and {len(unread) - 1:,} more files" if len(unread) > 1 else ""
    return f"holds {unread[0]}{more}, which cannot be read as {'they are' if more else 'it is'}: {way_to_read(Path(unread[0]))}"


def claim(listing: Listing, wanted: Wanted, candidates: Sequence[Form]) -> Claim | None:
    """The first of some forms that recognises a place, and why; None where none does."""
    for form in candidates:
        if form.endings and listing.endings.isdisjoint(form.endings):
            continue
        if form.folders and listing.folder_names.isdisjoint(form.folders):
            continue
        if why := import_module(form.module).recognise(listing, wanted):
            return Claim(form, why)
    return None


def _for_these(dataset: Dataset, config: DataConfig) -> Dataset:
    """The dataset. Raises: DataError for a setting of another kind of data, which would be ignored otherwise"""
    own = modality(dataset.schema.input.kind)
    of_others = {other.config: other for other in modalities() if other.config is not own.config}
    for given in config.given:
        other = of_others.get(type(given))
        if other is None or given == type(given)():
            continue
        defaults = flat(type(given)())
        for name, value in flat(given).items():
            if (
                value not in (defaults[name], ("none",), "no") and name not in own.reads
            ):  # none of it is true of all other data
                instead = f"{other.instead[own.kind]}, or " if own.kind in other.instead else ""
                raise DataError(f"{dataset.source} {other.absent}; {instead}leave {flag(name)} out")
    return dataset


def _open(data: Any, wanted: Wanted, tick: Tick) -> Dataset:
    config, task, like = wanted.config, wanted.task, wanted.like
    if not isinstance(data, str | Path):
        for way in (one.given for one in modalities() if one.given):
            if (dataset := load(way)(data, config, task=task, tick=tick, like=like)) is not None:
                return dataset
        from sonde.modalities.arrays.forms import memory

        return memory.read(data, config, task=task, tick=tick, like=like)
    if (found := _by_scheme(str(data))) is not None:
        scheme, rest = found
        return load(schemes()[scheme])(rest, config, task=task, tick=tick, like=like)
    place = place_of(data, tick)
    if place.path is None and place.name in embedded():
        _refuse_columns(place.name, "arrays", config)
        return load(embedded()[place.name])(config, task=task, tick=tick, like=like)
    names: tuple[str, ...] = ()
    path = place.path
    if place.name:
        from sonde.modalities.named import NAMED, locate  # urllib and checksums: for names alone

        names = NAMED[place.name].class_names if place.name in NAMED else ()
        path = path or locate(place.name, tick=tick)
    assert path is not None
    dataset = _read(Listing(path), wanted, tick)
    if place.opened is not None:
        dataset = _unpacked(dataset, place.opened)
    if place.name:
        dataset = replace(dataset, name=Path(place.name).stem, source=place.name)
    return _with_names(dataset, names) if like is None else dataset


def _by_scheme(text: str) -> tuple[str, str] | None:
    """("gym", "CartPole-v1") of `gym:CartPole-v1`; None of another text, and where a file is called so."""
    scheme, colon, rest = text.partition(":")
    return (scheme, rest) if colon and scheme in schemes() and not Path(text).exists() else None


def _read(listing: Listing, wanted: Wanted, tick: Tick) -> Dataset:
    path, config = listing.path, wanted.config
    try:
        if (table := _only_table(listing)) is not None and _fitting(listing, wanted) is None:
            dataset = _read(Listing(table), wanted, tick)
            fact = Fact(f"the table is {table.name}", f"{path.name} holds no other data")
            return replace(dataset, facts=[fact, *dataset.facts])
        form = recognise(listing, wanted).form
        if config.folds and not form.folds:
            raise DataError(f"{path}: --folds needs independent rows, and these are not; leave it out")
        if form.instead_of_columns:
            _refuse_columns(str(path), form.instead_of_columns, config)
        dataset = import_module(form.module).read(listing, config, task=wanted.task, tick=tick, like=wanted.like)
    except PermissionError as error:
        raise DataError(f"{error.filename or path} cannot be read: permission denied") from None
    left = left_unread(listing.below) if listing.is_dir else []
    return replace(dataset, warnings=[*dataset.warnings, *left]) if left else dataset


def _unpacked(dataset: Dataset, place: Opened) -> Dataset:
    """The dataset of a packed file, called after that, and opened again by its name."""
    name = Path(place.source).name.split(".")[0] if place.path.is_dir() else dataset.name
    facts, warnings = [place.fact, *dataset.facts], [*place.warnings, *dataset.warnings]
    return replace(dataset, name=name or dataset.name, source=place.source, facts=facts, warnings=warnings)


def _refuse_columns(source: str, holds: str, config: DataConfig) -> None:
    """Raises: DataError for names of columns, which would be ignored"""
    named = config.of(TableConfig)
    if named.target or named.columns or named.group:
        unread = "--target" if named.target else "--columns" if named.columns else "--group"
        raise DataError(f"{source} has {holds} and no columns, so leave {unread} out")


def _with_names(dataset: Dataset, names: tuple[str, ...]) -> Dataset:
    """The dataset with names for classes that its files only number."""
    target = dataset.schema.target
    if target.kind != "class" or target.names != tuple(str(i) for i in range(len(names))):
        return dataset
    schema = replace(dataset.schema, target=replace(target, names=names))
    fact = Fact(
        f"the classes are {', '.join(names[:8])}" + " …" * (len(names) > 8), "as the dataset's authors name them"
    )
    return replace(dataset, schema=schema, facts=[*dataset.facts, fact])


def _named(text: str, path: Path) -> str:
    """The name, if it is one of a dataset. Raises: DataError with what is near."""
    from sonde.modalities.named import NAMED

    if text in NAMED:
        return text
    names = nearest(text, [*embedded(), *NAMED])
    beside = _near_entries(path)
    suggestions = [*beside, *(name for name in names if name not in beside)]
    suggestions = [one for about in modalities() if about.meant for one in load(about.meant)(text)] + suggestions
    if suggestions:
        raise DataError(f"{text}: no such file or folder; did you mean {' or '.join(suggestions[:3])}?")
    hint = f"{path.parent} does not exist either" if not path.parent.is_dir() else "check the path"
    raise DataError(f"{text}: no such file or folder, nor a dataset's name; {hint} (names: sonde datasets)")


def _near_entries(path: Path) -> list[str]:
    """Entries of the parent folder with a name like the path's, written as the path was."""
    if not path.parent.is_dir() or not os.access(path.parent, os.R_OK):
        return []
    entries = {entry.name.lower(): entry.name for entry in path.parent.iterdir()}
    return [str(path.parent / entries[name]) for name in nearest(path.name.lower(), entries)]


def _contents(listing: Listing) -> str:
    """What a folder or file is, for an error: "is empty", "holds 3 .wav, 1 .md"."""
    if listing.is_file:
        return f"has no known data format suffix ({listing.path.suffix or 'none'})"
    counts = Counter(file.suffix.lower() or "files without suffix" for file in listing.files)
    counts.update({"folders": len(listing.folders)} if listing.folders else {})
    if not counts:
        return "is empty"
    tables = listing.ending(*TABLES)
    if len(tables) == 1:
        named = shell_quoted(str(tables[0]))
        return f"holds one table, {tables[0].name}, beside other files; to read the table, name it: {named}"
    if tables:
        named = ", ".join(file.name for file in tables[:LISTED])
        return f"holds several tables; name one of {named}, or call them train and test"
    held = ", ".join(f"{number} {kind}" for kind, number in counts.most_common(LISTED)) + " …" * (len(counts) > LISTED)
    return f"holds {held}, which is not a known data format"
