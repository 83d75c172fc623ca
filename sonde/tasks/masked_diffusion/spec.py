"""The record of task masked-diffusion."""

from sonde.tasks.masked_diffusion.config import MaskedDiffusionConfig
from sonde.tasks.spec import ROW, TaskSpec

MASKED_DIFFUSION = TaskSpec(
    name="masked-diffusion",
    summary="new texts like those of the data, by filling in masked tokens in any order",
    task="sonde.tasks.masked_diffusion.task:MaskedDiffusion",
    config=MaskedDiffusionConfig,
    answers=ROW,
    targets=("next",),
    inputs={"tokens": "text"},
    labels=False,
    takes_input=True,
    generates=True,
    likelihood=True,
    model=("modern-bert", "a transformer in which every token sees all others"),
    settings="sonde.tasks.masked_diffusion.recipe:settings",
    figures="sonde.tasks.masked_diffusion.figures:additions",
    highlights="sonde.tasks.masked_diffusion.figures:highlights",
    next_commands=("sonde sample {run} --number 4",),
    units={"loss": "nats a token, upper bound"},
)
