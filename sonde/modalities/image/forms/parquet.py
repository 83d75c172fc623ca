"""Parquet and Arrow files in Hugging Face's image form: a column of encoded images beside a column of labels."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import DataError, nearest
from sonde.core.files import parsed_json
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.splits import SPLIT_NAMES, in_order
from sonde.data.targets import RawTarget, raw_target
from sonde.modalities.image.rows import assemble_images
from sonde.modalities.image.shards import open_shards, read_columns, read_schema
from sonde.modalities.modality import Wanted
from sonde.modalities.table.config import TableConfig
from sonde.tasks.table import refuse_columns

SUFFIXES = (".parquet", ".pq", ".arrow")
LABEL_NAMES = ("label", "labels", "target", "class", "y", "category")
DEEPEST = 3  # folders below the one given: data/train/0000.parquet


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a path holds images in Parquet or Arrow files, None if it does not.

    A folder whose files cannot be opened at all is taken too, so that reading it says which is damaged.
    """
    files = _files(listing)
    for file in files:
        try:
            schema = listing.once(read_schema, file)
        except DataError:
            continue
        column = image_column(schema)
        return f"column {column!r} of {file.name} holds images" if column else None
    return f"it holds {files[0].name}" if files and listing.is_dir else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Images decoded as they are read, from row groups that are read as they are needed, or from mapped files.

    Raises: DataError for damaged files, and when the label column is missing, unclear or has gaps
    """
    path, by_split = listing.path, _by_split(listing)
    first = read_schema(by_split["train"][0])
    column = image_column(first)
    if column is None:
        raise DataError(f"{by_split['train'][0]} has no column of encoded images; it has {', '.join(first.names)}")
    if not config.of(TableConfig).target:
        refuse_columns(task, "image", path.name)
    targets = label_columns(first, column, config.of(TableConfig).target, path)
    raw, warnings, splits = {}, [], {}
    for split, files in by_split.items():
        tick("reading labels", len(splits), len(by_split))
        target = _targets(files, targets)
        if split != "train" and (target is None or (target.values.dtype.kind in "iu" and (target.values == -1).all())):
            warnings.append(
                f"{split} has no labels, so the model cannot be evaluated on it; use sonde predict on it after training"
            )
            continue
        if target is None:
            raise DataError(f"{files[0]}: column {targets[0]!r} is missing in every row")
        raw[split] = target
        splits[split] = open_shards(files, column, tick=tick)
    about = About.at(
        listing,
        name=re.sub(r"[^\w.-]+", "-", path.resolve().name.split(".")[0]),
        form="Parquet images" if by_split["train"][0].suffix != ".arrow" else "Arrow images",
        why=f"columns {column!r} and {', '.join(map(repr, targets))}",
        class_names=class_names(first, targets[0]) if len(targets) == 1 else (),
        warnings=warnings,
        files=[file for files in by_split.values() for file in files],
    )
    dataset = assemble_images(splits, raw, about, config, every_header=False, task=task, tick=tick, like=like)
    for shards in splits.values():
        shards.drop()
    return dataset


def image_column(schema: pa.Schema) -> str | None:
    """The column of encoded images: declared one in the metadata, a struct with bytes, or plain bytes called image."""
    declared = [name for name, feature in _features(schema).items() if _type(feature) == "Image"]
    structs = [f.name for f in schema if pa.types.is_struct(f.type) and f.type.get_field_index("bytes") >= 0]
    binary = [f.name for f in schema if pa.types.is_binary(f.type) or pa.types.is_large_binary(f.type)]
    plain = [name for name in binary if name.lower() in ("image", "img", "jpg", "png")]
    found = [name for name in (*declared, *structs, *plain) if name in schema.names]
    return found[0] if found else None


def class_names(schema: pa.Schema, column: str) -> tuple[str, ...]:
    """Names of a ClassLabel column, from the schema's metadata; empty where there are none."""
    feature = _features(schema).get(column)
    names = feature.get("names") if isinstance(feature, Mapping) else None
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _features(schema: pa.Schema) -> Mapping[str, Any]:
    """What Hugging Face datasets says of the columns."""
    text = (schema.metadata or {}).get(b"huggingface")
    if text is None:
        return {}
    try:
        features = parsed_json(text)["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}  # a note by another program, of which nothing is needed
    return features if isinstance(features, Mapping) else {}


def _type(feature: Any) -> str:
    return feature.get("_type", "") if isinstance(feature, Mapping) else ""


def label_columns(schema: pa.Schema, image: str, requested: Sequence[str], path: Path | str) -> tuple[str, ...]:
    """The asked label columns, else the one that is declared or called so, or the only other one."""
    others = [name for name in schema.names if name != image]
    for name in requested:
        if name not in others:
            near = nearest(name, others)
            hint = (
                f"did you mean {' or '.join(map(repr, near))}?" if near else f"it has {', '.join(others) or 'no other'}"
            )
            raise DataError(f"{path} has no column {name!r} to predict; {hint}")
    if requested:
        return tuple(requested)
    declared = [
        name for name, feature in _features(schema).items() if _type(feature) == "ClassLabel" and name in others
    ]
    called = [name for name in others if name.lower() in LABEL_NAMES]
    for choice in (called, declared, others):
        if len(choice) == 1:
            return (choice[0],)
    if not others:
        raise DataError(f"{path} has images in column {image!r} and no other column to predict")
    raise DataError(f"{path}: which column is the target? Use --target with one of {', '.join(declared or others)}")


def _targets(files: Sequence[Path], columns: Sequence[str]) -> RawTarget | None:
    """The targets of a split's files; None where every row lacks one."""
    for file in files:
        lacking = [name for name in columns if name not in read_schema(file).names]
        if lacking:
            raise DataError(f"{file} has no column {lacking[0]!r}, which other files of the dataset have")
    tables = [read_columns(file, columns) for file in files]
    place = f"{files[0].name} {columns[0]!r}" + (f" and {len(files) - 1} more files" if len(files) > 1 else "")
    series = [pa.chunked_array([c for t in tables for c in t.column(name).chunks]) for name in columns]
    if all(one.null_count == len(one) for one in series):
        return None
    if len(series) > 1:
        return raw_target(np.stack([_numpy(one).astype(np.float64) for one in series], axis=1), place)
    for file, table in zip(files, tables, strict=True):
        column = table.column(columns[0])
        if column.null_count:
            row = column.is_null().to_pylist().index(True)
            raise DataError(f"{file.name} row {row} has no {columns[0]!r}; leave the row out")
    if pa.types.is_nested(series[0].type):
        raise DataError(
            f"{place} holds {series[0].type}; a target has one value per row, so name another with --target"
        )
    return raw_target(_numpy(series[0]), place)


def _numpy(column: pa.ChunkedArray) -> np.ndarray:
    """(n,) values, missing numbers NaN. Not by `to_numpy`, which imports pandas (0.4 s)."""
    array = column.combine_chunks()
    if array.null_count == 0 and (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)):
        return np.from_dlpack(array)
    values = array.to_pylist()
    return np.array([np.nan if value is None else value for value in values] if array.null_count else values)


def _by_split(listing: Listing) -> dict[str, list[Path]]:
    """Split -> files, by the start of a file's name or by its folder; train where neither says one."""
    path = listing.path
    found: dict[str, list[Path]] = {}
    for file in _files(listing):
        parents = file.relative_to(path).parts[:-1] if listing.is_dir else ()
        words = [re.split(r"[-_.]", file.name.lower())[0], *(part.lower() for part in reversed(parents))]
        split = next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), "train")
        found.setdefault(split, []).append(file)
    if "train" not in found:
        only = next(iter(found))
        if len(found) > 1:
            raise DataError(f"{path} has no train files, only {', '.join(found)}; name the file to train on")
        found = {"train": found[only]}
    return in_order(found)


def _files(listing: Listing) -> list[Path]:
    if listing.is_file:
        return listing.ending(*SUFFIXES)
    below = (listing.path / name for name in listing.below if name.count("/") < DEEPEST)
    return sorted(file for file in below if file.suffix.lower() in SUFFIXES)
