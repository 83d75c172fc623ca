import numpy as np
import pytest
from sample_proteins import helix, pdb

from sonde.modalities.protein.structures import read_chains
from sonde.tasks.torsions.target import backbone_torsions

# Engh and Huber 1991, Acta Crystallographica A47: lengths in ångström and angles in degrees of N-CA, CA-C, C-N
LENGTHS = {"N": 1.329, "CA": 1.458, "C": 1.525}
ANGLES = {"N": 116.2, "CA": 121.7, "C": 111.2}


def built(phi: np.ndarray, psi: np.ndarray) -> np.ndarray:
    """(R, 4, 3) a backbone that is turned so, each atom placed from the three before it; O stands anywhere."""
    atoms = [np.array([0.0, 0, 0]), np.array([1.458, 0, 0]), np.array([1.458 + 0.552, 1.422, 0])]
    for place in range(1, len(phi)):
        for atom, turn in (("N", psi[place - 1]), ("CA", 180.0), ("C", phi[place])):
            a, b, c = atoms[-3:]
            along = (c - b) / np.linalg.norm(c - b)
            normal = np.cross(b - a, along)
            normal /= np.linalg.norm(normal)
            bend, round_ = np.radians(180 - ANGLES[atom]), np.radians(turn)
            own = np.array([np.cos(bend), np.sin(bend) * np.cos(round_), np.sin(bend) * np.sin(round_)]) * LENGTHS[atom]
            atoms.append(c + own[0] * along + own[1] * np.cross(normal, along) + own[2] * normal)
    backbone = np.array(atoms).reshape(-1, 3, 3)
    return np.concatenate([backbone, backbone[:, 2:] + 1], 1)


def degrees(found: np.ndarray) -> np.ndarray:
    return np.degrees(np.arctan2(found[..., 1], found[..., 0]))


def test_angles_that_a_chain_was_built_with_are_found_again() -> None:
    rng = np.random.default_rng(0)
    phi, psi = rng.uniform(-180, 180, (2, 30))
    found = backbone_torsions(built(phi, psi))
    assert found.dtype == np.float32
    np.testing.assert_allclose(degrees(found[1:, 0]), phi[1:], atol=1e-3)
    np.testing.assert_allclose(degrees(found[:-1, 1]), psi[:-1], atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(found[1:-1], axis=-1), 1, atol=1e-6)


def test_what_is_not_known_has_no_direction() -> None:
    backbone = built(np.full(9, -60.0), np.full(9, -45.0))
    backbone[5:] += 20  # residues are missing before the sixth
    found = backbone_torsions(backbone)
    unknown = np.linalg.norm(found, axis=-1) == 0
    assert np.argwhere(unknown).tolist() == [[0, 0], [4, 1], [5, 0], [8, 1]]
    assert not backbone_torsions(backbone[:1]).any()


def test_they_are_biotites(tmp_path) -> None:
    structure = pytest.importorskip("biotite.structure")
    from biotite.structure.io.pdb import PDBFile

    rng = np.random.default_rng(1)
    backbone = built(rng.uniform(-180, 180, 25), rng.uniform(-180, 180, 25)).astype(np.float32)
    (tmp_path / "a.pdb").write_text(pdb("A" * 25, backbone) + "END\n", encoding="utf-8")
    phi, psi, _ = structure.dihedral_backbone(PDBFile.read(tmp_path / "a.pdb").get_structure(model=1))
    (chain,) = read_chains(tmp_path / "a.pdb")
    found = degrees(backbone_torsions(chain.backbone))
    np.testing.assert_allclose(found[1:, 0], np.degrees(phi[1:]), atol=1e-3)
    np.testing.assert_allclose(found[:-1, 1], np.degrees(psi[:-1]), atol=1e-3)


def test_a_helix_is_turned_as_helices_are() -> None:
    phi, psi = np.nanmedian(degrees(backbone_torsions(helix(20)))[2:-2], 0)
    assert -90 < phi < -30
    assert -90 < psi < -10
