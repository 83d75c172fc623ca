"""Tables with a column of molecules -> a dataset: graphs with targets, rows held back by molecule."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, InputSpec, Rows, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick
from sonde.core.units import counted
from sonde.data.assemble import About
from sonde.data.ragged import Numbered
from sonde.data.splits import in_order, share_out, thinned
from sonde.modalities.modality import Wanted
from sonde.modalities.molecule.codes import FEATURES, STEREO, SYMBOLS
from sonde.modalities.molecule.columns import LOOKED_AT, column_of, texts_of
from sonde.modalities.molecule.graphs import INCHI, Graph, graph_of, rows_of
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.encode import is_row_number
from sonde.modalities.table.forms.tables import (
    row_numbers,
    saved_target,
    split_facts,
    standardised,
    target_fields,
    with_target,
    without_target,
)
from sonde.modalities.table.kinds import infer_kind, parse
from sonde.modalities.table.read import Table, notes_of
from sonde.modalities.table.target import infer_target, read_target, target_columns
from sonde.modalities.text.columns import uninformative
from sonde.tasks.table import refuse_columns

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

    def rows(self, chosen: np.ndarray, schema: Schema) -> Rows:
        """Some of them with their target fields."""
        graphs = [self.graphs[place] for place in chosen]
        names = Numbered(self.table.name, row_numbers(self.table)[self.index[chosen]])
        fields = target_fields(self.target[chosen], schema.target)
        return rows_of(graphs, [graph.name for graph in graphs], names, fields, extra=schema.input.extra)


def molecules_of(tables: dict[str, Table], about: About, wanted: Wanted, tick: Tick) -> Dataset:
    """A dataset of the molecules in tables by split; other columns are targets or not looked at.

    Raises: DataError naming the file and row of what cannot be read, and for targets as tables do
    """
    config, like = wanted.config, wanted.like
    first = next(iter(tables.values()))
    column = column_of(first, like)
    if like is not None:
        parts, warnings = _parts(tables, saved_target(like.target, config), like, config, tick)
        splits = {split: part.rows(np.arange(len(part.graphs)), like) for split, part in parts.items()}
        facts = [Fact(f"{sum(map(len, splits.values())):,} molecules", "encoded as in training")]
        return about.dataset(like, splits, facts, [*notes_of(tables.values()), *warnings])
    requested = config.of(TableConfig).target
    if not requested:
        refuse_columns(wanted.task, "molecule", first.name)
    target = infer_target(first, _targets(first, column, requested, wanted.task), wanted.task)
    warnings = [*without_target(tables, target), *([] if requested else _chosen(first, column, target.columns))]
    parts, more = _parts(tables, target.columns, Schema(input=_spec(column), target=target.spec), config, tick)
    chosen, split_facts = _split(parts, classes=target.spec.kind == "class", config=config)
    train = parts["train"]
    target = standardised(target, train.target[chosen["train"][1]])
    schema = Schema(input=_spec(column, list(parts.values())), target=target.spec)
    splits = {split: parts[source].rows(places, schema) for split, (source, places) in chosen.items()}
    facts = [
        _size(parts, column),
        target.fact,
        *_header(first, config),
        *_aside(first, column, target.columns),
        *split_facts,
    ]
    warnings = [*warnings, *more, *_disagreeing(parts.values())]
    return thinned(about.dataset(schema, splits, facts, warnings), config)


def _disagreeing(parts: Iterable[Part]) -> list[str]:
    """A warning for molecules that stand in several rows with different targets: all are learnt, and none can be right."""
    rows: dict[str, list[tuple[Part, int]]] = {}
    for part in parts:
        for place, graph in enumerate(part.graphs):
            rows.setdefault(graph.name, []).append((part, place))
    differ = [found for found in rows.values() if len({part.target[place].tobytes() for part, place in found}) > 1]
    if not differ:
        return []
    part, place = differ[0][0]
    other, there = next((p, n) for p, n in differ[0] if p.target[n].tobytes() != part.target[place].tobytes())
    first, second = part.table.place(int(part.index[place])), other.table.place(int(other.index[there]))
    return [
        f"{counted(len(differ), 'molecule occurs', 'molecules occur')} in several rows with different targets, such as "
        f"{part.graphs[place].name} in {first} and {second}; all rows are learned, so remove those that are wrong, or "
        "take their mean"
    ]


def _targets(table: Table, column: str, requested: Sequence[str], task: str | None) -> tuple[str, ...]:
    """The requested columns; without any all numbers, where those are labels 0 and 1 or there is but one. Raises: DataError."""
    if requested:
        return target_columns(table, requested)
    others = [name for name in table.columns if name != column]
    if len(others) == 1:  # whatever is wrong with it is said of it
        return (others[0],)
    numbers = {}
    for name in table.columns:
        if name != column and infer_kind(table, name).kind == "number":
            values = parse(table, name, infer_kind(table, name))
            if isinstance(values, np.ndarray) and not is_row_number(name, values):
                numbers[name] = values
    labels = all(np.isin(values[~np.isnan(values)], (0, 1)).all() for values in numbers.values())
    if numbers and (labels or len(numbers) == 1):
        return tuple(numbers)
    return target_columns(table, (), task)


def _chosen(table: Table, column: str, targets: Sequence[str]) -> list[str]:
    """A warning where other properties might have been meant."""
    others = [name for name in table.columns if name not in (column, *targets) and not uninformative(table, name)]
    if not others:
        return []
    named = ", ".join(map(repr, targets[:3])) + " …" * (len(targets) > 3)
    return [f"{table.name}: {named} is to be predicted; --target {others[0]!r} takes another of its properties"]


def _parts(
    tables: Mapping[str, Table], targets: Sequence[str], schema: Schema, config: DataConfig, tick: Tick
) -> tuple[dict[str, Part], list[str]]:
    """Each table's molecules with a target, and a warning for what was left out."""
    parts, warnings = {}, []
    for split, table in tables.items():
        target = read_target(table, targets, schema.target)
        index, dropped = with_target(table, target, targets)
        texts = texts_of(table, column_of(table, schema))
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
            rows = counted(len(unread), "row holds", "rows hold")
            what = f"{rows} no SMILES string that RDKit can parse and {'was' if len(unread) == 1 else 'were'} dropped"
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
    turned = any(graph.turned for part in parts for graph in part.graphs)
    return InputSpec(
        kind="molecule",
        shape=(largest, len(FEATURES)),
        symbols=SYMBOLS,
        column=column,
        extra=STEREO if turned else "",
    )


def _size(parts: Mapping[str, Part], column: str) -> Fact:
    sizes = [len(graph.atoms) for part in parts.values() for graph in part.graphs]
    what = f"{len(sizes):,} molecules of {min(sizes)} to {max(sizes)} atoms"
    name = parts["train"].table.name
    notation = "InChI" if texts_of(parts["train"].table, column)[0].startswith(INCHI) else "SMILES"
    return Fact(what, f"column {column!r} of {name} holds {notation}; they are read from those alone")


def _aside(table: Table, column: str, targets: Sequence[str]) -> list[Fact]:
    """The columns that might have been inputs of a table."""
    rest = [name for name in table.columns if name not in (column, *targets) and not uninformative(table, name)]
    return [Fact(f"left out {', '.join(rest)}", "only the molecule is an input of the model")] if rest else []


def _header(table: Table, config: DataConfig) -> list[Fact]:
    """How columns are called where no row names them and nobody did."""
    if not table.headless or config.of(TableConfig).columns:
        return []
    return [Fact(f"no header, so the columns are called {', '.join(table.columns)}", "the first row looks like data")]
