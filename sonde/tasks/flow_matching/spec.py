"""The record of task flow-matching."""

from sonde.tasks.flow_matching.config import FlowMatchingConfig
from sonde.tasks.spec import Answer, TaskSpec

NOISE = Answer("noise", "the noise in an input")
KINDS = {"image": "images", "table": "tables", "array": "arrays"}

FLOW_MATCHING = TaskSpec(
    name="flow-matching",
    summary="new inputs like those of the data, by a flow from noise to data (rectified flow)",
    task="sonde.tasks.flow_matching.task:FlowMatching",
    config=FlowMatchingConfig,
    answers=NOISE,
    targets=(),
    inputs=KINDS,
    labels=False,
    takes_input=True,
    generates=True,
    network_input="sonde.tasks.input_code:network_input",
    model="sonde.tasks.denoising_recipe:model",
    settings="sonde.tasks.denoising_recipe:settings",
    figures="sonde.tasks.diffusion.figures:additions",
    next_commands=("sonde sample {run} --number 64",),
)
