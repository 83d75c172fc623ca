"""Measurements that are only bounds: ">6.5", "<= 0.1", "~3", or a relation in a column of its own."""

# pyright: reportAttributeAccessIssue=false
# pyarrow.compute makes its functions when it is imported, where pyright cannot see them

import re
from collections.abc import Sequence

import numpy as np
import pyarrow.compute as pc

from sonde.core.units import counted
from sonde.modalities.table.read import Table
from sonde.modalities.table.written_numbers import is_text

BOUND = re.compile(r"\s*(?:[<>≤≥~≈]=?|=[<>])\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*")
COUNTED = 5  # distinct whole numbers up to which a bound may be the last of some classes: 0, 1, 2, >2


RELATIONS = re.compile(r"['\"]?\s*(?:<|>|<=|>=|<<|>>|=|==|~|≤|≥|≈|=<)\s*['\"]?")
SAME = re.compile(r"['\"]?\s*={1,2}\s*['\"]?")


def relations_beside(table: Table, targets: Sequence[str]) -> list[str]:
    """A warning for a column that says of each value whether it is one, or a bound only, as ChEMBL's Standard Relation does."""
    said = []
    for name, cells in table.columns.items():
        if name in targets or not is_text(cells.type):
            continue
        counts = {
            str(one["values"]).strip(): int(one["counts"]) for one in pc.value_counts(cells.drop_null()).to_pylist()
        }
        signs = {sign: number for sign, number in counts.items() if sign}
        bounds = {sign: number for sign, number in signs.items() if not SAME.fullmatch(sign)}
        if bounds and all(map(RELATIONS.fullmatch, signs)):
            rows = counted(sum(bounds.values()), "row", "rows")
            said.append(
                f"{table.name}: {name!r} holds {next(iter(bounds))} in {rows}, whose {targets[0]!r} is a bound and is learned as "
                "the value itself: remove those rows if that is not intended"
            )
    return said


def is_censored(names: Sequence[str], counts: np.ndarray, number: np.ndarray) -> bool:
    """Whether some of a column's cells are bounds and most others are measured values, which classes are not.

    names:  (n,) what stands in its cells;  counts: (n,) how often;  number: (n,) which are plain numbers
    """
    bound = np.array([BOUND.fullmatch(name) is not None for name in names], dtype=bool)
    plain = [name for name, there in zip(names, number, strict=True) if there]
    measured = len(plain) > COUNTED or any("." in name for name in plain)
    return bool(bound.any() and measured and (bound | number).all() and counts[number].sum() > counts[bound].sum())
