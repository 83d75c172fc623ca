"""The record of task gan."""

from sonde.tasks.gan.config import GANConfig
from sonde.tasks.spec import WHOLE, Answer, TaskSpec

ADVERSARIAL = Answer("adversarial", "made inputs, and what a critic sees in inputs")

GAN = TaskSpec(
    name="gan",
    summary="new inputs like those of the data, by a generator that learns to deceive a critic (GAN)",
    task="sonde.tasks.gan.task:GAN",
    config=GANConfig,
    answers=ADVERSARIAL,
    targets=(),
    inputs=WHOLE,
    labels=False,
    takes_input=True,
    generates=True,
    conditions=True,
    tells="how near made rows are to real ones in features that were never trained",
    network_input="sonde.tasks.input_code:network_input",
    model="sonde.tasks.gan.recipe:model",
    settings="sonde.tasks.gan.recipe:settings",
    figures="sonde.tasks.gan.figures:additions",
    units={
        "kernel_distance": "squared, in features that were never trained; 0 on average for rows of one source",
        "recall": "share of the real rows that lie among made ones",
        "precision": "share of the made rows that lie among real ones",
        "accuracy_made": "of made rows by the critic",
        "accuracy_real": "of evaluated rows by the critic",
        "accuracy_train": "of training rows by the critic",
        "spread": "distance between made rows beside that between real ones",
        "kernel_floor": "kernel distance between two halves of the real rows",
        "recall_real": "recall between two halves of the real rows",
        "generator_gradient": "its norm, a mean over steps",
    },
    next_commands=("sonde sample {run} --number 64",),
)
