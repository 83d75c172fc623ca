"""Molecules as graphs: a SMILES string -> the codes of its atoms and the kinds of its bonds, and rows of such."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sonde.core.catalogue import require
from sonde.core.dataset import Rows
from sonde.data.ragged import Ragged, end_to_end
from sonde.data.splits import SubsetRows
from sonde.modalities.molecule.codes import BONDS, ELEMENTS, FEATURES, STEREO, TURNED, bond_kinds, offsets

_ELEMENT = {symbol: place for place, symbol in enumerate(ELEMENTS)}
_HYBRIDISATION = {name: place for place, name in enumerate(("S", "SP", "SP2", "SP3", "SP3D", "SP3D2"))}
INCHI = "InChI="  # what each InChI begins with
_RINGS = (3, 4, 5, 6, 7)  # sizes that are distinguished


@dataclass(frozen=True)
class Graph:
    """One molecule.

    name:  its canonical SMILES, the same for every way of writing it
    atoms: (atoms, features) int32, the codes of `sonde.modalities.molecule.codes`
    bonds: (bonds, 3) int32: two atoms and the kind of what binds them (`bond_kinds(STEREO)`), each bond once
    """

    name: str
    atoms: np.ndarray
    bonds: np.ndarray

    @property
    def turned(self) -> bool:
        """Whether it has double bonds whose ends are told apart."""
        return bool((self.bonds[:, 2] > len(BONDS)).any())


def chemistry() -> Any:
    """RDKit's `Chem`. Raises: MissingDependency with the install line."""
    require("rdkit", extra="science", purpose="reading molecules")
    from rdkit import Chem

    return Chem


def parsed(text: str) -> Any | None:
    """RDKit's molecule of a SMILES or an InChI; None for text that is neither, or stands for no atom.

    Of SMILES with ChemAxon's extensions behind (" |c:1|") that RDKit refuses, it is read without them.
    Raises: MissingDependency
    """
    chem = chemistry()
    from rdkit.rdBase import BlockLogs

    with BlockLogs():  # RDKit prints why; here the caller says which row it was
        if text.strip().startswith(INCHI):
            molecule = chem.MolFromInchi(text.strip())
        else:
            molecule = chem.MolFromSmiles(text.strip())
            if molecule is None and " |" in text:
                molecule = chem.MolFromSmiles(text.split(" |")[0].strip())
    return molecule if molecule is not None and molecule.GetNumAtoms() else None


def smiles_of_block(block: str) -> str | None:
    """The canonical SMILES of a record of a MOL file; None for one that RDKit refuses. Raises: MissingDependency."""
    chem = chemistry()
    from rdkit.rdBase import BlockLogs

    with BlockLogs():
        molecule = chem.MolFromMolBlock(block)
    return chem.MolToSmiles(molecule) if molecule is not None and molecule.GetNumAtoms() else None


def graph_of(smiles: str) -> Graph | None:
    """The graph of a SMILES or InChI, hydrogens counted with the atoms they are bound to; None where it cannot be read.

    Raises: MissingDependency
    """
    molecule = parsed(smiles)
    if molecule is None:
        return None
    rings = molecule.GetRingInfo()
    first = np.array([*offsets().values()], dtype=np.int32)
    atoms = np.array([_atom(atom, rings) for atom in molecule.GetAtoms()], dtype=np.int32)
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), _bond(bond)) for bond in molecule.GetBonds()]
    name = chemistry().MolToSmiles(molecule)
    return Graph(name, atoms + first, np.array(bonds, dtype=np.int32).reshape(-1, 3))


def _atom(atom: Any, rings: Any) -> list[int]:
    """The value of each feature, in the order of `FEATURES`."""
    values = (
        _ELEMENT.get(atom.GetSymbol(), len(ELEMENTS)),
        atom.GetDegree(),
        atom.GetTotalNumHs(),
        min(max(atom.GetFormalCharge(), -2), 2) + 2,
        _HYBRIDISATION.get(str(atom.GetHybridization()), len(_HYBRIDISATION)),
        _surroundings(atom),
        _ring(rings.MinAtomRingSize(atom.GetIdx())),
        ("R", "S").index(atom.GetProp("_CIPCode")) + 1 if atom.HasProp("_CIPCode") else 0,
    )
    return [min(value, most - 1) for value, most in zip(values, FEATURES.values(), strict=True)]


def _surroundings(atom: Any) -> int:
    if atom.GetIsAromatic():
        return 2
    if atom.IsInRing():
        return 1
    return 3 if any(bond.GetIsConjugated() for bond in atom.GetBonds()) else 0


def _ring(size: int) -> int:
    """0 for none, a place for each of `_RINGS`, the last for larger ones."""
    if size == 0:
        return 0
    return _RINGS.index(size) + 1 if size in _RINGS else len(_RINGS) + 1


