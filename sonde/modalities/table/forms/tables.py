"""Tables as datasets: one file, a folder of files named for their splits, or a frame in memory."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, InputSpec, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.fingerprint import of_arrays
from sonde.data.listing import Listing
from sonde.data.splits import SPLIT_NAMES, held_back_facts, in_order, shares, thinned
from sonde.modalities.catalogue import check_kind
from sonde.modalities.modality import Wanted
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.encode import Fitted, check_sources, encode, fit_columns
from sonde.modalities.table.features import read_features
from sonde.modalities.table.held_back import hold_back
from sonde.modalities.table.joined_labels import lists_joined
from sonde.modalities.table.kinds import Kind, Values, categories, is_missing
from sonde.modalities.table.over_time import scored_one_by_one
from sonde.modalities.table.read import (
    JSON_SUFFIXES,
    TEXT_SUFFIXES,
    Table,
    notes_of,
    numbered_like,
    read_table,
    table_suffix,
)
from sonde.modalities.table.rows import TableRows
from sonde.modalities.table.skipped import reading
from sonde.modalities.table.target import Target
from sonde.modalities.table.together import against_chance
from sonde.modalities.table.whole import condition_column, read_target_or_none, table_target
from sonde.tasks.table import learns_dates, refuse_columns

_SHARD = re.compile(r"(?P<split>[a-z0-9]+)-\d+-of-(?P<of>\d+)")  # how Hugging Face names the files of a split
_ABOUT = ("", ".md", ".json", ".py", ".yaml", ".yml")  # files of a repository that say something of its data


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a path looks like a table or a folder of tables, None if it does not."""
    files = split_files(listing)
    if "train" not in files or any(listing.once(_holds_images, file) for file in files.values()):
        return None
    if listing.is_dir:
        return "tables named " + ", ".join(file.name for file in files.values())
    return f"its name ends in {table_suffix(listing.path)}"


def split_files(listing: Listing, *, alone: str = "train") -> dict[str, Path]:
    """Split -> table file, of a folder by the names of its files (train, dev, validation, test-00000-of-00001, …).

    A single file is the split `alone`.

    Raises: DataError for two files of one split, and for a split that is cut into several
    """
    if listing.is_file:
        return {alone: listing.path} if table_suffix(listing.path) else {}
    found: dict[str, Path] = {}
    for file in listing.files:
        stem = file.name.split(".")[0].lower()
        shard = _SHARD.fullmatch(stem)
        split = SPLIT_NAMES.get(shard["split"] if shard else stem)
        if not table_suffix(file) or split is None:
            continue
        if shard and int(shard["of"]) > 1 and not listing.once(_holds_images, file):
            raise DataError(
                f"{listing.path}: the {split} split is cut into {int(shard['of'])} files such as {file.name}; join them "
                f"into one, for example with pandas.concat, and write it as {split}{table_suffix(file)}"
            )
        if split in found:
            raise DataError(
                f"{listing.path}: {found[split].name} and {file.name} both name the {split} split; keep one"
            )
        found[split] = file
    if not found and len(listing.folders) == 1 and all(file.suffix.lower() in _ABOUT for file in listing.files):
        below = listing.folder("data")  # repositories of Hugging Face: data/train-00000-of-00001.parquet
        return {} if below is None else split_files(below, alone=alone)
    return in_order(found)


def read_tables(
    listing: Listing, config: DataConfig, *, like: Schema | None = None, tick: Tick = silent
) -> dict[str, Table]:
    """Split -> table; where a trained model is evaluated, a single one is the split "test"."""
    files = split_files(listing, alone="train" if like is None else "test")
    tables: dict[str, Table] = {}
    for done, (split, file) in enumerate(files.items()):
        tick("reading tables", done, len(files))
        names = () if "train" not in tables or not tables["train"].headless else tuple(tables["train"].columns)
        if like is not None and like.input.columns:
            names = numbered_like(file, [column.source for column in like.input.columns])
        settings = config.of(TableConfig)
        tables[split] = lists_joined(listing.once(read_table, file, settings.columns or names), settings.target)
    tick("reading tables", len(files), len(files))
    return tables


def about_tables(listing: Listing, *, like: Schema | None = None) -> About:
    """Facts about tables besides their rows."""
    path, files = listing.path, split_files(listing)
    first = next(iter(files.values()))
    form = "table" if like is not None else form_of(first) if listing.is_file else f"folder of {form_of(first)}s"
    return About.at(listing, name=short_name(path), form=form, why=first.name, files=list(files.values()))


