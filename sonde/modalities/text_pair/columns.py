"""Which two columns of a table are texts that belong together, and what is to be predicted of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from sonde.core.errors import DataError, nearest
from sonde.modalities.table.encode import FEW
from sonde.modalities.table.kinds import infer_kind, parse
from sonde.modalities.table.read import Table
from sonde.modalities.text.biological import chain_kind
from sonde.modalities.text.columns import FEW_WORDS, is_text_column, looked_at, mean_words, uninformative
from sonde.modalities.text_pair.config import NONE

COUPLES = (
    ("premise", "hypothesis"),
    ("text", "hypothesis"),
    ("question", "sentence"),
    ("question", "answer"),
    ("question", "passage"),
    ("query", "passage"),
    ("query", "document"),
    ("claim", "evidence"),
    ("headline", "body"),
)
SIDES = ({"1", "2"}, {"a", "b"}, {"first", "second"}, {"left", "right"})


@dataclass(frozen=True, kw_only=True)
class PairColumns:
    """What is read, what is predicted, and what is left aside.

    why:     how it is known that the two belong together
    targets: () where none was given and none can be inferred
    guessed: why the target is one, where none was given
    aside:   columns that might have been inputs too
    identifiers: columns that only tell rows apart, or hold nothing
    """

    first: str
    second: str
    why: str
    targets: tuple[str, ...]
    guessed: str = ""
    aside: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()


def find_pair(table: Table, pair: Sequence[str], requested: Sequence[str]) -> PairColumns | None:
    """The two columns to read together, None where a table has none.

    They are those of `pair`; else two whose names belong together; else the only two of text, in a table in which nothing but
    the target could be an input beside them.
    requested: target columns, where they are named
    Raises: DataError for columns of `pair` that are not there, hold no text or are to be predicted
    """
    if tuple(pair) == NONE:
        return None
    if pair:
        check_pair(table, pair)
        if both := set(pair) & set(requested):
            raise DataError(f"column {both.pop()!r} is both input and target; name another with --pair or --target")
        found, why = (pair[0], pair[1]), "--pair"
    else:
        texts = {name: looked_at(table, name) for name in table.columns if name not in requested}
        texts = {name: cells for name, cells in texts.items() if is_text_column(table, name) and _is_prose(cells)}
        named = paired_by_name(list(texts))
        if named is None and len(texts) != 2:
            return None
        found, why = (named, "their names") if named else (tuple(texts), "the only two columns of text")
    others = [name for name in table.columns if name not in (*found, *requested)]
    rest = [name for name in others if not _is_identifier(table, name)]
    guessed = ""
    if not requested and len(candidates := [name for name in rest if not _is_prose(looked_at(table, name))]) == 1:
        requested, guessed = candidates, "the only other column with repeated values; --target selects another"
        rest = [name for name in rest if name not in requested]
    if why.startswith("the only") and (rest or not requested):
        return None
    return PairColumns(
        first=found[0],
        second=found[1],
        why=why,
        targets=tuple(requested),
        guessed=guessed,
        aside=tuple(rest),
        identifiers=tuple(name for name in others if name not in rest and name not in requested),
    )


def check_pair(table: Table, pair: Sequence[str]) -> None:
    """Raises: DataError for columns that a table does not have, or that hold no text"""
    for name in pair:
        if name not in table.columns:
            near = nearest(name, table.columns)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(map(repr, list(table.columns)[:12]))}"
            raise DataError(f"{table.name} has no column {name!r} to read as text; {hint}")
        if not is_text_column(table, name):
            raise DataError(f"{table.name}: column {name!r} holds {table.columns[name].type}, where text should be")


def paired_by_name(names: Sequence[str]) -> tuple[str, str] | None:
    """Two names that belong together, the shortest such couple; None where there is none.

    >>> paired_by_name(["id", "sentence1_parse", "sentence2_parse", "sentence1", "sentence2"])
    ('sentence1', 'sentence2')
    >>> paired_by_name(["hypothesis", "premise"]), paired_by_name(["title", "body"])
    (('premise', 'hypothesis'), None)
    """
    lower = {name.lower().strip(): name for name in names}
    for one, other in COUPLES:
        if one in lower and other in lower:
            return lower[one], lower[other]
    couples = [couple for couple in combinations(names, 2) if _differ_by_side(*couple)]
    return min(couples, key=lambda couple: sum(map(len, couple)), default=None)


def _differ_by_side(one: str, other: str) -> bool:
    """Whether two names are equal but for a number or letter that names the side: "#1 String" and "#2 String"."""
    pieces = [re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+|[^A-Za-z\d]+", name) for name in (one, other)]
    if len(pieces[0]) != len(pieces[1]):
        return False
    apart = [{a.lower(), b.lower()} for a, b in zip(*pieces, strict=True) if a != b]
    return len(apart) == 1 and apart[0] in SIDES


def _is_prose(cells: Sequence[str]) -> bool:
    """Whether cells are texts of some words, of more kinds than a category has, and no letters of genes or proteins."""
    return mean_words(cells) >= FEW_WORDS and len(set(cells)) > min(FEW, len(cells) // 2) and not chain_kind(cells)


def _is_identifier(table: Table, name: str) -> bool:
    """Whether a column only identifies rows: names, and integers of which none comes twice; no text is that."""
    if is_text_column(table, name) and _is_prose(looked_at(table, name)):
        return False
    if uninformative(table, name):
        return True
    kind = infer_kind(table, name)
    values = parse(table, name, kind) if kind.kind == "number" else None
    if not isinstance(values, np.ndarray):
        return False
    there = values[~np.isnan(values)]
    return bool((there == np.floor(there)).all()) and len(np.unique(there)) == len(there) > FEW


def columns_like(table: Table, trained: Sequence[str]) -> tuple[str, str]:
    """The columns that a trained model reads: of the names it was trained on, else two whose names belong together.

    Raises: DataError when there are none
    """
    if all(name in table.columns for name in trained):
        check_pair(table, trained)
        return trained[0], trained[1]
    texts = [name for name in table.columns if is_text_column(table, name)]
    found = paired_by_name(texts)
    if found is None:
        raise DataError(
            f"{table.name} has no columns {trained[0]!r} and {trained[1]!r}, which the model reads; it has "
            f"{', '.join(map(repr, list(table.columns)[:12]))}; name them so in its first line"
        )
    return found
