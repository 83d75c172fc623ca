"""Settings of torsions: none: its flags."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TorsionsConfig:
    """Settings of torsions: none."""
