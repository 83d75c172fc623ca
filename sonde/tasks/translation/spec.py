"""The record of task translation."""

from sonde.tasks.spec import Answer, TaskSpec
from sonde.tasks.translation.config import TranslationConfig

TRANSLATION = TaskSpec(
    name="translation",
    summary="translation of a text into another language (sequence to sequence)",
    task="sonde.tasks.translation.task:Translation",
    config=TranslationConfig,
    answers=Answer("text", "generated text"),
    targets=("tokens",),
    suggests={"tokens": "each text has a target text"},
    inputs={"tokens": "texts"},
    model="sonde.tasks.translation.recipe:model",
    settings="sonde.tasks.translation.recipe:settings",
    samples=True,
    figures="sonde.tasks.translation.figures:additions",
    units={"loss": "nats a token"},
)
