"""The codes that atoms and bonds have in a batch: what readers write and networks look up."""

from collections.abc import Mapping

ELEMENTS = (
    "H", "Li", "B", "C", "N", "O", "F", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Ti", "V", "Cr", "Mn", "Fe", "Co",
    "Ni", "Cu", "Zn", "Ge", "As", "Se", "Br", "Mo", "Pd", "Ag", "Cd", "Sn", "Sb", "I", "Ba", "Gd", "Pt", "Au", "Hg", "Tl", "Pb",
    "Bi",
)  # fmt: skip

FEATURES: Mapping[str, int] = {
    "element": len(ELEMENTS) + 1,
    "bonds": 7,
    "hydrogens": 5,
    "charge": 5,
    "hybridisation": 7,
    "surroundings": 4,
    "smallest ring": 7,
    "handedness": 3,
}
"""Features of an atom, and how many values each can have.

element:       one of `ELEMENTS`, else the last value
bonds:         to other atoms than hydrogen, 0 to 5; 6 for more
hydrogens:     bound to it, 0 to 3; 4 for more
charge:        -2 to 2 as 0 to 4
hybridisation: s, sp, sp2, sp3, sp3d, sp3d2; the last for others
surroundings:  in a chain, in a ring, in an aromatic ring; in a chain next to a double bond it is conjugated with
smallest ring: that it lies in: none, of 3, 4, 5, 6, 7 atoms; the last for larger ones
handedness:    none, R, S
"""

BONDS = (
    "single", "single, conjugated", "single, in a ring", "single, in a ring, conjugated", "double", "double, in a ring",
    "triple", "aromatic", "other",
)  # fmt: skip
"""The kinds of bonds, 1 the first of them; 0 is none."""

TURNED: Mapping[str, str] = {
    "double, E": "double", "double, Z": "double",
    "double, in a ring, E": "double, in a ring", "double, in a ring, Z": "double, in a ring",
}  # fmt: skip
"""Kinds of double bonds whose ends are told apart, trans and cis -> the kind they are where that is not looked at."""

STEREO = "E/Z"  # `InputSpec.extra` of molecules some of which have such bonds


def bond_kinds(extra: str) -> tuple[str, ...]:
    """The kinds of bonds that a network tells apart, 1 the first, by the `extra` of its input.

    Data without double bonds that are told apart have fewer, so that networks for them stay as they were.

    >>> len(bond_kinds("")), bond_kinds(STEREO)[-1]
    (9, 'double, in a ring, Z')
    """
    return (*BONDS, *TURNED) if extra == STEREO else BONDS


def offsets() -> dict[str, int]:
    """The code of each feature's first value: all features share one range of codes, in which 0 means that there is no atom.

    >>> offsets()["element"], offsets()["bonds"] == len(ELEMENTS) + 2
    (1, True)
    """
    found, code = {}, 1
    for name, values in FEATURES.items():
        found[name] = code
        code += values
    return found


SYMBOLS = 1 + sum(FEATURES.values())
"""Codes there are, that of no atom included."""
