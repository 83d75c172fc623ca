"""The record of task gan."""

from sonde.tasks.gan.config import GANConfig
from sonde.tasks.spec import Answer, TaskSpec

ADVERSARIAL = Answer("adversarial", "made inputs, and what a critic sees in inputs")
KINDS = {"image": "images", "table": "tables", "array": "arrays"}

GAN = TaskSpec(
    name="gan",
    summary="new inputs like those of the data, by a generator that learns to deceive a critic (GAN)",
    task="sonde.tasks.gan.task:GAN",
    config=GANConfig,
    answers=ADVERSARIAL,
    targets=(),
    inputs=KINDS,
    labels=False,
    takes_input=True,
    generates=True,
    model="sonde.tasks.gan.recipe:model",
    settings="sonde.tasks.gan.recipe:settings",
    figures="sonde.tasks.gan.figures:additions",
    next_commands=("sonde sample {run} --number 64 --out samples.png",),
)
