"""Settings of torsions: none: its flags."""

from dataclasses import dataclass

ANGLES = ("phi", "psi")  # of a residue's backbone, in the order in which they are given


@dataclass(frozen=True, kw_only=True)
class TorsionsConfig:
    """Settings of torsions: none."""
