"""The record of task language-model."""

from sonde.tasks.language_model.config import LanguageModelConfig
from sonde.tasks.spec import Answer, TaskSpec

LANGUAGE_MODEL = TaskSpec(
    name="language-model",
    summary="the next token of a text, and text generation",
    task="sonde.tasks.language_model.task:LanguageModel",
    config=LanguageModelConfig,
    answers=Answer("next", "next-token logits"),
    targets=("next",),
    suggests={"next": "text without labels"},
    model=("modern-gpt", "a decoder-only transformer"),
    settings="sonde.tasks.language_model.recipe:settings",
    samples=True,
    figures="sonde.tasks.language_model.figures:additions",
    next_commands=("sonde predict {run} {input}", "sonde generate {run}"),
    units={"loss": "nats a token"},
)
