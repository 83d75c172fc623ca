"""What `predict` takes with a model of text, which depends on its task."""

from typing import Any

from sonde.core.catalogue import load
from sonde.core.dataset import Rows, Schema
from sonde.core.progress import Tick, silent

OF_TARGET: dict[str, str] = {
    "class": "sonde.modalities.text.inputs:rows_to_predict",
    "labels": "sonde.modalities.text.inputs:rows_to_predict",
    "value": "sonde.modalities.text.inputs:rows_to_predict",
    "tokens": "sonde.modalities.text.sentences:rows_to_translate",
    "next": "sonde.modalities.text.prompts:rows_for_prompts",
    "span": "sonde.modalities.text.question_inputs:rows_for_questions",
}


def rows_to_predict(inputs: Any, schema: Schema, tick: Tick = silent) -> tuple[Rows, list[str]]:
    """Texts, sentences, prompts or questions as rows, and a name for each. Raises: DataError"""
    return load(OF_TARGET[schema.target.kind])(inputs, schema)
