"""Tables to predict on, of which is said what was guessed while they were read."""

from collections.abc import Sequence
from pathlib import Path

from sonde.core.data_warning import warn
from sonde.core.errors import DataError
from sonde.data.listing import Listing
from sonde.data.splits import SPLIT_NAMES
from sonde.modalities.table.read import Table, read_table, table_suffix

SHOWN = 5  # tables in an error


def part_to_predict(path: Path) -> Path:
    """The table that is meant by a folder, such as an archive unpacks to: its test part, or its only one; all else as it is.

    Raises: DataError for a folder with several of which none is named test
    """
    if not path.is_dir():
        return path
    listing = Listing(path)
    tables = [file for file in listing.files if table_suffix(file)]
    if not tables and len(listing.folders) == 1:
        return part_to_predict(listing.folders[0].path)
    chosen = tables[0] if len(tables) == 1 else _test_part(tables)
    if chosen is None:
        held = (
            f"several tables: {', '.join(file.name for file in tables[:SHOWN])}; name" if tables else "no table; name"
        )
        raise DataError(f"{path} holds {held} one (of an archive as {path.name}.zip#FILE)")
    if len(tables) > 1:
        warn([f"of the {len(tables)} tables of {path.name}, its test part is predicted on: {chosen.name}"])
    return chosen


def _test_part(tables: Sequence[Path]) -> Path | None:
    named = [file for file in tables if SPLIT_NAMES.get(file.name.split(".")[0].lower()) == "test"]
    return named[0] if len(named) == 1 else None


def read_noted(path: Path, names: Sequence[str] = ()) -> Table:
    """`read_table`, and its notes as warnings. Raises: DataError"""
    table = read_table(part_to_predict(path), names)
    warn(table.notes)
    return table
