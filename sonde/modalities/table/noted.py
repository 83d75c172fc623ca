"""Tables to predict on, of which is said what was guessed while they were read."""

from collections.abc import Sequence
from pathlib import Path

from sonde.core.data_warning import warn
from sonde.modalities.table.read import Table, read_table


def read_noted(path: Path, names: Sequence[str] = ()) -> Table:
    """`read_table`, and its notes as warnings. Raises: DataError"""
    table = read_table(path, names)
    warn(table.notes)
    return table