def about_frames(tables: Mapping[str, Table]) -> About:
    """The same of tables in memory, which are called "table" where there is one."""
    if len(tables) == 1:
        (table,) = tables.values()
        source = f"{table.name} ({len(table):,} rows in memory)"
        return About(name=table.name, source=source, form="table in memory", why=table.name)
    sizes = ", ".join(f"{len(table):,} {split}" for split, table in tables.items())
    return About(
        name="table", source=f"tables ({sizes} rows in memory)", form="tables in memory", why=", ".join(tables)
    )


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """A table file, or a folder of tables named for their splits, as a dataset.

    Raises: DataError naming the file (and row), what is wrong and what to do
    """
    tables, about = read_tables(listing, config, like=like, tick=tick), about_tables(listing, like=like)
    return _dataset(tables, about, Wanted(config=config, task=task, like=like))


def read_frames(tables: Mapping[str, Table], wanted: Wanted) -> Dataset:
    """Tables in memory by split as a dataset. Raises: DataError as `read`"""
    return _dataset(dict(tables), about_frames(tables), wanted)


def _as_trained(tables: Mapping[str, Table], about: About, config: DataConfig, schema: Schema) -> Dataset:
    """Tables to evaluate a trained model on: encoded by its schema."""
    columns = saved_target(schema.target, config)
    splits, warnings = {}, notes_of(tables.values())
    for split, table in tables.items():
        if config.skip_unreadable:
            table, target, said = reading(
                table, lambda each: read_target_or_none(each, columns, schema.target), skip=True
            )
            warnings += said
        else:  # eval has no such flag to name
            target = read_target_or_none(table, columns, schema.target)
        index, dropped = with_target(table, target, columns)
        warnings += dropped
        splits[split] = _rows(table, index, encode(table, schema.input.columns), target, schema.target)
    facts = [Fact(f"{sum(map(len, splits.values())):,} rows", "encoded as in training")]
    return about.dataset(schema, splits, facts, warnings, fingerprint=about.fingerprint or _hashes(splits))


def _dataset(tables: dict[str, Table], about: About, wanted: Wanted) -> Dataset:
    config = wanted.config
    settings = config.of(TableConfig)
    if wanted.like is not None:
        check_kind("table", about.source, wanted.like)
        return _as_trained(tables, about, config, wanted.like)
    train_table = tables["train"]
    if not settings.target:
        refuse_columns(wanted.task, "table", train_table.name)
    train_table, target, warnings = reading(
        train_table, lambda table: table_target(table, settings.target, wanted.task), skip=config.skip_unreadable
    )
    tables["train"] = train_table
    warnings += without_target(tables, target)
    targets: dict[str, np.ndarray] = {}
    for split, table in tables.items():
        tables[split], targets[split], said = reading(
            table, lambda each: read_target_or_none(each, target.columns, target.spec), skip=config.skip_unreadable
        )
        warnings += said
    train_table = tables["train"]
    indices: dict[str, np.ndarray] = {}
    for split, table in tables.items():
        indices[split], dropped = with_target(table, targets[split], target.columns)
        warnings += dropped
    labels = targets["train"][indices["train"]] if target.spec.kind == "class" else None
    chosen, split_facts = _split(train_table, indices, config, labels=labels)
    train = chosen["train"][1]
    inputs = [column for column in train_table.columns if column not in (*target.columns, settings.group)]
    kinds, values, said = read_features(train_table, inputs)
    warnings += said
    drawn = any(source == "train" and split != "train" for split, (source, _) in chosen.items())
    if drawn and settings.time is None and settings.group is None:
        warnings += against_chance(kinds, values, indices["train"], train_table.name)
    warnings += scored_one_by_one(kinds, values, train_table.name, wanted.task)
    fitted = fit_columns(values, kinds, train, train_table.numbers, dates=learns_dates(wanted.task))
    warnings += [f"{train_table.name}: column {column!r}: {text}" for column, text in fitted.spelled.items()]
    target = standardised(target, targets["train"][train])
    for table in tables.values():
        check_sources(table, fitted.columns)
    encoded = {s: encode(table, fitted.columns, values if s == "train" else None) for s, table in tables.items()}
    splits = {
        split: _rows(tables[source], index, encoded[source], targets[source], target.spec)
        for split, (source, index) in chosen.items()
    }
    condition = condition_column(target, wanted.task)
    spec = InputSpec(kind="table", shape=(len(fitted.columns),), columns=fitted.columns, column=condition)
    facts = [_columns_fact(train_table, kinds, values, fitted), *fitted.facts(), target.fact, *split_facts]
    schema = Schema(input=spec, target=target.spec)
    found = about.dataset(schema, splits, facts, warnings, fingerprint=about.fingerprint or _hashes(splits))
    return thinned(found, config)


