"""Residues of proteins as letters, and the bins that distances between them fall into."""

from collections.abc import Mapping

from sonde.core.vocabulary import Characters

LETTERS: Mapping[str, str] = {
    "ALA": "A", "CYS": "C", "ASP": "D", "GLU": "E", "PHE": "F", "GLY": "G", "HIS": "H", "ILE": "I", "LYS": "K", "LEU": "L",
    "MET": "M", "ASN": "N", "PRO": "P", "GLN": "Q", "ARG": "R", "SER": "S", "THR": "T", "VAL": "V", "TRP": "W", "TYR": "Y",
}  # fmt: skip
"""Three letters -> one, of the twenty kinds of residues."""

OTHER = "X"  # a residue of another kind

PARENTS: Mapping[str, str] = {
    **dict.fromkeys(("HID", "HIE", "HIP", "HSD", "HSE", "HSP", "NEP", "HIC", "MHS"), "HIS"),
    **dict.fromkeys(("CYX", "CYM", "CSO", "CSD", "CSS", "CSX", "CME", "CMT", "OCS", "CAS", "CAF", "SMC", "SCY", "SEC"), "CYS"),
    **dict.fromkeys(("ASH", "PHD", "IAS", "BFD"), "ASP"),
    **dict.fromkeys(("GLH", "CGU", "GMA"), "GLU"),
    **dict.fromkeys(("LYN", "KCX", "MLY", "MLZ", "M3L", "ALY", "LLP", "PYL"), "LYS"),
    **dict.fromkeys(("MSE", "FME", "SME", "MHO"), "MET"),
    **dict.fromkeys(("SEP", "SAC"), "SER"),
    **dict.fromkeys(("PTR", "TYS", "TYI"), "TYR"),
    **dict.fromkeys(("AGM", "CIR", "ARN"), "ARG"),
    "TPO": "THR", "HYP": "PRO", "PCA": "GLN", "MEN": "ASN", "AIB": "ALA",
}  # fmt: skip
"""Three letters of a residue that is modified, or written with its protons -> the residue that it is made from.

MODRES and the parents (_chem_comp.mon_nstd_parent_comp_id) of the wwPDB's Chemical Component Dictionary; the histidines,
cysteines and acids of AMBER's and CHARMM's force fields, whose GLH and HSE mean something else in that dictionary.
"""


def letter_of(residue: str) -> str:
    """The letter of a residue by its three letters: its own, else its parent's, else `OTHER`.

    >>> letter_of("MET"), letter_of("MSE"), letter_of("HIE"), letter_of("UNK")
    ('M', 'M', 'H', 'X')
    """
    return LETTERS.get(PARENTS.get(residue, residue), OTHER)


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
