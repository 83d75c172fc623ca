"""Residues of proteins as letters, and the bins that distances between them fall into."""

from collections.abc import Mapping

from sonde.core.vocabulary import Characters

LETTERS: Mapping[str, str] = {
    "ALA": "A", "CYS": "C", "ASP": "D", "GLU": "E", "PHE": "F", "GLY": "G", "HIS": "H", "ILE": "I", "LYS": "K", "LEU": "L",
    "MET": "M", "ASN": "N", "PRO": "P", "GLN": "Q", "ARG": "R", "SER": "S", "THR": "T", "VAL": "V", "TRP": "W", "TYR": "Y",
}  # fmt: skip
"""Three letters -> one, of the twenty kinds of residues."""

OTHER = "X"  # a residue of another kind

BACKBONE = ("N", "CA", "C", "O")  # atoms of a residue, in the order in which their places are given

CONTACT = 8.0  # ångström: residues whose alpha carbons are nearer than this touch

EDGES = (*map(float, range(4, 21)), 22.0, 24.0, 26.0, 28.0, 30.0, 34.0, 38.0, 42.0, 50.0)
"""Ångström; distances up to the first are the first bin, beyond the last is the last."""


def residues() -> Characters:
    """The vocabulary of residues: twenty letters and that of all others."""
    return Characters((*sorted(LETTERS.values()), OTHER))


def bin_names() -> tuple[str, ...]:
    """What a person calls each bin of a distance.

    >>> bin_names()[:2], bin_names()[-1], len(bin_names()) == len(EDGES) + 1
    (('to 4 Å', '4 to 5 Å'), 'from 50 Å', True)
    """
    between = (f"{low:g} to {high:g} Å" for low, high in zip(EDGES, EDGES[1:], strict=False))
    return f"to {EDGES[0]:g} Å", *between, f"from {EDGES[-1]:g} Å"


def bin_centres() -> tuple[float, ...]:
    """Ångström that stand for each bin: its middle; neighbours in the chain are 3.8 apart, and the last bin has no end."""
    return 3.8, *((low + high) / 2 for low, high in zip(EDGES, EDGES[1:], strict=False)), EDGES[-1] + 4