def without_target(tables: dict[str, Table], target: Target) -> list[str]:
    """Leave out tables other than train that lack the target (the usual competition test file), and say so.

    What was guessed of the target, and while the tables were read, is said with it.
    Raises: DataError for one that a program handed over, which meant it to be evaluated on
    """
    lacking = [
        split for split, table in tables.items() if split != "train" and not set(target.columns) <= set(table.columns)
    ]
    said = [*target.warnings, *notes_of(tables.values())]
    said += [
        _unlabelled(tables, split, target) for split in list(tables) if _is_unlabelled(tables[split], split, target)
    ]
    for split in lacking:
        if tables[split].first_row == 0:  # in memory
            raise DataError(
                f"the {tables[split].name} has no column {target.columns[0]!r}, so that nothing can be evaluated on it; leave it "
                "out of the dict, and give it to run.predict after training"
            )
    return said + [
        f"{tables.pop(split).name} has no column {target.columns[0]!r}, so the model cannot be evaluated on it; "
        "use sonde predict on it after training"
        for split in lacking
    ]


def _is_unlabelled(table: Table, split: str, target: Target) -> bool:
    """Whether a part besides train has the target's columns, and in all rows nothing or -1, which is none of its values."""
    if split == "train" or target.spec.kind in ("value", "none") or not set(target.columns) <= set(table.columns):
        return False
    if "-1" in target.spec.names or (target.spec.kind == "labels" and len(target.columns) == 1):
        return False
    return all(set(categories(table, column).names) <= {"-1"} for column in target.columns)


def _unlabelled(tables: dict[str, Table], split: str, target: Target) -> str:
    """Leave such a part out, and say so."""
    return (
        f"{tables.pop(split).name} has no labels: {target.columns[0]!r} is empty or -1 in every row, so the model cannot be "
        "evaluated on it; use sonde predict on it after training"
    )


