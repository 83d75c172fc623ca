"""Tables with a column of SMILES or InChI as datasets of molecules: one file, or a folder of files named for their splits."""

from pathlib import Path

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.modalities.modality import Wanted
from sonde.modalities.molecule.columns import smiles_column, some_cells
from sonde.modalities.molecule.dataset import molecules_of
from sonde.modalities.molecule.files import read_molecules
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.forms.tables import form_of, short_name, split_files
from sonde.modalities.table.read import head_of


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a path looks like a table of molecules, or a folder of such, None if it does not.

    Raises: MissingDependency where a column is called SMILES and RDKit is not there to read it
    """
    file = split_files(listing).get("train")
    if file is None:
        return None
    try:
        head = listing.once(head_of, file)
        column = smiles_column(some_cells(head)) if head is not None else None
    except DataError:
        return None  # what is wrong with the file is reported when it is read
    return f"column {column!r} of {file.name} holds SMILES" if column is not None else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Molecules from their SMILES or InChI alone; other columns are targets or not looked at.

    With `like`, a trained model's schema, nothing is held back, and a single table is the test split.

    Raises: DataError naming the file and row of what cannot be read, and for targets as tables do
    """
    files = split_files(listing, alone="train" if like is None else "test")
    columns = config.of(TableConfig).columns
    tables = {split: listing.once(read_molecules, file, columns) for split, file in files.items()}
    about = about_molecules(listing, files)
    return molecules_of(tables, about, Wanted(config=config, task=task, like=like), tick)


def about_molecules(listing: Listing, files: dict[str, Path]) -> About:
    """Facts about files of molecules besides their rows."""
    first = next(iter(files.values()))
    form = f"{form_of(first)} of molecules"
    return About.at(listing, name=short_name(listing.path), form=form, why=first.name, files=list(files.values()))
