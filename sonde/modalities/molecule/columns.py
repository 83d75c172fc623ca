"""Which column of a table holds molecules: SMILES, or InChI."""

import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec

import numpy as np
import pyarrow as pa

from sonde.core.dataset import Schema
from sonde.core.errors import DataError
from sonde.modalities.molecule.graphs import INCHI, parsed
from sonde.modalities.table.kinds import clean, is_text
from sonde.modalities.table.read import Table

PARSES = (
    0.8  # share of a column's cells from which on it holds molecules: vendors' lists have a few per cent of bad rows
)
PARSES_NAMED = 0.5  # of a column that is called so: below it, the name must mean something else
DIFFERS = 0.5  # share of them that are different, lest categories such as C and S be taken for methane and sulphur
LOOKED_AT = 200  # rows, to recognise the form by
NAMED = re.compile(r"smiles|inchi(?!.?key)", re.IGNORECASE)
WRITTEN = re.compile(r"[A-Za-z0-9@+\-\[\]()=#$:%/\\.*~]+( \|.*\|)?")
"""The characters of OpenSMILES, and RDKit's ~ for any bond; behind a blank ChemAxon's extensions."""
LONG = 5  # characters from which on the name of a column that parses is a molecule, not one called CO or CN


def smiles_column(columns: Mapping[str, Sequence[str]]) -> str | None:
    """The column whose cells are molecules, one that is called so before others; None where there is none.

    Raises: MissingDependency where a column is called so and RDKit is not there
    """
    ordered = sorted(
        columns,
        key=lambda name: (NAMED.search(name) is None, "smiles" not in name.lower(), name.lower() != "smiles"),
    )
    return next((name for name in ordered if _holds_smiles(name, columns[name])), None)


def is_headless(names: Sequence[str], column: str) -> bool:
    """Whether the name of the column of molecules is one itself, and no other name has a letter or parses as less.

    >>> is_headless(["CCCCO", "-0.77"], "CCCCO"), is_headless(["structure", "value"], "structure")
    (True, False)
    """
    others = [name for name in names if name != column]
    return (
        len(column) >= LONG
        and NAMED.search(column) is None
        and WRITTEN.fullmatch(column) is not None
        and parsed(column) is not None
        and any(_is_number(name) for name in others)
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _holds_smiles(name: str, cells: Sequence[str]) -> bool:
    there = [cell for cell in cells if cell]
    called = NAMED.search(name) is not None
    least = (PARSES_NAMED if called else PARSES) * len(there)
    written = sum(cell.startswith(INCHI) or _is_written(cell) for cell in there)
    if not there or written < least:
        return False
    if not called and (len(set(there)) < DIFFERS * len(there) or find_spec("rdkit") is None):
        return False
    return sum(parsed(cell) is not None for cell in there) >= least


def _is_written(cell: str) -> bool:
    return WRITTEN.fullmatch(cell) is not None and any(c.isalpha() for c in cell)


def some_cells(table: Table) -> dict[str, list[str]]:
    """Text columns of some of a table's rows, from all over it."""
    places = np.unique(np.linspace(0, len(table) - 1, min(len(table), LOOKED_AT)).astype(np.int64))
    return {n: _strings(c.take(pa.array(places))) for n, c in table.columns.items() if is_text(c.type)}


def _strings(column: pa.ChunkedArray) -> list[str]:
    return [cell or "" for cell in clean(column).to_pylist()]


def texts_of(table: Table, column: str) -> list[str]:
    """All cells of a column, "" where there is none."""
    return _strings(table.columns[column])


def column_of(table: Table, like: Schema | None) -> str:
    """The column of molecules: that the model was trained on where there is one of its name. Raises: DataError for none."""
    known = like.input.column if like is not None else ""
    column = known if known in table.columns else smiles_column(some_cells(table))
    if column is None:
        raise DataError(
            f"{table.name} has no column whose cells are SMILES, which the model was trained on; it has "
            f"{', '.join(map(repr, list(table.columns)[:12]))}"
        )
    return column