def with_target(table: Table, target: np.ndarray, columns: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Rows of a table that have a target, and a warning that counts the others."""
    there = target >= 0 if target.ndim == 1 else ~np.isnan(target).all(axis=1)
    gone = int((~there).sum())
    if gone == len(table):
        raise DataError(f"{table.name}: target column {columns[0]!r} is missing in every row")
    which = f"no {columns[0]!r}" if len(columns) == 1 else f"none of the {len(columns)} targets"
    warnings = [f"{table.name}: {gone:,} of {len(table):,} rows have {which} and are dropped"] if gone else []
    return np.flatnonzero(there), warnings


def _split(
    table: Table, indices: Mapping[str, np.ndarray], config: DataConfig, *, labels: np.ndarray | None
) -> tuple[dict[str, tuple[str, np.ndarray]], list[Fact]]:
    """Hold back validation and test rows of train where the data brings none: what `split_facts` takes, and says.

    table:   of the split train;  indices: split -> rows with a target in its table;  labels: of those of train
    """
    index = indices["train"]
    test, validation = shares(indices, config)
    if len(index) < 3 and test + validation > 0:
        raise DataError(f"{table.name} has {len(index)} rows with a target, too few to split; add more rows")
    held, how = hold_back(table, index, config, test=test, validation=validation, labels=labels)
    chosen = {split: (split, rows) for split, rows in indices.items()}
    chosen |= {split: ("train", index[places]) for split, places in held.items() if len(places)}
    return chosen, split_facts(in_order(chosen), table, stratified=labels is not None, how=how)


def split_facts(
    chosen: Mapping[str, tuple[str, np.ndarray]], table: Table, *, stratified: bool, how: str = ""
) -> list[Fact]:
    """How many rows each split has, and how those that were held back were chosen (`held_back_facts`).

    chosen: split -> (the split whose table its rows stand in, their places in that);  table: of the split train
    """
    sizes = {split: len(rows) for split, (_, rows) in chosen.items()}
    own = [split for split, (source, _) in chosen.items() if source != "train"]
    drawn = [split for split in chosen if split != "train" and split not in own]
    return [
        Fact(f"{sizes['train']:,} training rows", f"of {len(table):,} in {table.name}"),
        *(Fact(f"{sizes[split]:,} {split} rows", "from the data") for split in own),
        *held_back_facts(sizes, drawn, stratified=stratified, how=how),
    ]


def standardised(target: Target, train: np.ndarray) -> Target:
    """Fit mean and std of value targets on the training rows."""
    if target.spec.kind != "value":
        return target
    mean, std = np.nanmean(train, axis=0), np.nanstd(train, axis=0)
    for column, spread in zip(target.columns, std, strict=True):
        if not spread > 0:
            raise DataError(f"target column {column!r} is the same in every training row; there is nothing to learn")
    spec = replace(target.spec, mean=tuple(map(float, mean)), std=tuple(map(float, std)))
    return replace(target, spec=spec)


def _rows(table: Table, index: np.ndarray, input: np.ndarray, target: np.ndarray, spec: TargetSpec) -> TableRows:
    return TableRows(
        {"input": input[index], **target_fields(target[index], spec)}, table.name, row_numbers(table)[index]
    )


def target_fields(target: np.ndarray, spec: TargetSpec) -> dict[str, np.ndarray]:
    """`target`, and `mask` where the spec is masked, of targets as `read_target` gives them."""
    if spec.kind == "class":
        return {"target": target}
    scaled = (target - np.array(spec.mean)) / np.array(spec.std) if spec.kind == "value" else target
    fields = {"target": np.nan_to_num(scaled).astype(np.float32)}
    return {**fields, "mask": (~np.isnan(target)).astype(np.float32)} if spec.masked else fields


def _hashes(splits: Mapping[str, TableRows]) -> dict[str, str]:
    """What a table in memory is known again by: its encoded rows."""
    return of_arrays(
        {f"{split} {field}": array for split, rows in splits.items() for field, array in rows.arrays.items()}
    )


def row_numbers(table: Table) -> np.ndarray:
    """(n,) what a person calls each row."""
    return np.arange(table.first_row, table.first_row + len(table))


def saved_target(spec: TargetSpec, config: DataConfig) -> tuple[str, ...]:
    """The target's columns in the table: values and labels are called after them, classes need them named."""
    settings = config.of(TableConfig)
    if spec.kind == "none":
        return ()
    if spec.kind == "labels" and len(settings.target) == 1 and settings.target[0] not in spec.names:
        return settings.target  # its cells join labels
    if spec.kind != "class":
        return spec.names
    if not settings.target:
        raise DataError("which column holds the true class? Use --target COLUMN")
    return settings.target[:1]


def _columns_fact(table: Table, kinds: Mapping[str, Kind], values: Mapping[str, Values], fitted: Fitted) -> Fact:
    used = {column.source for column in fitted.columns}
    words = {"number": ("number", "numbers"), "category": ("category", "categories"), "date": ("date", "dates")}
    counts = {kind: sum(k.kind == kind and c in used for c, k in kinds.items()) for kind in words}
    what = ", ".join(f"{n} {words[kind][n != 1]}" for kind, n in counts.items() if n)
    missing = {name: number for name in kinds if name in used and (number := int(is_missing(values[name]).sum()))}
    gaps = ", ".join(f"{name} ({number:,})" for name, number in missing.items())
    return Fact(f"input: {what}", f"cells of {table.name}" + (f"; missing in {gaps}" if gaps else ""))


def _holds_images(path: Path) -> bool:
    """Whether a Parquet file holds encoded images (a struct with bytes), which another form reads."""
    if table_suffix(path) not in (".parquet", ".pq"):
        return False
    try:
        schema = pa_parquet.read_schema(path)
    except (pa.ArrowException, OSError):
        return False  # what is wrong with the file is reported when it is read
    return any(
        pa.types.is_struct(kind) and any(kind.field(i).name == "bytes" for i in range(kind.num_fields))
        for kind in schema.types
    )


def form_of(path: Path) -> str:
    """ "CSV table", from the name's ending."""
    suffix = table_suffix(path)
    if suffix in TEXT_SUFFIXES:
        return f"{suffix[1:].upper()} table"
    named = {".parquet": "Parquet", ".pq": "Parquet", ".json": "JSON", **dict.fromkeys(JSON_SUFFIXES, "JSON-lines")}
    return f"{named.get(suffix, 'Arrow')} table"


def short_name(path: Path) -> str:
    """A file's or folder's name, fit for a folder of a run."""
    return re.sub(r"[^\w.-]+", "-", path.name.split(".")[0]) or "table"
