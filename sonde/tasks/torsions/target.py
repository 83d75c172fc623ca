"""Backbone torsion angles of a protein: phi and psi of each of its residues."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from sonde.core.dataset import TargetSpec
from sonde.tasks.spec import TargetRows
from sonde.tasks.torsions.config import ANGLES

LONGEST_BOND = 2.0  # ångström; C and the next residue's N are 1.33 apart, and farther where residues are missing


class HasBackbone(Protocol):
    """A chain. backbone: (R, 4, 3) places of N, CA, C, O in ångström"""

    @property
    def backbone(self) -> np.ndarray: ...


def target(chains: Sequence[HasBackbone]) -> TargetRows:
    """The angles of each chain, (R, 2, 2) as `backbone_torsions`."""
    return TargetRows(
        spec=TargetSpec(kind="torsions", names=ANGLES),
        rows=[backbone_torsions(chain.backbone) for chain in chains],
        words="backbone torsion angles from the residues",
    )


def backbone_torsions(backbone: np.ndarray) -> np.ndarray:
    """(R, 4, 3) places of N, CA, C, O in ångström -> (R, 2, 2) float32: cosine and sine of phi and of psi.

    phi turns about N-CA, seen from the C before to its own C; psi about CA-C, from its own N to the N after. Both numbers are 0
    where an angle is not known: at the ends, and beside a break.
    Source: IUPAC-IUB Commission on Biochemical Nomenclature 1970, Biochemistry 9 (18)
    """
    found = np.zeros((len(backbone), 2, 2), dtype=np.float32)
    n, alpha, c = (backbone[:, atom].astype(np.float64) for atom in range(3))
    bound = np.linalg.norm(n[1:] - c[:-1], axis=1) < LONGEST_BOND  # (R - 1,)
    found[1:, 0] = _turn(c[:-1], n[1:], alpha[1:], c[1:]) * bound[:, None]
    found[:-1, 1] = _turn(n[:-1], alpha[:-1], c[:-1], n[1:]) * bound[:, None]
    return found


def _turn(first: np.ndarray, second: np.ndarray, third: np.ndarray, fourth: np.ndarray) -> np.ndarray:
    """(n, 3) four times -> (n, 2): cosine and sine of the angle between the planes of the first and the last three points.

    Seen along the bond from the second to the third, positive where the farther one is rotated clockwise.
    """
    before, bond, after = second - first, third - second, fourth - third
    one, other = np.cross(before, bond), np.cross(bond, after)
    length = np.linalg.norm(bond, axis=1)
    both = np.stack([(one * other).sum(1), length * (before * other).sum(1)], 1)
    return both / np.maximum(np.linalg.norm(both, axis=1, keepdims=True), 1e-12)
