"""Sets of Hugging Face's `datasets`: columns of images, text, numbers and lists of numbers, beside one to predict.

They are read as Arrow holds them, so that images stay encoded until they are needed. A set with a transform of its own is read
as a torch Dataset is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.core.progress import Tick
from sonde.data import fingerprint
from sonde.data.assemble import About
from sonde.data.targets import RawTarget, raw_target
from sonde.modalities.arrays.dataset import ArrayPair, assemble_arrays
from sonde.modalities.image.files import Content
from sonde.modalities.image.forms.parquet import label_columns
from sonde.modalities.image.rows import Encoded, assemble_images
from sonde.modalities.modality import Wanted
from sonde.modalities.table.config import TableConfig

UNREAD = {"Audio": "recordings", "Video": "videos", "Pdf": "documents"}
INSTEAD = "write the rows to a folder of files, and give that"


@dataclass(frozen=True)
class HubImages:
    """A column of images, each decoded when it is read."""

    rows: Any  # the set with this column alone, as Arrow
    place: str

    def __len__(self) -> int:
        return len(self.rows)

    def content(self, index: int) -> Content:
        """The encoded bytes, or the file. Raises: DataError where the cell is empty"""
        cell = self.rows[index].column(0)[0].as_py()
        if cell is None:
            raise DataError(f"{self.describe(index)} is empty; leave the row out: dataset.filter(…)")
        return Path(cell["path"]) if cell["bytes"] is None else cell["bytes"]

    def describe(self, index: int) -> str:
        """ "train row 17"."""
        return f"{self.place} row {index}"


def read_columns(splits: Mapping[str, Any], wanted: Wanted, tick: Tick) -> Dataset | None:
    """Images, or rows of lists of numbers; None for sets that are tables, whose frames are `frames`.

    Raises: DataError for columns that cannot be read, and when the target is missing or unclear
    """
    first = splits["train"]
    for name, feature in first.features.items():
        if (what := UNREAD.get(type(feature).__name__)) and name in first.format["columns"]:
            raise DataError(f"column {name!r} holds {what}, which are not read from a set; {INSTEAD}")
    images = [name for name in _columns(first) if _is(first, name, "Image")]
    lists = [] if images else [name for name in _columns(first) if _holds_lists(first, name)]
    if not images and not lists:
        return None
    requested = wanted.config.of(TableConfig).target
    schema = as_arrow(first.select(range(0))).schema
    if images:
        if len(images) > 1:
            raise DataError(
                f"columns {' and '.join(map(repr, images))} hold images, and one is read; leave others out: "
                f"dataset.remove_columns({images[1]!r}), or for masks {INSTEAD}"
            )
        targets = label_columns(schema, images[0], requested, "the set")
        return _read_images(splits, images[0], targets, wanted, tick)
    plain = [name for name in _columns(first) if name not in lists]
    if len(lists) > 1 or len(plain) > 1 or not plain:
        return None if len(plain) > 1 else _refuse_lists(lists)
    return _read_lists(splits, lists[0], label_columns(schema, lists[0], requested, "the set"), wanted, tick)


def frames(splits: Mapping[str, Any]) -> tuple[dict[str, pa.Table], list[str]]:
    """Split -> its columns as a table, and warnings; classes by their names, lists left out.

    A split without any label (-1 in all rows) has no column of them.
    """
    found, warnings = {}, []
    lists = [name for name in _columns(splits["train"]) if _holds_lists(splits["train"], name)]
    if lists:
        warnings.append(f"left out {', '.join(lists)}: a table's cells cannot be lists")
    for split, given in splits.items():
        table = as_arrow(given)
        for name in _columns(given):
            if name in lists:
                table = table.drop_columns([name])
            elif _is(given, name, "ClassLabel"):
                places = table.column(name).to_pylist()
                where = table.column_names.index(name)
                if split != "train" and all(place in (None, -1) for place in places):
                    table = table.remove_column(where)
                else:
                    names = given.features[name].names
                    cells = [None if place in (None, -1) else names[place] for place in places]
                    table = table.set_column(where, name, pa.chunked_array([pa.array(cells, pa.string())]))
        found[split] = table
    return found, warnings


def inputs_of(data: Any) -> Any:
    """What `predict` reads of a set: a list of images, an array, or a table."""
    images = [name for name in _columns(data) if _is(data, name, "Image")]
    if images:
        encoded = HubImages(data.select_columns([images[0]]).with_format("arrow"), "input")
        return [_opened(encoded, index) for index in range(len(encoded))]
    lists = [name for name in _columns(data) if _holds_lists(data, name)]
    if len(lists) == 1 and len(_columns(data)) <= 2:
        return _stacked(data, lists[0])
    return frames({"train": data})[0]["train"]


def as_arrow(data: Any) -> pa.Table:
    """All rows of the columns in use, as Arrow holds them."""
    return data.with_format("arrow", columns=data.format["columns"])[:]


def _columns(data: Any) -> list[str]:
    """The columns in use."""
    return list(data.format["columns"])


def _is(data: Any, name: str, kind: str) -> bool:
    return type(data.features[name]).__name__ == kind


def _holds_lists(data: Any, name: str) -> bool:
    kind = data.features.arrow_schema.field(name).type
    return pa.types.is_nested(kind) or isinstance(kind, pa.ExtensionType)


def _refuse_lists(lists: list[str]) -> None:
    more = "there is nothing to predict beside them" if len(lists) == 1 else "one such column is read"
    raise DataError(
        f"{', '.join(map(repr, lists))} hold{'s' if len(lists) == 1 else ''} lists of numbers, and {more}; give the column of "
        "text or images itself, or train your own network on the set with sonde.fit"
    )


def _read_images(
    splits: Mapping[str, Any], column: str, targets: tuple[str, ...], wanted: Wanted, tick: Tick
) -> Dataset:
    encoded: dict[str, Encoded] = {}
    raw, about = _with_targets(splits, targets, f"columns {column!r} and {', '.join(map(repr, targets))}", "images")
    for split in raw:
        encoded[split] = HubImages(splits[split].select_columns([column]).with_format("arrow"), split)
    return assemble_images(
        encoded, raw, about, wanted.config, every_header=False, task=wanted.task, tick=tick, like=wanted.like
    )


def _read_lists(
    splits: Mapping[str, Any], column: str, targets: tuple[str, ...], wanted: Wanted, tick: Tick
) -> Dataset:
    raw, about = _with_targets(splits, targets, f"columns {column!r} and {', '.join(map(repr, targets))}", "arrays")
    pairs = {split: ArrayPair(_stacked(splits[split], column), raw[split], f"{split} {column}") for split in raw}
    hashed = {**about.fingerprint, **fingerprint.of_arrays({f"{s} x": pair.inputs for s, pair in pairs.items()})}
    about = About(**{**vars(about), "fingerprint": hashed})
    return assemble_arrays(pairs, about, wanted.config, task=wanted.task, tick=tick, like=wanted.like)


def _with_targets(
    splits: Mapping[str, Any], columns: tuple[str, ...], why: str, what: str
) -> tuple[dict[str, RawTarget], About]:
    """The targets of the splits that have any, and what is known of the set besides its rows."""
    raw, warnings = {}, []
    for split, given in splits.items():
        values = _values(given, columns, split)
        if split != "train" and (values is None or (values.dtype.kind in "iu" and (values == -1).all())):
            warnings.append(
                f"{split} has no labels, so the model cannot be evaluated on it; use sonde predict on it after training"
            )
            continue
        if values is None:
            raise DataError(f"column {columns[0]!r} is missing in every row")
        raw[split] = raw_target(values, f"{split} {columns[0]}")
    first = splits["train"]
    names = (
        tuple(first.features[columns[0]].names) if _is(first, columns[0], "ClassLabel") and len(columns) == 1 else ()
    )
    rows = ", ".join(f"{len(given):,} {split}" for split, given in splits.items())
    about = About(
        name=what,
        source=f"a Hugging Face set ({rows} rows in memory)",
        form="Hugging Face set",
        why=why,
        class_names=names,
        warnings=warnings,
        fingerprint=fingerprint.of_arrays({f"{split} y": target.values for split, target in raw.items()}),
    )
    return raw, about


def _values(data: Any, columns: Sequence[str], split: str) -> np.ndarray | None:
    """(n,) or (n, outputs) targets, missing numbers NaN; None where there are none at all."""
    lacking = [name for name in columns if name not in _columns(data)]
    if lacking:
        return None
    table = as_arrow(data.select_columns(list(columns)))
    cells = [table.column(name).to_pylist() for name in columns]
    if all(value is None for column in cells for value in column):
        return None
    if len(columns) > 1:
        return np.array([[np.nan if value is None else float(value) for value in column] for column in cells]).T
    if pa.types.is_struct(table.column(0).type):
        raise DataError(
            f"{split} {columns[0]} holds {table.column(0).type}; a target has one value per row, so name another with "
            "target="
        )
    filled = [np.nan if value is None else value for value in cells[0]]
    return np.array(filled if None in cells[0] else cells[0])


def _stacked(data: Any, column: str) -> np.ndarray:
    """(n, …) of a column of lists. Raises: DataError where they differ in length"""
    try:
        return np.array(data.select_columns([column]).with_format("arrow")[:].column(column).to_pylist())
    except ValueError:
        raise DataError(
            f"column {column!r} holds lists of different lengths; give the column of text itself, or train your own network "
            "on the set with sonde.fit and a DataLoader that pads"
        ) from None


def _opened(encoded: HubImages, index: int) -> Any:
    """An image as `predict` takes it: a file, or a picture of Pillow's."""
    import io

    from PIL import Image

    content = encoded.content(index)
    return Image.open(io.BytesIO(content)) if isinstance(content, bytes) else content
