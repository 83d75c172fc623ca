"""The record of task structure."""

from sonde.tasks.spec import Answer, TaskSpec
from sonde.tasks.structure.config import StructureConfig

STRUCTURE = TaskSpec(
    name="structure",
    summary="distances between the residues of a protein, from its amino-acid sequence",
    task="sonde.tasks.structure.task:Structure",
    config=StructureConfig,
    answers=Answer("structure", "an output per residue"),
    targets=("distances",),
    suggests={"distances": "distances between residues are known"},
    exclusive="distances",
    model=("structure-network", "predicts distances between residues"),
    settings="sonde.tasks.structure.recipe:settings",
    figures="sonde.tasks.structure.figures:additions",
    shorten={"distances": lambda rows: {"distances": f"{len(rows)}x{len(rows)} in Å"}},
)
