"""The record of task structure."""

from sonde.tasks.spec import Answer, TaskSpec
from sonde.tasks.structure.config import StructureConfig

STRUCTURE = TaskSpec(
    name="structure",
    summary="how far apart the residues of a protein lie, from the residues",
    task="sonde.tasks.structure.task:Structure",
    config=StructureConfig,
    answers=Answer("structure", "an answer for every residue"),
    targets=("distances",),
    suggests={"distances": "distances between residues are known"},
    exclusive="distances",
    model="sonde.tasks.structure.recipe:model",
    settings="sonde.tasks.structure.recipe:settings",
    figures="sonde.tasks.structure.figures:additions",
    shorten={"distances": lambda rows: {"distances": f"{len(rows)}x{len(rows)} in Å"}},
)
