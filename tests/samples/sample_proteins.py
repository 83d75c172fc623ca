"""Protein structures as files: an ideal helix of any residues, with atoms or residues left out where asked."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sonde.modalities.protein.codes import BACKBONE, LETTERS

THREE = {letter: name for name, letter in LETTERS.items()}
RADII = {"N": 1.55, "CA": 2.3, "C": 1.65, "O": 2.0}  # ångström from the axis
TURNS = {"N": -0.48, "CA": 0.0, "C": 0.46, "O": 0.55}  # radians from CA
RISES = {"N": -0.9, "CA": 0.0, "C": 1.1, "O": 2.3}


def helix(residues: int, *, seed: int = 0) -> np.ndarray:
    """(residues, 4, 3) float32: 1.5 ångström up and 100 degrees round for each, with a little noise."""
    places = np.arange(residues)
    found = np.stack(
        [
            np.stack(
                [
                    RADII[a] * np.cos(angle := places * 1.745 + TURNS[a]),
                    RADII[a] * np.sin(angle),
                    1.5 * places + RISES[a],
                ],
                1,
            )
            for a in BACKBONE
        ],
        1,
    )
    return (found + np.random.default_rng(seed).normal(0, 0.05, found.shape)).astype(np.float32)


def pdb(
    letters: str, backbone: np.ndarray, *, chain: str = "A", without: Sequence[tuple[int, str]] = (), first: int = 1
) -> str:
    """ATOM records; `without` names atoms (place, atom) that are missing."""
    lines = []
    for place, letter in enumerate(letters):
        for atom, (x, y, z) in zip(BACKBONE, backbone[place], strict=True):
            if (place, atom) in without:
                continue
            name = THREE.get(letter, "UNK")
            lines.append(
                f"ATOM  {len(lines) + 1:>5}  {atom:<3} {name} {chain}{place + first:>4}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00"
                f"          {atom[0]:>2}"
            )
    return "\n".join([*lines, "TER", ""])


def write_domains(folder: Path, count: int = 8, *, seed: int = 0, shortest: int = 12) -> list[str]:
    """`count` helices of random residues as D0_A.pdb, …; their letters."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    chains = []
    for number in range(count):
        letters = "".join(rng.choice(sorted(THREE), shortest + number))
        (folder / f"D{number}_A.pdb").write_text(
            pdb(letters, helix(len(letters), seed=number)) + "END\n", encoding="utf-8"
        )
        chains.append(letters)
    return chains
