"""Tables with a column of SMILES as datasets of molecules: one file, or a folder of files named for their splits."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, InputSpec, Rows, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.ragged import Numbered
from sonde.data.splits import in_order, share_out, thinned
from sonde.data.unzipped import text_of
from sonde.modalities.modality import Wanted
from sonde.modalities.molecule.codes import FEATURES, SYMBOLS
from sonde.modalities.molecule.graphs import Graph, graph_of, parsed, rows_of
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.encode import is_row_number
from sonde.modalities.table.forms.tables import (
    form_of,
    row_numbers,
    saved_target,
    short_name,
    split_facts,
    split_files,
    standardised,
    target_fields,
    with_target,
    without_target,
)
from sonde.modalities.table.kinds import clean, infer_kind, is_text, parse
from sonde.modalities.table.read import (
    Table,
    frame_table,
    head_of,
    is_frame,
    read_table,
    table_suffix,
)
from sonde.modalities.table.target import infer_target, read_target, target_columns

PARSES = 0.95  # share of a column's cells from which on it holds SMILES
DIFFERS = 0.5  # share of them that are different, lest categories such as C and S be taken for methane and sulphur
LOOKED_AT = 200  # rows, to recognise the form by
NAMED = re.compile(r"smiles", re.IGNORECASE)
WRITTEN = re.compile(r"[A-Za-z0-9@+\-\[\]()=#$:%/\\.*~]+")  # the characters of OpenSMILES, and RDKit's ~ for any bond
TEXT_FILES = (".smi", ".smiles", ".txt")
HINT = "fix the row, or skip such rows with --skip-unreadable"


@dataclass(frozen=True, kw_only=True)
class Part:
    """The molecules of one table that can be read and have a target.

    index: (n,) their places in the table;  target: (n, …) as `read_target` gives it
    """

    table: Table
    index: np.ndarray
    graphs: Sequence[Graph]
    target: np.ndarray

    def rows(self, chosen: np.ndarray, spec: TargetSpec) -> Rows:
        """Some of them with their target fields."""
        graphs = [self.graphs[place] for place in chosen]
        names = Numbered(self.table.name, row_numbers(self.table)[self.index[chosen]])
        fields = target_fields(self.target[chosen], spec)
        return rows_of(graphs, [graph.name for graph in graphs], names, fields)


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a path looks like a table of molecules, or a folder of such, None if it does not.

    Raises: MissingDependency where a column is called SMILES and RDKit is not there to read it
    """
    file = split_files(listing).get("train")
    if file is None:
        return None
    try:
        head = listing.once(head_of, file)
        column = smiles_column(_cells(head)) if head is not None else None
    except DataError:
        return None  # what is wrong with the file is reported when it is read
    return f"column {column!r} of {file.name} holds SMILES" if column is not None else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Molecules from their SMILES alone; other columns are targets or not looked at.

    With `like`, a trained model's schema, nothing is held back, and a single table is the test split.

    Raises: DataError naming the file and row of what cannot be read, and for targets as tables do
    """
    settings = config.of(TableConfig)
    alone = "train" if like is None else "test"
    path, files = listing.path, split_files(listing, alone=alone)
    tables = {split: listing.once(read_table, file, settings.columns) for split, file in files.items()}
    first = next(iter(tables.values()))
    column = _column(first, like)
    form = f"{form_of(next(iter(files.values())))} of molecules"
    about = About.at(listing, name=short_name(path), form=form, why=first.name, files=list(files.values()))
    if like is not None:
        parts, warnings = _parts(tables, saved_target(like.target, config), like, config, tick)
        splits = {split: part.rows(np.arange(len(part.graphs)), like.target) for split, part in parts.items()}
        facts = [Fact(f"{sum(map(len, splits.values())):,} molecules", "encoded as in training")]
        return about.dataset(like, splits, facts, warnings)
    target = infer_target(first, _targets(first, column, settings.target), task)
    warnings = without_target(tables, target)
    parts, more = _parts(tables, target.columns, Schema(input=_spec(column), target=target.spec), config, tick)
    chosen, split_facts = _split(parts, classes=target.spec.kind == "class", config=config)
    train = parts["train"]
    target = standardised(target, train.target[chosen["train"][1]])
    schema = Schema(input=_spec(column, list(parts.values())), target=target.spec)
    splits = {split: parts[source].rows(places, target.spec) for split, (source, places) in chosen.items()}
    facts = [_size(parts, column), target.fact, *split_facts]
    return thinned(about.dataset(schema, splits, facts, [*warnings, *more]), config)


def rows_to_predict(inputs: Any, schema: Schema, tick: Tick = silent) -> tuple[Rows, list[str]]:
    """Molecules without target, and what to call each.

    inputs: SMILES, a table or a file with a SMILES at the start of each line, a frame, a dict of columns, or a list of SMILES
    Raises: DataError naming what cannot be read
    """
    if isinstance(inputs, str | Path) and table_suffix(Path(inputs)):
        inputs = read_table(Path(inputs))
    elif is_frame(inputs):
        inputs = frame_table(inputs, "the input")
    if isinstance(inputs, Table):
        texts = _texts(inputs, _column(inputs, schema))
        places = [inputs.place(place) for place in range(len(inputs))]
        return _to_predict(texts, places, [f"{place}, {text}" for place, text in zip(places, texts, strict=True)])
    texts = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    if len(texts) == 1 and Path(texts[0]).suffix.lower() in TEXT_FILES:
        path = Path(texts[0])
        if not path.is_file():
            raise DataError(f"{path}: no such file")
        lines = [line.split()[0] for line in text_of(path).splitlines() if line.strip()]
        return _to_predict(lines, [f"{path.name} line {n}" for n in range(1, len(lines) + 1)], lines)
    return _to_predict(
        [str(text) for text in texts], [f"input {n}" for n in range(len(texts))], [str(t) for t in texts]
    )


def smiles_column(columns: Mapping[str, Sequence[str]]) -> str | None:
    """The column whose cells are SMILES, one that is called so before others; None where there is none.

    Raises: MissingDependency where a column is called so and RDKit is not there
    """
    ordered = sorted(columns, key=lambda name: (NAMED.search(name) is None, name.lower() != "smiles"))
    return next((name for name in ordered if _holds_smiles(name, columns[name])), None)


def _holds_smiles(name: str, cells: Sequence[str]) -> bool:
    there = [cell for cell in cells if cell]
    written = sum(WRITTEN.fullmatch(cell) is not None and any(c.isalpha() for c in cell) for cell in there)
    if not there or written < PARSES * len(there):
        return False
    called = NAMED.search(name) is not None
    if not called and (len(set(there)) < DIFFERS * len(there) or find_spec("rdkit") is None):
        return False
    return sum(parsed(cell) is not None for cell in there) >= PARSES * len(there)


def _cells(table: Table) -> dict[str, list[str]]:
    """Text columns of some of a table's rows, from all over it."""
    places = np.unique(np.linspace(0, len(table) - 1, min(len(table), LOOKED_AT)).astype(np.int64))
    return {n: _strings(c.take(pa.array(places))) for n, c in table.columns.items() if is_text(c.type)}


