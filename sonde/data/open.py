"""Point at data: find out what it is, and open it. Each form is tried in turn and says why it fits."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from sonde.core.bounds import flag
from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Schema
from sonde.core.errors import DataError, nearest
from sonde.core.progress import Tick, silent
from sonde.data.splits import thinned

EMBEDDED = ("digits",)
# in the order they are tried: a folder of images is told from a folder of tables by what it holds
FORMS = (
    "sonde.modalities.image.forms.idx",
    "sonde.modalities.arrays.forms.npz",
    "sonde.modalities.image.forms.parquet",
    "sonde.modalities.text.forms.squad",
    "sonde.modalities.image.forms.masks",
    "sonde.modalities.image.forms.boxes",
    "sonde.modalities.image.forms.class_folders",
    "sonde.modalities.audio.forms.recordings",
    "sonde.modalities.text.forms.parallel",
    "sonde.modalities.protein.forms.structures",
    "sonde.modalities.molecule.forms.smiles",
    "sonde.modalities.series.forms.series",
    "sonde.modalities.table.forms.tables",
    "sonde.modalities.text.forms.class_folders",
    "sonde.modalities.text.forms.text_files",
)
BY_TASK = {
    "translation": ("sonde.modalities.text.forms.parallel",),
    "speech-recognition": ("sonde.modalities.audio.forms.recordings",),
    "structure": ("sonde.modalities.protein.forms.structures",),
    "torsions": ("sonde.modalities.protein.forms.structures",),
    "inverse-folding": ("sonde.modalities.protein.forms.structures",),
    "segmentation": ("sonde.modalities.image.forms.masks", "sonde.modalities.image.forms.coco_masks"),
    "detection": ("sonde.modalities.image.forms.boxes",),
    "question-answering": ("sonde.modalities.text.forms.squad",),
    "language-model": ("sonde.modalities.text.forms.text_files",),
    "simclr": ("sonde.modalities.image.forms.unlabelled",),
    "masked-autoencoder": ("sonde.modalities.image.forms.unlabelled",),
}  # looked at first: some folders hold both masks and boxes
BY_TARGET = {
    "series": "forecasting",
    "tokens": "translation",
    "mask": "segmentation",
    "boxes": "detection",
    "span": "question-answering",
    "distances": "structure",
    "torsions": "torsions",
    "residues": "inverse-folding",
    "next": "language-model",
    "none": "simclr",
}
KNOWN_FORMS = (
    "class folders of images, images beside masks or with boxes (VOC, COCO, YOLO, imglab), IDX, NPZ or NPY arrays, Parquet or "
    "Arrow with images, a folder of PDB or mmCIF files, or a CSV, TSV or Parquet table (also of molecules as SMILES), "
    "line-aligned texts in two languages (train.en, train.de), SQuAD JSON, .txt files, or recordings (.wav, .flac) in class "
    "folders, with labels in their names or named in a table"
)
IN_FOLDS = frozenset(
    f"sonde.modalities.{name}"
    for name in (
        "image.forms.idx",
        "arrays.forms.npz",
        "image.forms.parquet",
        "image.forms.masks",
        "image.forms.coco_masks",
        "image.forms.boxes",
        "image.forms.class_folders",
        "table.forms.tables",
        "text.forms.class_folders",
        "text.forms.parallel",
        "text.forms.squad",
        "audio.forms.recordings",
        "molecule.forms.smiles",
        "protein.forms.structures",
    )
)
"""Forms whose training rows can be cut in parts by `sonde.data.splits.split_rows`."""
SERIES, TABLES = "sonde.modalities.series.forms.series", "sonde.modalities.table.forms.tables"  # one file may be either
OF_SERIES = ("horizon", "look_back", "split_at")
COLUMN_SETTINGS = {
    **dict.fromkeys(OF_SERIES, ("series",)),
    "time": ("table", "series"),
    "group": ("table", "audio"),
    **dict.fromkeys(("labels", "label_names", "held_out"), ("audio",)),
}
"""Settings of the data -> the kinds of input that they are for."""
LISTED = 5  # entries or names in an error


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a path or name led."""

    path: Path | None  # None: embedded
    name: str = ""  # the dataset's name, "" for a path


