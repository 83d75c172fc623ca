"""The record of task diffusion."""

from sonde.tasks.diffusion.config import DiffusionConfig
from sonde.tasks.spec import OR_SOUND, Answer, TaskSpec

NOISE = Answer("noise", "the noise in an input")

DIFFUSION = TaskSpec(
    name="diffusion",
    summary="new inputs like those of the data, by removing noise step by step",
    task="sonde.tasks.diffusion.task:Diffusion",
    config=DiffusionConfig,
    answers=NOISE,
    targets=(),
    inputs={**OR_SOUND, "video": "clips"},
    labels=False,
    takes_input=True,
    generates=True,
    conditions=True,
    codes_of="latent",
    tells="how well noise is told from data, and little of samples",
    network_input="sonde.tasks.input_code:network_input",
    model="sonde.tasks.denoising_recipe:model",
    settings="sonde.tasks.denoising_recipe:settings",
    figures="sonde.tasks.diffusion.figures:additions",
    next_commands=("sonde sample {run} --number 64",),
)
