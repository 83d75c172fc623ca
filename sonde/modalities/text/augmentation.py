"""How texts are changed while training: windows of a text to be continued are moved."""

from sonde.core.dataset import Schema
from sonde.data.feed.source import Augment
from sonde.modalities.text.windows import moved


def augmentation(text: str, schema: Schema) -> Augment | None:
    """None for not at all."""
    return moved if schema.target.kind == "next" and text == "auto" else None
