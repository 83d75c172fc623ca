"""Several labels in one cell ("Mass|Nodule"): which sign joins them, what they are called, and each as 0 or 1."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from sonde.core.natural_order import in_natural_order
from sonde.modalities.table.kinds import Categories, is_text
from sonde.modalities.table.read import Table

JOINTS = ("|", ";", ",")
LEAST = 0.02  # of the cells that join labels, below which a sign belongs to a name
LONGEST = 40  # characters of a label
CALLED = ("label", "labels", "category", "categories", "tags")
NOTHING = ("none", "nothing", "normal", "healthy", "negative", "no finding", "no findings", "no", "nil")


@dataclass(frozen=True)
class Joined:
    """How cells join labels.

    nothing: what stands in cells without any label ("No Finding"), "" for no such word
    """

    joint: str
    names: tuple[str, ...]
    nothing: str


def find_joined(values: Categories) -> Joined | None:
    """Labels that the cells of a column join, None where each cell holds one name.

    They are labels when there are fewer of them than of combinations, and most stand in several combinations.
    """
    counts = np.bincount(values.codes[values.codes >= 0], minlength=len(values.names))
    cells = [name for name, number in zip(values.names, counts, strict=True) if number]
    for joint in JOINTS:
        many = sum(int(n) for name, n in zip(values.names, counts, strict=True) if len(_parts(name, joint)) > 1)
        if many < max(2, LEAST * counts.sum()):
            continue
        where = Counter(part for cell in cells for part in set(_parts(cell, joint)))
        again = sum(number > 1 for number in where.values())
        if len(where) >= len(cells) or again * 2 <= len(where) or max(map(len, where)) > LONGEST:
            continue
        alone = [cell for cell in cells if cell.lower() in NOTHING and where[cell] == 1]
        nothing = alone[0] if len(alone) == 1 else ""
        names = tuple(in_natural_order(part for part in where if part != nothing))
        if len(names) > 1:
            return Joined(joint, names, nothing)
    return None


def read_joined(values: Categories, names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """((n, labels) float64 of 0 and 1, NaN in rows without a cell; parts that are no known label, in the order of the cells).

    Words for no label at all count as none of them.
    """
    known = {name: place for place, name in enumerate(names)}
    table = np.zeros((len(values.names) + 1, len(names)))
    table[-1] = np.nan
    strange: list[str] = []
    for row, cell in enumerate(values.names):
        parts = min(
            (_parts(cell, joint) for joint in JOINTS), key=lambda found: sum(part not in known for part in found)
        )
        for part in parts:
            if part in known:
                table[row, known[part]] = 1
            elif part.lower() not in NOTHING:
                strange.append(part)
    return table[values.codes], strange


def _parts(cell: str, joint: str) -> list[str]:
    return [part.strip() for part in cell.split(joint) if part.strip()]


def lists_joined(table: Table, targets: Sequence[str]) -> Table:
    """A table whose targets, where each cell is a list of names (as doccano writes labels), have them as one text: "a|b".

    targets: those that are named; without any, columns that are called so
    """
    meant = targets or [name for name in table.columns if name.lower() in CALLED]
    lists = {
        name: table.columns[name] for name in meant if name in table.columns and _is_list(table.columns[name].type)
    }
    if not lists:
        return table
    columns = dict(table.columns)
    for name, cells in lists.items():
        joined = ["|".join(cell) if cell else None for cell in cells.to_pylist()]
        columns[name] = pa.chunked_array([pa.array(joined, pa.string())])
    return replace(table, columns=columns)


def _is_list(kind: pa.DataType) -> bool:
    return (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and is_text(kind.value_type)
