"""The record of task inverse-folding."""

from sonde.tasks.inverse_folding.config import InverseFoldingTaskConfig
from sonde.tasks.spec import Answer, TaskSpec

INVERSE_FOLDING = TaskSpec(
    name="inverse-folding",
    summary="the amino-acid sequence of a protein, from its backbone structure",
    task="sonde.tasks.inverse_folding.task:InverseFolding",
    config=InverseFoldingTaskConfig,
    answers=Answer("structure", "an output per residue"),
    targets=("residues",),
    suggests={"residues": "backbone structures with known residues"},
    exclusive="residues",
    model=("inverse-folding-network", "predicts the residues of a backbone"),
    settings="sonde.tasks.inverse_folding.recipe:settings",
    units={"loss": "nats a residue", "perplexity": "exp(nats per residue)"},
)