def _strings(column: pa.ChunkedArray) -> list[str]:
    return [cell or "" for cell in clean(column).to_pylist()]


def _texts(table: Table, column: str) -> list[str]:
    return _strings(table.columns[column])


def _column(table: Table, like: Schema | None) -> str:
    """The column of SMILES: that the model was trained on where there is one of its name. Raises: DataError for none."""
    known = like.input.column if like is not None else ""
    column = known if known in table.columns else smiles_column(_cells(table))
    if column is None:
        raise DataError(
            f"{table.name} has no column whose cells are SMILES, which the model was trained on; it has "
            f"{', '.join(map(repr, list(table.columns)[:12]))}"
        )
    return column


def _targets(table: Table, column: str, requested: Sequence[str]) -> tuple[str, ...]:
    """The requested columns; without any all numbers, where those are labels 0 and 1 or there is but one. Raises: DataError."""
    if requested:
        return target_columns(table, requested)
    numbers = {}
    for name in table.columns:
        if name != column and infer_kind(table, name).kind == "number":
            values = parse(table, name, infer_kind(table, name))
            if isinstance(values, np.ndarray) and not is_row_number(name, values):
                numbers[name] = values
    labels = all(np.isin(values[~np.isnan(values)], (0, 1)).all() for values in numbers.values())
    if numbers and (labels or len(numbers) == 1):
        return tuple(numbers)
    return target_columns(table, ())