def open_data(data: Any, config: DataConfig, *, task: str | None = None, tick: Tick = silent) -> Dataset:
    """The dataset that a path, a name or something in memory holds, with what was inferred and why in its facts.

    data: see `sonde.modalities.arrays.forms.memory.TAKEN`; a name is looked for in the folder SONDE_DATA first
    task: "classification" or "regression" wins over what the targets look like
    Raises: DataError in one line that names the file (and row), what is wrong and what to do
    """
    return _sized(_open(data, config, task=task, tick=tick, like=None), config)


def open_like(data: Any, schema: Schema, config: DataConfig, *, tick: Tick = silent) -> Dataset:
    """Data for judging a trained model: sizes, classes and scales are its schema's, nothing is held back.

    Rows without a split of their own are the split "test".

    Raises: DataError as `open_data`, and for classes and shapes that the model does not know
    """
    return _open(data, config, task=None, tick=tick, like=schema)


def place_of(data: str | Path) -> Place:
    """The folder or file that a path or name means.

    Raises: DataError with near names when there is none
    """
    if not str(data).strip():
        raise DataError("the name of the data is empty; give a path or a name (names: sonde datasets)")
    path = Path(data).expanduser()
    if path.exists():
        return Place(path=path)
    text = str(data)
    root = os.environ.get("SONDE_DATA")
    if root and not path.is_absolute() and (Path(root) / path).exists():
        return Place(path=Path(root) / path, name=text)
    if text in EMBEDDED:
        return Place(path=None, name=text)
    return Place(path=None, name=_named(text, path))


def recognise(path: Path) -> tuple[str, str]:
    """(module of the form, why it fits). Raises: DataError saying what is there when no form fits."""
    for form in FORMS:
        reason = import_module(form).recognise(path)
        if reason:
            return form, reason
    raise DataError(f"{path} {_contents(path)}; it should hold {KNOWN_FORMS}")


def _sized(dataset: Dataset, config: DataConfig) -> Dataset:
    """The dataset. Raises: DataError when a size of images was asked for and there are none, or tokens and there is no text."""
    kind = dataset.schema.input.kind
    if config.image_size is not None and kind != "image":
        raise DataError(f"{dataset.source} holds no images, so leave --image-size out")
    for name in ("tokenizer", "vocabulary", "vocabulary_of", "max_tokens"):
        if kind != "tokens" and getattr(config, name) != getattr(DataConfig, name):
            raise DataError(f"{dataset.source} holds no text to be cut into tokens, so leave {flag(name)} out")
    for name, kinds in COLUMN_SETTINGS.items():
        if kind not in kinds and getattr(config, name):
            what = "as a time series" if name in OF_SERIES else "as recordings" if kinds == ("audio",) else "as a table"
            hint = "say --task forecasting, or " if name in OF_SERIES and kind == "table" else ""
            raise DataError(f"{dataset.source} was not read {what}; {hint}leave {flag(name)} out")
    return dataset


def _open(data: Any, config: DataConfig, *, task: str | None, tick: Tick, like: Schema | None) -> Dataset:
    if not isinstance(data, str | Path):
        from sonde.modalities.arrays.forms import memory

        dataset = memory.read(data, config, task=task, tick=tick, like=like)
        return thinned(dataset, config) if dataset.schema.input.kind == "table" and like is None else dataset
    place = place_of(data)
    if place.name in EMBEDDED and place.path is None:
        from sonde.modalities.image.forms import digits

        return digits.read(config, task=task, tick=tick, like=like)
    names: tuple[str, ...] = ()
    path = place.path
    if place.name:
        from sonde.data.named import NAMED, locate  # urllib and checksums: for names alone

        names = NAMED[place.name].class_names if place.name in NAMED else ()
        path = path or locate(place.name, tick=tick)
    assert path is not None
    dataset = _read(path, config, task=task, tick=tick, like=like)
    if place.name:
        dataset = replace(dataset, name=Path(place.name).stem, source=place.name)
    return _with_names(dataset, names) if like is None else dataset


