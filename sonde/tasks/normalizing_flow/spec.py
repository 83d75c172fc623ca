"""The record of task normalizing-flow."""

from sonde.tasks.normalizing_flow.config import NormalizingFlowConfig
from sonde.tasks.spec import WHOLE, Answer, TaskSpec

DENSITY = Answer("density", "a likelihood of each input")

NORMALIZING_FLOW = TaskSpec(
    name="normalizing-flow",
    summary="how likely an input is, exactly, and new inputs, by a network that can be undone",
    task="sonde.tasks.normalizing_flow.task:NormalizingFlow",
    config=NormalizingFlowConfig,
    answers=DENSITY,
    targets=(),
    inputs=WHOLE,
    labels=False,
    takes_input=True,
    generates=True,
    conditions=True,
    likelihood=True,
    network_input="sonde.tasks.input_code:network_input",
    model="sonde.tasks.normalizing_flow.recipe:model",
    settings="sonde.tasks.normalizing_flow.recipe:settings",
    figures="sonde.tasks.normalizing_flow.figures:additions",
    highlights="sonde.tasks.normalizing_flow.figures:highlights",
    units={"loss": "nats a row", "bits_per_dim": "bits"},
    next_commands=("sonde predict {run} {input}", "sonde sample {run} --number 64"),
)
