"""Protein structures on disk: chains of PDB and mmCIF files, as residues and the places of their backbones."""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from sonde.core.catalogue import require
from sonde.core.errors import DataError, first_line
from sonde.data.listing import Listing
from sonde.data.unzipped import BAD_CONTENT, opened, text_of
from sonde.modalities.protein.codes import BACKBONE, LETTERS, OTHER, PARENTS, letter_of

PDB, MMCIF = (".pdb", ".ent", ".pdb1"), (".cif", ".mmcif")  # .pdb1: the first assembly, as the PDB names it
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
    modified: three letters of residues that are none of the twenty -> how often; `letters` has their parents, or X
    models:   how many the file holds, of which this is from the first
    """

    name: str
    letters: str
    backbone: np.ndarray
    bare: int
    breaks: int
    modified: Mapping[str, int] = field(default_factory=dict)
    models: int = 1


def is_structure(path: Path) -> bool:
    """Whether a file's name ends as those of structures do, gzipped or not."""
    return path.is_file() and _ending(path.name) != ""


def structures_in(listing: Listing) -> list[Path]:
    """The structure files of a folder, those of folders below aside, by name."""
    return [] if listing.is_file else [file for file in listing.files if _ending(file.name)]


def structures_below(listing: Listing) -> list[Path]:
    """The structure files of a folder at any depth, as mirrors of the PDB have them (divided/pdb/ab/pdb1abc.ent.gz).

    None where most files are others: structures that stand beside tables or pictures are not what such a folder is about.
    """
    if listing.is_file:
        return []
    found = [listing.path / name for name in listing.below if _ending(name)]
    return found if 2 * len(found) >= len(listing.below) else []


def _ending(name: str) -> str:
    """The ending that says how a structure is written, "" of other files; that of gzip is looked through."""
    ending = Path(name.lower().removesuffix(".gz")).suffix
    return ending if ending in (*PDB, *MMCIF) else ""


def read_chains(path: Path) -> list[Chain]:
    """The protein chains of the first model in a file that have `FEWEST` residues or more.

    Raises: DataError for what is no structure, MissingDependency
    """
    atoms, models = _atoms(path)
    order = list(dict.fromkeys(atoms.chain_id.tolist()))
    name = path.name[: path.name.lower().removesuffix(".gz").rindex(".")]
    found = {chain: replace(_chain(name, atoms[atoms.chain_id == chain]), models=models) for chain in order}
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


def _atoms(path: Path) -> tuple[Any, int]:
    """(Biotite's array of the protein's atoms, of the first model; how many models there are).

    Raises: DataError, MissingDependency
    """
    require("biotite", extra="science", purpose="reading protein structures")
    from biotite import DeserializationError, InvalidFileError
    from biotite.structure import BadStructureError, filter_amino_acids

    try:
        found, models = _read(path)
    except (*BAD_CONTENT, DeserializationError, InvalidFileError, BadStructureError) as error:
        raise DataError(f"{path} cannot be read as a structure ({first_line(error)}); fix or remove it") from None
    # the dictionary that the filter asks does not know the names of force fields (HIE, CYX)
    return found[filter_amino_acids(found) | np.isin(found.res_name, [*LETTERS, *PARENTS])], models


def _read(path: Path) -> tuple[Any, int]:
    with _opened(path) as file:
        if _ending(path.name) in PDB:
            from biotite.structure.io.pdb import PDBFile

            content = PDBFile.read(file)
            return content.get_structure(model=1), content.get_model_count()
        from biotite.structure.io.pdbx import CIFFile, get_model_count, get_structure

        content = CIFFile.read(file)
        return get_structure(content, model=1), get_model_count(content)


def _opened(path: Path) -> TextIO:
    return io.TextIOWrapper(opened(path), encoding="utf-8", errors="replace")


def _chain(name: str, atoms: Any) -> Chain:
    from biotite.structure import get_residue_starts

    starts = get_residue_starts(atoms, add_exclusive_stop=True)
    names, places, bare = [], [], 0
    for begin, end in zip(starts[:-1], starts[1:], strict=True):
        where = {atom: begin + n for n, atom in enumerate(atoms.atom_name[begin:end].tolist())}
        if not all(atom in where for atom in BACKBONE):
            bare += 1
            continue
        names.append(str(atoms.res_name[begin]))
        places.append(atoms.coord[[where[atom] for atom in BACKBONE]])
    backbone = np.array(places, dtype=np.float32).reshape(-1, len(BACKBONE), 3)
    steps = np.linalg.norm(np.diff(backbone[:, 1], axis=0), axis=1)
    letters = "".join(map(letter_of, names))
    modified = Counter(residue for residue in names if residue not in LETTERS)
    return Chain(name, letters, backbone, bare, int((steps > BREAK).sum()), modified)


def modified_in_words(chains: Sequence[Chain]) -> tuple[str, str]:
    """What of modified residues was read as their parents, and which are left as `OTHER`; "" for none."""
    counts = Counter[str]()
    for chain in chains:
        counts.update(chain.modified)
    known = {name: number for name, number in counts.items() if letter_of(name) != OTHER}
    others = {name: number for name, number in counts.items() if name not in known}
    as_parents = ", ".join(f"{number:,} {name} as {letter_of(name)}" for name, number in known.items())
    left = ", ".join(f"{number:,} {name}" for name, number in others.items())
    return as_parents, left


def _place(header: Sequence[str], words: Sequence[str]) -> int | None:
    """The first column whose name holds one of some words, those first in their order."""
    return next((n for word in words for n, name in enumerate(header) if word in name.lower()), None)