def _bond(bond: Any) -> int:
    """A place in `bond_kinds(STEREO)`, counted from 1."""
    kind = str(bond.GetBondType()).lower()
    if kind in ("single", "double"):
        kind += ", in a ring" if bond.IsInRing() else ""
    if kind.startswith("single"):
        kind += ", conjugated" if bond.GetIsConjugated() else ""
    kind = kind if kind in BONDS else "other"
    turned = f"{kind}, {str(bond.GetStereo()).removeprefix('STEREO')}"
    return bond_kinds(STEREO).index(turned if turned in TURNED else kind) + 1


@dataclass(frozen=True, kw_only=True)
class MoleculeRows:
    """Molecules in memory (`sonde.data.rows.Sequences`).

    atoms: (total atoms, features);  bonds: (total bonds, 3), both as in `Graph`
    smiles: the canonical one of each, to know and to draw it by
    names: where each row came from
    fixed: fields (n, …): `target`, and `mask` where targets are missing
    """

    atoms: Ragged
    bonds: Ragged
    smiles: Sequence[str]
    names: Sequence[str]
    fixed: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.smiles)

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """input (n, N, features) int32, 0 behind the end of each, and bonds (n, N, N) uint8 for the largest of them, N atoms."""
        input = self.atoms.padded(indices)
        found = {"input": input, "bonds": self._squares(indices, input.shape[1])}
        return found | {name: values[indices] for name, values in self.fixed.items()}

    def describe(self, index: int) -> str:
        """Where the row came from, and its SMILES."""
        return f"{self.names[index]}, {self.smiles[index]}"

    def nbytes(self) -> int:
        """Bytes of all fields as they are held."""
        return sum(array.nbytes for array in (self.atoms.values, self.bonds.values, *self.fixed.values()))

    def lengths(self) -> np.ndarray:
        """(n,) int64, atoms of each."""
        return self.atoms.lengths()

    def targets(self) -> np.ndarray:
        """The `target` field of all rows."""
        return self.fixed["target"]

    def _squares(self, indices: np.ndarray, atoms: int) -> np.ndarray:
        """The kind of each bond at the place of its two atoms, from both sides."""
        counts = self.bonds.lengths()[indices]
        rows = np.repeat(np.arange(len(indices)), counts)
        before = np.repeat(np.cumsum(counts) - counts, counts)  # bonds of the rows before
        places = np.repeat(self.bonds.starts[indices], counts) + np.arange(len(rows)) - before
        one, other, kind = self.bonds.values[places].reshape(-1, 3).T  # also where there is no row
        square = np.zeros((len(indices), atoms, atoms), dtype=np.uint8)
        square[rows, one, other] = kind
        square[rows, other, one] = kind
        return square


def rows_of(
    graphs: Sequence[Graph],
    smiles: Sequence[str],
    names: Sequence[str],
    fixed: Mapping[str, np.ndarray] | None = None,
    *,
    extra: str = "",
) -> MoleculeRows:
    """Graphs as rows; `fixed` are fields (n, …), and `extra` says which bonds are told apart (`bond_kinds`)."""
    atoms = end_to_end([graph.atoms for graph in graphs])
    kinds, known = bond_kinds(STEREO), bond_kinds(extra)
    # a network that does not tell the ends of double bonds apart reads the plain kind
    plain = np.array([0, *(known.index(kind if kind in known else TURNED[kind]) + 1 for kind in kinds)], dtype=np.int32)
    bonds = end_to_end([np.column_stack([graph.bonds[:, :2], plain[graph.bonds[:, 2]]]) for graph in graphs])
    return MoleculeRows(atoms=atoms, bonds=bonds, smiles=smiles, names=names, fixed=fixed or {})


def names_of(rows: Rows) -> Sequence[str] | None:
    """The canonical SMILES of all rows of molecules, through selections; None for rows of something else."""
    if isinstance(rows, SubsetRows):
        below = names_of(rows.rows)
        return None if below is None else [below[int(index)] for index in rows.indices]
    return rows.smiles if isinstance(rows, MoleculeRows) else None


def smiles_of(rows: Rows, index: int) -> str:
    """The canonical SMILES of a row, through selections; "" for rows of something else than molecules."""
    if isinstance(rows, SubsetRows):
        return smiles_of(rows.rows, int(rows.indices[index]))
    return rows.smiles[index] if isinstance(rows, MoleculeRows) else ""


def drawing(smiles: str, *, width: int = 240, height: int = 180) -> str:
    """The structural formula as SVG, `width` by `height` pixels; "" for what cannot be read. Raises: MissingDependency."""
    molecule = parsed(smiles)
    if molecule is None:
        return ""
    from rdkit.Chem.Draw import rdMolDraw2D

    canvas = rdMolDraw2D.MolDraw2DSVG(width, height)
    rdMolDraw2D.PrepareAndDrawMolecule(canvas, molecule)
    canvas.FinishDrawing()
    return canvas.GetDrawingText()
