"""The record of task torsions."""

from collections.abc import Callable, Sequence

from sonde.core.units import count
from sonde.tasks.spec import Answer, TaskSpec
from sonde.tasks.torsions.config import ANGLES, TorsionsConfig


def _counted(name: str) -> Callable[[Sequence[float]], dict[str, str]]:
    """How many angles of a name there are: a chain has hundreds."""
    return lambda angles: {name: f"{count(len(angles))} angles in degrees"}


TORSIONS = TaskSpec(
    name="torsions",
    summary="backbone torsion angles (phi, psi) of a protein, from its amino-acid sequence",
    task="sonde.tasks.torsions.task:Torsions",
    config=TorsionsConfig,
    answers=Answer("angles", "torsion angles per residue"),
    targets=("torsions",),
    suggests={"torsions": "backbone torsion angles are known"},
    exclusive="angles",
    reads={"protein": "sonde.tasks.torsions.target:target"},
    model=("torsion-network", "predicts backbone torsion angles from residues"),
    settings="sonde.tasks.torsions.recipe:settings",
    figures="sonde.tasks.torsions.figures:additions",
    shorten={name: _counted(name) for name in ANGLES},
    units={"mae": "degrees"},
)
