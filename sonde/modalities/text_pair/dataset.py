"""Tables of pairs -> a dataset: targets, rows held back with all that share a text, a vocabulary of the training rows."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from sonde.core.config import DataConfig
from sonde.core.dataset import Column, Dataset, Fact, InputSpec, Rows, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.progress import Tick
from sonde.core.vocabulary import Vocabulary, read_vocabulary
from sonde.data.assemble import About
from sonde.data.ragged import Numbered
from sonde.data.splits import in_order, share_out, shares, sizes_in_words, subset, thinned
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.forms.tables import (
    row_numbers,
    saved_target,
    split_facts,
    standardised,
    target_fields,
    with_target,
    without_target,
)
from sonde.modalities.table.held_back import group_codes
from sonde.modalities.table.read import Table
from sonde.modalities.table.target import Target, infer_target, read_target, target_columns
from sonde.modalities.text.columns import text_cells
from sonde.modalities.text.config import TextConfig
from sonde.modalities.text.dataset import MOST_TOKENS, length_fact, vocabulary_fact, vocabulary_of
from sonde.modalities.text.rows import text_rows
from sonde.modalities.text_pair.columns import PairColumns, columns_like, find_pair
from sonde.modalities.text_pair.rows import encoded_pairs, joined

NO_INPUTS = "they only identify rows, are the same in all rows, or hold neither text, numbers nor categories"
UNDECIDED = "-"  # label of SNLI and MNLI for pairs that annotators did not agree on
LARGEST = 0.1  # share of all rows that rows with shared texts may make up, to be held back together


@dataclass(frozen=True, kw_only=True)
class Part:
    """The rows of one table that have both texts and a target. index: (n,) their places in it;  target: (n, …)"""

    table: Table
    index: np.ndarray
    first: list[str]
    second: list[str]
    target: np.ndarray

    def __len__(self) -> int:
        return len(self.index)

    def digest(self) -> str:
        """What texts in memory are known again by."""
        return hashlib.sha256("\0".join([*self.first, *self.second]).encode()).hexdigest()

    def rows(self, vocabulary: Vocabulary, most: int, spec: TargetSpec) -> tuple[Rows, int]:
        """All of them as tokens, and how many were cut to `most`."""
        tokens, cut = encoded_pairs(self.first, self.second, vocabulary, most=most)
        texts = [joined(*both) for both in zip(self.first, self.second, strict=True)]
        names = Numbered(self.table.name, row_numbers(self.table)[self.index])
        return text_rows(tokens, texts, names, target_fields(self.target, spec)), cut


def train_on(
    tables: dict[str, Table], found: PairColumns, about: About, config: DataConfig, *, task: str | None, tick: Tick
) -> Dataset:
    """A dataset of pairs whose vocabulary, classes and statistics come from the training rows. Raises: DataError"""
    tables = {split: _without_undecided(table, found.targets) for split, table in tables.items()}
    target = infer_target(tables["train"], target_columns(tables["train"], found.targets), task)
    warnings = [*_aside(found, config), *without_target(tables, target)]
    parts = {}
    for split, table in tables.items():
        parts[split], left_out = _part(table, (found.first, found.second), target.columns, target.spec)
        warnings += left_out
    warnings += _unlabelled(target)
    chosen, sizes, shared = _split(parts, config, classes=target.spec.kind == "class", first=found.first)
    train, places = parts["train"], chosen["train"][1]
    target = standardised(target, train.target[places])
    tick("training a vocabulary", 0, 0)
    texts = [text for side in (train.first, train.second) for text in (side[int(place)] for place in places)]
    vocabulary = vocabulary_of(texts, config)
    most = config.of(TextConfig).max_tokens or MOST_TOKENS
    whole, cut = _encoded(parts, vocabulary, most, target.spec)
    splits = {split: subset(whole[source], rows) for split, (source, rows) in chosen.items()}
    schema = Schema(input=_spec(found, vocabulary, whole), target=target.spec)
    facts = [
        Fact(f"{sizes_in_words(parts)} pairs of texts", f"columns {found.first!r} and {found.second!r}: {found.why}"),
        *([Fact(f"column {target.columns[0]!r} is to be predicted", found.guessed)] if found.guessed else []),
        *([Fact(f"left out {', '.join(found.identifiers)}", NO_INPUTS)] if found.identifiers else []),
        target.fact,
        vocabulary_fact(vocabulary),
        length_fact(splits),
        *sizes,
    ]
    prints = about.fingerprint or {split: part.digest() for split, part in parts.items()}
    return thinned(about.dataset(schema, splits, facts, [*warnings, *shared, *cut], fingerprint=prints), config)


def evaluate_on(tables: Mapping[str, Table], about: About, config: DataConfig, like: Schema) -> Dataset:
    """Pairs for evaluating a trained model, by its vocabulary and classes. Raises: DataError"""
    columns = _true_columns(tables, config, like)
    parts, warnings = {}, []
    for split, table in tables.items():
        names = columns_like(table, [column.name for column in like.input.columns])
        parts[split], left_out = _part(_without_undecided(table, columns), names, columns, like.target)
        warnings += left_out
    splits, cut = _encoded(parts, read_vocabulary(like.input.tokenizer), like.input.shape[0], like.target)
    facts = [Fact(f"{sum(map(len, splits.values())):,} pairs of texts", "tokenized with the vocabulary of the model")]
    return about.dataset(like, splits, facts, [*warnings, *cut])


def _true_columns(tables: Mapping[str, Table], config: DataConfig, like: Schema) -> tuple[str, ...]:
    """The columns of the truth: those that are named, else as training found them. Raises: DataError"""
    if like.target.kind == "class" and not config.of(TableConfig).target:
        table = next(iter(tables.values()))
        found = find_pair(table, columns_like(table, [column.name for column in like.input.columns]), ())
        if found is not None and found.targets:
            return found.targets
    return saved_target(like.target, config)


def _part(table: Table, names: tuple[str, str], targets: Sequence[str], spec: TargetSpec) -> tuple[Part, list[str]]:
    """The rows that are whole, and warnings that count the others."""
    target = read_target(table, targets, spec)
    index, warnings = with_target(table, target, targets)
    first, second = (text_cells(table, name) for name in names)
    whole = [place for place in index.tolist() if first[place] and second[place]]
    if not whole:
        raise DataError(
            f"{table.name}: no row has two texts and a target; fill the columns, or name others with --pair"
        )
    if len(whole) < len(index):
        gone = next(place for place in index.tolist() if not (first[place] and second[place]))
        warnings.append(
            f"{len(index) - len(whole):,} of {len(index):,} rows of {table.name} lack a text and are dropped, first "
            f"{table.place(gone)}"
        )
    part = Part(
        table=table,
        index=np.array(whole),
        first=[first[place] for place in whole],
        second=[second[place] for place in whole],
        target=target[whole],
    )
    return part, warnings


def _encoded(
    parts: Mapping[str, Part], vocabulary: Vocabulary, most: int, spec: TargetSpec
) -> tuple[dict[str, Rows], list[str]]:
    """Rows by split, and a warning for each whose rows were cut."""
    found = {split: part.rows(vocabulary, most, spec) for split, part in parts.items()}
    warnings = [
        f"{cut:,} of {len(rows):,} {split} rows are longer than {most} tokens and are truncated (--max-tokens)"
        for split, (rows, cut) in found.items()
        if cut
    ]
    return {split: rows for split, (rows, _) in found.items()}, warnings


def _spec(found: PairColumns, vocabulary: Vocabulary, whole: Mapping[str, Rows]) -> InputSpec:
    longest = max(int(rows.lengths().max()) for rows in whole.values())  # type: ignore[attr-defined]
    return InputSpec(
        kind="text-pair",
        read_as="tokens",
        shape=(longest,),
        tokenizer=vocabulary.to_json(),
        symbols=vocabulary.size,
        columns=tuple(Column(name=name, kind="text", source=name) for name in (found.first, found.second)),
    )


def _split(
    parts: Mapping[str, Part], config: DataConfig, *, classes: bool, first: str
) -> tuple[dict[str, tuple[str, np.ndarray]], list[Fact], list[str]]:
    """Split -> (the part it is taken from, which of its rows), holding some of train back where the data bring none.

    Beside it facts of how, and a warning where texts are shared between splits that were drawn.
    """
    train = parts["train"]
    drawn = any(share > 0 for share in shares(parts, config))
    if drawn and len(train) < 3:
        raise DataError(f"{train.table.name} has {len(train)} rows with texts and a target, too few to split; add more")
    groups, how = _groups(train, first, config.of(TableConfig).group) if drawn else (None, "")
    held = share_out(len(train), parts, config, labels=train.target if classes else None, groups=groups)
    chosen = {split: ("train", rows) for split, rows in held.items() if len(rows)}
    chosen |= {split: (split, np.arange(len(part))) for split, part in parts.items() if split != "train"}
    apart = groups is not None
    facts = split_facts(in_order(chosen), train.table, stratified=classes and not apart, how=how if apart else "")
    return in_order(chosen), facts, [how] if how and not apart else []


def _groups(part: Part, column: str, group: str | None) -> tuple[np.ndarray | None, str]:
    """((n,) rows with one number stay together, why); None where no text stands in two rows, or nearly all are connected.

    A row whose texts were both trained on in other pairs tells less about new texts than its metric seems to say.
    """
    if group is not None:
        return group_codes(part.table, group, part.index), f"whole groups of {group!r}"
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    _, codes = np.unique([*part.first, *part.second], return_inverse=True)
    sides = codes[: len(part)], codes[len(part) :]
    if len(np.unique(codes)) == len(codes):
        return None, ""
    size = int(codes.max()) + 1
    graph = coo_matrix((np.ones(len(part), bool), sides), shape=(size, size))
    connected = connected_components(graph, directed=False)[1][sides[0]]
    if np.bincount(connected).max() <= LARGEST * len(part):
        return connected, "rows that share a text are kept in the same split"
    if np.bincount(sides[0]).max() <= LARGEST * len(part) and len(np.unique(sides[0])) < len(part):
        return sides[0], f"rows with the same {column!r} are kept in the same split; other texts occur in several"
    return (
        None,
        "texts of validation rows also occur in training rows, since nearly all rows share some; give a split of your "
        "own",
    )


def _aside(found: PairColumns, config: DataConfig) -> list[str]:
    names = [name for name in found.aside if name != config.of(TableConfig).group]
    if not names:
        return []
    are = "are" if len(names) > 1 else "is"
    return [
        f"{', '.join(map(repr, names))} {are} not read: only the two texts are inputs of the model (--pair names others; with "
        "--pair none the file is read as a table or a single text)"
    ]


def _unlabelled(target: Target) -> list[str]:
    """What -1 beside 0, 1, … may mean: Hugging Face's sets write it where there is no label."""
    names = target.spec.names if target.spec.kind == "class" else ()
    if len(names) < 3 or list(names) != [str(number) for number in range(-1, len(names) - 1)]:
        return []
    return [
        f"{target.columns[0]!r} has a class -1 beside 0 and more, which often marks rows without a label; remove them if so"
    ]


def _without_undecided(table: Table, targets: Sequence[str]) -> Table:
    """The table in which a label "-" is a missing one."""
    columns = dict(table.columns)
    for name in targets:
        if name in columns and UNDECIDED in (cells := columns[name].to_pylist()):
            decided = [None if cell == UNDECIDED else cell for cell in cells]
            columns[name] = pa.chunked_array([pa.array(decided, columns[name].type)])
    return replace(table, columns=columns)
