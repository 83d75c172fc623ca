"""Protein structures on disk: chains of PDB and mmCIF files, as residues and the places of their backbones."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sonde.core.catalogue import require
from sonde.core.errors import DataError, first_line
from sonde.data.listing import Listing
from sonde.data.unzipped import BAD_CONTENT, text_of
from sonde.modalities.protein.codes import BACKBONE, LETTERS, OTHER

PDB, MMCIF = (".pdb", ".ent"), (".cif", ".mmcif")
FASTA = (".fasta", ".fa", ".faa")
FEWEST = 10  # residues of a chain: below it there is no fold to speak of
BREAK = 4.5  # ångström; alpha carbons of neighbours are 3.8 apart, and 2.9 where the bond between them is turned round
FAMILY_TABLE = "domains.csv"


@dataclass(frozen=True)
class Chain:
    """One chain of residues whose backbones are known.

    name:     of the file, and of the chain where the file holds several
    letters:  one a residue
    backbone: (residues, 4, 3) float32 in ångström: N, CA, C, O
    bare:     residues that were left out because an atom of their backbone is missing
    breaks:   places at which residues must be missing between two neighbours
    """

    name: str
    letters: str
    backbone: np.ndarray
    bare: int
    breaks: int


def is_structure(path: Path) -> bool:
    """Whether a file's name ends as those of structures do."""
    return path.is_file() and path.suffix.lower() in (*PDB, *MMCIF)


def structures_in(listing: Listing) -> list[Path]:
    """The structure files of a folder, those of folders below aside, by name."""
    return [] if listing.is_file else listing.ending(*PDB, *MMCIF)


def read_chains(path: Path) -> list[Chain]:
    """The protein chains of the first model in a file that have `FEWEST` residues or more.

    Raises: DataError for what is no structure, MissingDependency
    """
    atoms = _atoms(path)
    order = list(dict.fromkeys(atoms.chain_id.tolist()))
    found = {chain: _chain(path.stem, atoms[atoms.chain_id == chain]) for chain in order}
    long = {chain: one for chain, one in found.items() if len(one.letters) >= FEWEST}
    if not long:
        most = max((len(one.letters) for one in found.values()), default=0)
        raise DataError(
            f"{path} holds no protein chain of {FEWEST} residues or more with a backbone ({most} at most); remove it"
        )
    if len(long) == 1:
        return list(long.values())
    return [replace(one, name=f"{one.name} chain {chain}") for chain, one in long.items()]


def families(folder: Path) -> dict[str, str]:
    """Name of a structure, in capitals and up to its first _, -> its family, from a table of such beside the files.

    The table is a CSV whose lines that start with # are remarks, the last of them perhaps its header; one column is called
    after PDB or domains, one after Pfam or families. Without such a table it is empty.
    """
    table = folder / FAMILY_TABLE
    if not table.is_file():
        return {}
    lines = [line for line in text_of(table).splitlines() if line.strip("# ")]
    remarks = [line for line in lines if line.startswith("#")]
    rows = list(csv.reader(line for line in lines if not line.startswith("#")))
    header = next(csv.reader([remarks[-1].lstrip("# ")])) if remarks else rows.pop(0)
    name, family = _place(header, ("pdb", "domain")), _place(header, ("pfam id", "family", "pfam"))
    if name is None or family is None or name == family:
        return {}
    return {row[name].strip().upper(): row[family].strip() for row in rows if len(row) > max(name, family)}


def family_of(chain: Chain, known: dict[str, str]) -> str:
    """The family of a chain; where none is known, its own residues: identical sequences are one family."""
    return known.get(chain.name.split("_")[0].split(" ")[0].upper(), chain.letters)


def read_fasta(path: Path) -> list[tuple[str, str]]:
    """(name, letters) of each entry. Raises: DataError for a file without any."""
    found: list[tuple[str, str]] = []
    for number, line in enumerate(text_of(path).splitlines(), start=1):
        text = line.strip()
        if text.startswith(">"):
            found.append(((text[1:].split() or [f"line {number}"])[0], ""))
        elif text:
            name, letters = found.pop() if found else (path.stem, "")
            found.append((name, letters + text))
    if not found:
        raise DataError(f"{path} holds no sequence; a FASTA file has lines of residues below a line >NAME")
    return found


def _atoms(path: Path) -> Any:
    """Biotite's array of the protein's atoms. Raises: DataError, MissingDependency."""
    require("biotite", extra="science", purpose="reading protein structures")
    from biotite import DeserializationError, InvalidFileError
    from biotite.structure import BadStructureError, filter_amino_acids

    try:
        found = _read(path)
    except (*BAD_CONTENT, DeserializationError, InvalidFileError, BadStructureError) as error:
        raise DataError(f"{path} cannot be read as a structure ({first_line(error)}); fix or remove it") from None
    return found[filter_amino_acids(found)]


def _read(path: Path) -> Any:
    if path.suffix.lower() in PDB:
        from biotite.structure.io.pdb import PDBFile

        return PDBFile.read(path).get_structure(model=1)
    from biotite.structure.io.pdbx import CIFFile, get_structure

    return get_structure(CIFFile.read(path), model=1)


def _chain(name: str, atoms: Any) -> Chain:
    from biotite.structure import get_residue_starts

    starts = get_residue_starts(atoms, add_exclusive_stop=True)
    letters, places, bare = [], [], 0
    for begin, end in zip(starts[:-1], starts[1:], strict=True):
        where = {atom: begin + n for n, atom in enumerate(atoms.atom_name[begin:end].tolist())}
        if not all(atom in where for atom in BACKBONE):
            bare += 1
            continue
        letters.append(LETTERS.get(str(atoms.res_name[begin]), OTHER))
        places.append(atoms.coord[[where[atom] for atom in BACKBONE]])
    backbone = np.array(places, dtype=np.float32).reshape(-1, len(BACKBONE), 3)
    steps = np.linalg.norm(np.diff(backbone[:, 1], axis=0), axis=1)
    return Chain(name, "".join(letters), backbone, bare, int((steps > BREAK).sum()))


def _place(header: Sequence[str], words: Sequence[str]) -> int | None:
    """The first column whose name holds one of some words, those first in their order."""
    return next((n for word in words for n, name in enumerate(header) if word in name.lower()), None)
