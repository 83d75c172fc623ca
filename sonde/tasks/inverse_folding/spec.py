"""The record of task inverse-folding."""

from sonde.tasks.inverse_folding.config import InverseFoldingTaskConfig
from sonde.tasks.spec import Answer, TaskSpec

INVERSE_FOLDING = TaskSpec(
    name="inverse-folding",
    summary="the residues of a protein, from its backbone",
    task="sonde.tasks.inverse_folding.task:InverseFolding",
    config=InverseFoldingTaskConfig,
    answers=Answer("structure", "an answer for every residue"),
    targets=("residues",),
    suggests={"residues": "the residue at each place of a backbone is known"},
    exclusive="residues",
    model="sonde.tasks.inverse_folding.recipe:model",
    settings="sonde.tasks.inverse_folding.recipe:settings",
)
