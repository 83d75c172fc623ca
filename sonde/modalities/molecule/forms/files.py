"""Files of molecules with their properties: SDF, or SMILES one a line; one file, or a folder of files named for their splits."""

from pathlib import Path

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.splits import SPLIT_NAMES, in_order
from sonde.modalities.modality import Wanted
from sonde.modalities.molecule.dataset import molecules_of
from sonde.modalities.molecule.files import COLUMN, molecule_suffix, read_molecules
from sonde.modalities.table.config import TableConfig
from sonde.modalities.table.forms.tables import short_name


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a path is a file of molecules, or a folder of such, None if it is not."""
    files = _files(listing)
    return f"{files['train'].name} holds molecules" if "train" in files else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Molecules with the properties that stand beside them. Raises: DataError as tables of molecules do, and for none"""
    files = _files(listing, alone="train" if like is None else "test")
    columns = config.of(TableConfig).columns
    tables = {split: listing.once(read_molecules, file, columns) for split, file in files.items()}
    first = next(iter(files.values()))
    if set(tables[next(iter(files))].columns) <= {COLUMN, "name", "title"}:
        raise DataError(
            f"{first.name} holds molecules and no property to predict; put both into a table (CSV) with columns smiles and "
            f"value, or predict on it with a trained run: sonde predict RUN {first.name}"
        )
    form = f"{molecule_suffix(first)[1:].upper()} file of molecules"
    about = About.at(listing, name=short_name(listing.path), form=form, why=first.name, files=list(files.values()))
    return molecules_of(tables, about, Wanted(config=config, task=task, like=like), tick)


def _files(listing: Listing, *, alone: str = "train") -> dict[str, Path]:
    """Split -> file; one file is the split `alone`, also one that a folder holds. Raises: DataError for two of one split"""
    if listing.is_file:
        return {alone: listing.path} if molecule_suffix(listing.path) else {}
    files = [file for file in listing.files if molecule_suffix(file)]
    if len(files) == 1:
        return {alone: files[0]}
    found: dict[str, Path] = {}
    for file in files:
        split = SPLIT_NAMES.get(file.name.split(".")[0].lower())
        if split is not None and split in found:
            raise DataError(
                f"{listing.path}: {found[split].name} and {file.name} both name the {split} split; keep one"
            )
        if split is not None:
            found[split] = file
    return in_order(found)
