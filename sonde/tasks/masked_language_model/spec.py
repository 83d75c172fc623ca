"""The record of task masked-language-model."""

from sonde.core.units import count
from sonde.tasks.masked_language_model.config import MaskedLanguageModelConfig
from sonde.tasks.spec import ROW, TaskSpec

MASKED_LANGUAGE_MODEL = TaskSpec(
    name="masked-language-model",
    summary="text features without labels (self-supervised): predict masked tokens",
    task="sonde.tasks.masked_language_model.task:MaskedLanguageModel",
    config=MaskedLanguageModelConfig,
    answers=ROW,
    targets=(),
    inputs={"tokens": "text"},
    labels=False,
    model=("bert-tiny", "the smallest bidirectional encoder"),
    settings="sonde.tasks.masked_language_model.recipe:settings",
    shorten={"features": lambda values: {"features": f"{count(len(values))} numbers"}},
    units={"loss": "nats per masked token", "perplexity": "exp(nats per masked token)"},
)