def _read(path: Path, config: DataConfig, *, task: str | None, tick: Tick, like: Schema | None) -> Dataset:
    try:
        form = _form_for(path, task, like)
        if config.folds and form not in IN_FOLDS:
            raise DataError(f"{path}: --folds is for rows that stand for themselves, and these do not; leave it out")
        _refuse_column_settings(form, path, config)
        module = import_module(form)
        if form.endswith(".tables"):
            if like is not None:
                return module.read_like(path, like, config)
            dataset = module.read(path, config, task=task, tick=tick)
            return thinned(dataset, config) if dataset.schema.input.kind == "table" else dataset
        return module.read(path, config, task=task, tick=tick, like=like)
    except PermissionError as error:
        raise DataError(f"{error.filename or path} may not be read; give yourself the permission") from None


def _form_for(path: Path, task: str | None, like: Schema | None) -> str:
    """The form that suits a task, of those a place may be read as; else the first that fits. Raises: DataError."""
    wanted = BY_TARGET.get(like.target.kind) if like is not None else task
    if wanted == "forecasting" and path.is_file():
        return SERIES  # also where there are other columns, or gaps
    suited = (form for form in BY_TASK.get(wanted or "", ()) if import_module(form).recognise(path))
    form = next(suited, None) or recognise(path)[0]
    asked_otherwise = wanted is not None or like is not None
    return TABLES if form == SERIES and asked_otherwise else form


def _refuse_column_settings(form: str, path: Path, config: DataConfig) -> None:
    """Raises: DataError when columns are named in data that has none, which would be ignored otherwise."""
    without = {
        "sonde.modalities.image.forms.idx": "labels files",
        "sonde.modalities.image.forms.class_folders": "class folders",
        "sonde.modalities.image.forms.masks": "masks",
        "sonde.modalities.text.forms.parallel": "lines of text",
        "sonde.modalities.image.forms.boxes": "boxes",
        "sonde.modalities.text.forms.squad": "questions",
        "sonde.modalities.text.forms.text_files": "text",
        "sonde.modalities.text.forms.class_folders": "class folders",
        "sonde.modalities.protein.forms.structures": "structures",
        "sonde.modalities.image.forms.unlabelled": "images without labels",
    }
    if form in without and (config.target or config.columns):
        flag = "--target" if config.target else "--columns"
        raise DataError(f"{path} has {without[form]} and no columns, so leave {flag} out")


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
    from sonde.data.named import NAMED

    if text in NAMED:
        return text
    names = nearest(text, [*EMBEDDED, *NAMED])
    beside = _near_entries(path)
    suggestions = [*beside, *(name for name in names if name not in beside)]
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


def _contents(path: Path) -> str:
    """What a folder or file is, for an error: "is empty", "holds 3 .wav, 1 .md"."""
    if path.is_file():
        return f"is no form of data that is known by its ending ({path.suffix or 'it has none'})"
    counts: dict[str, int] = {}
    for entry in sorted(path.iterdir()):
        if not entry.name.startswith("."):
            kind = "folders" if entry.is_dir() else (entry.suffix.lower() or "files without ending")
            counts[kind] = counts.get(kind, 0) + 1
    if not counts:
        return "is empty"
    tables = _tables(path)
    if tables:
        return f"holds several tables; name one of {', '.join(tables[:LISTED])}, or call them train and test"
    return "holds " + _counted(counts) + ", which is no form that can be read"


def _counted(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{number} {kind}" for kind, number in ordered[:LISTED]) + " …" * (len(ordered) > LISTED)


def _tables(path: Path) -> list[str]:
    from sonde.modalities.table.read import table_suffix

    return sorted(entry.name for entry in path.iterdir() if entry.is_file() and table_suffix(entry))
