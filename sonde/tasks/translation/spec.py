"""The record of task translation."""

from sonde.tasks.spec import Answer, TaskSpec
from sonde.tasks.translation.config import TranslationConfig

TRANSLATION = TaskSpec(
    name="translation",
    summary="a text in one language for each text in another",
    task="sonde.tasks.translation.task:Translation",
    config=TranslationConfig,
    answers=Answer("text", "a text"),
    targets=("tokens",),
    suggests={"tokens": "there is a text for each text"},
    inputs={"tokens": "texts"},
    model="sonde.tasks.translation.recipe:model",
    settings="sonde.tasks.translation.recipe:settings",
    figures="sonde.tasks.translation.figures:additions",
)