def _parts(
    tables: Mapping[str, Table], targets: Sequence[str], schema: Schema, config: DataConfig, tick: Tick
) -> tuple[dict[str, Part], list[str]]:
    """Each table's molecules with a target, and a warning for what was left out."""
    parts, warnings = {}, []
    for split, table in tables.items():
        target = read_target(table, targets, schema.target)
        index, dropped = with_target(table, target, targets)
        texts = _texts(table, _column(table, schema))
        graphs: list[Graph | None] = []
        for done, place in enumerate(index.tolist()):
            if done % LOOKED_AT == 0:
                tick("reading molecules", done, len(index))
            graphs.append(graph_of(texts[place]))
            if graphs[-1] is None and not config.skip_unreadable:
                raise DataError(
                    f"{table.place(place)}: {texts[place]!r} is not a SMILES string that RDKit can parse; {HINT}"
                )
        there = np.array([graph is not None for graph in graphs], dtype=bool)
        warnings += dropped
        if not there.all():
            unread = index[~there]
            what = f"{len(unread):,} rows hold no SMILES string that RDKit can parse and were dropped"
            warnings.append(f"{what}, such as {table.place(int(unread[0]))}")
        valid = [graph for graph in graphs if graph is not None]
        parts[split] = Part(table=table, index=index[there], graphs=valid, target=target[index[there]])
    return parts, warnings


def _split(
    parts: Mapping[str, Part], *, classes: bool, config: DataConfig
) -> tuple[dict[str, tuple[str, np.ndarray]], list[Fact]]:
    """Split -> (the part it is taken from, which of its molecules), holding rows back where the data bring no split.

    Rows of one molecule stay together: one that is written twice must not be evaluated by what was learnt of it.
    """
    part = parts["train"]
    names, groups, counts = np.unique([graph.name for graph in part.graphs], return_inverse=True, return_counts=True)
    twice = int((counts > 1).sum())
    labels = part.target if classes else None
    held = share_out(len(part.graphs), parts, config, labels=labels, groups=groups if twice else None)
    chosen = {split: (split, np.arange(len(part.graphs))) for split, part in parts.items()}
    chosen = in_order({**chosen, **{split: ("train", places) for split, places in held.items()}})
    facts = split_facts(chosen, part.table, stratified=classes and not twice)
    if twice and len(held) > 1:
        facts.append(Fact(f"{twice:,} of {len(names):,} molecules have several rows", "kept in the same split"))
    return chosen, facts


def _spec(column: str, parts: Sequence[Part] = ()) -> InputSpec:
    largest = max((len(graph.atoms) for part in parts for graph in part.graphs), default=1)
    return InputSpec(kind="molecule", shape=(largest, len(FEATURES)), symbols=SYMBOLS, column=column)


def _size(parts: Mapping[str, Part], column: str) -> Fact:
    sizes = [len(graph.atoms) for part in parts.values() for graph in part.graphs]
    what = f"{len(sizes):,} molecules of {min(sizes)} to {max(sizes)} atoms"
    return Fact(what, f"column {column!r} of {parts['train'].table.name} holds SMILES; they are read from those alone")


def _to_predict(texts: Sequence[str], places: Sequence[str], names: list[str]) -> tuple[Rows, list[str]]:
    graphs = []
    for text, place in zip(texts, places, strict=True):
        graph = graph_of(text)
        if graph is None:
            raise DataError(f"{place}: {text!r} is not a SMILES string that RDKit can parse; fix or remove it")
        graphs.append(graph)
    if not graphs:
        raise DataError("there is nothing to predict on: no SMILES was given")
    return rows_of(graphs, [graph.name for graph in graphs], names), names
