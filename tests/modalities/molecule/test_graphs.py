import pickle
import sys

import numpy as np
import pytest

from sonde.core.errors import MissingDependency
from sonde.data.splits import SubsetRows
from sonde.modalities.molecule.codes import BONDS, ELEMENTS, FEATURES, SYMBOLS, offsets
from sonde.modalities.molecule.graphs import MoleculeRows, drawing, graph_of, rows_of, smiles_of

SMILES = ("CCO", "c1ccccc1", "CC(=O)[O-].[Na+]", "C#N", "N[C@@H](C)C(=O)O")


def values(smiles: str, feature: str) -> list[int]:
    """The value of a feature for each atom."""
    graph = graph_of(smiles)
    assert graph is not None
    place = list(FEATURES).index(feature)
    return (graph.atoms[:, place] - offsets()[feature]).tolist()


def bonds(smiles: str) -> list[str]:
    graph = graph_of(smiles)
    assert graph is not None
    return sorted(BONDS[kind - 1] for kind in graph.bonds[:, 2])


def rows(smiles: tuple[str, ...] = SMILES) -> MoleculeRows:
    graphs = [graph for text in smiles if (graph := graph_of(text)) is not None]
    fixed = {"target": np.arange(len(smiles), dtype=np.float32)[:, None]}
    return rows_of(graphs, smiles, [f"row {n}" for n in range(len(smiles))], fixed)


def test_atoms_are_told_by_what_they_are_and_where_they_stand() -> None:
    assert [ELEMENTS[n] for n in values("CCO", "element")] == ["C", "C", "O"]
    assert values("CCO", "bonds") == [1, 2, 1]
    assert values("CCO", "hydrogens") == [3, 2, 1]
    assert values("CC(=O)[O-].[Na+]", "charge") == [2, 2, 2, 1, 3]
    assert values("CC#N", "hybridisation") == [3, 1, 1]
    assert values("c1ccccc1C", "surroundings") == [2] * 6 + [0]
    assert values("C1CC1C1CCCCCCC1", "smallest ring") == [1] * 3 + [6] * 8
    assert sorted(values("N[C@@H](C)C(=O)O", "handedness")) == [0] * 5 + [2]
    assert sorted(values("N[C@H](C)C(=O)O", "handedness")) == [0] * 5 + [1]
    assert values("[Xe]", "element") == [len(ELEMENTS)]


def test_bonds_are_told_apart_by_kind_ring_and_conjugation() -> None:
    assert bonds("CC") == ["single"]
    assert bonds("C=CC=C") == ["double", "double", "single, conjugated"]
    assert bonds("C1CC1") == ["single, in a ring"] * 3
    assert bonds("C1=CCCCC1").count("double, in a ring") == 1
    assert bonds("C#N") == ["triple"]
    assert bonds("c1ccccc1") == ["aromatic"] * 6
    assert bonds("[NH3]->[Pt]") == ["other"]


def test_every_code_lies_in_its_features_range() -> None:
    starts = np.array([*offsets().values(), SYMBOLS])
    for smiles in (*SMILES, "[U]", "F[S](F)(F)(F)(F)F", "[CH3-]", "[Al+3]"):
        graph = graph_of(smiles)
        assert graph is not None
        assert (graph.atoms >= starts[:-1]).all()
        assert (graph.atoms < starts[1:]).all()


def test_two_ways_of_writing_a_molecule_have_one_name() -> None:
    one, other = graph_of("OCC"), graph_of("C(O)C")
    assert one is not None
    assert other is not None
    assert one.name == other.name == "CCO"


@pytest.mark.parametrize("text", ["C1CC", "hello", "", "C(C)(C)(C)(C)C", "nan"])
def test_what_is_no_molecule_is_none_and_nothing_is_printed(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert graph_of(text) is None
    assert capfd.readouterr() == ("", "")


def test_a_batch_holds_atoms_and_the_bonds_from_both_sides() -> None:
    made, chosen = rows(), np.array([3, 1, 1, 0])
    found = made.read(chosen)
    assert found["input"].shape == (4, 6, len(FEATURES))
    assert found["bonds"].shape == (4, 6, 6)
    assert found["target"][:, 0].tolist() == [3, 1, 1, 0]
    for place, row in enumerate(chosen):
        graph = graph_of(SMILES[row])
        assert graph is not None
        expected = np.zeros((6, 6), int)
        for one, other, kind in graph.bonds:
            expected[one, other] = expected[other, one] = kind
        assert (found["bonds"][place] == expected).all()
        assert (found["input"][place, : len(graph.atoms)] == graph.atoms).all()
        assert not found["input"][place, len(graph.atoms) :].any()
    assert made.lengths().tolist() == [3, 6, 5, 2, 6]
    assert made.describe(3) == "row 3, C#N"
    twin = pickle.loads(pickle.dumps(made))
    assert (twin.read(chosen)["bonds"] == found["bonds"]).all()


def test_atoms_without_any_bond_can_stand_alone_in_a_batch() -> None:
    found = rows(("[Na+]", "C")).read(np.array([0, 1]))
    assert found["bonds"].shape == (2, 1, 1)
    assert not found["bonds"].any()


def test_the_smiles_of_a_row_is_found_through_selections() -> None:
    assert smiles_of(SubsetRows(rows(), np.array([4, 2])), 1) == SMILES[2]


def test_a_molecule_is_drawn_as_svg() -> None:
    svg = drawing("c1ccccc1O")
    assert svg.startswith("<?xml")
    assert svg.rstrip().endswith("</svg>")
    assert "width='240px'" in svg
    assert drawing("no molecule") == ""


def test_without_rdkit_the_install_line_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rdkit", None)
    with pytest.raises(MissingDependency, match=r"^reading molecules needs rdkit; install it with: pip install rdkit"):
        graph_of("C")
