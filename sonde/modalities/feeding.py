"""How a kind of data is fed: what changes a batch while training, and how much a network keeps of one."""

from sonde.core.catalogue import load
from sonde.core.dataset import Schema
from sonde.data.feed.source import Augment
from sonde.modalities.catalogue import modality


def augmentation(schema: Schema, text: str) -> Augment | None:
    """What changes a batch of training rows, None for nothing. Raises: ConfigError for text that says no such thing"""
    own = modality(schema.input.kind).augmentation
    return load(own)(text, schema) if own else None


def values_kept(schema: Schema) -> int:
    """How many values a network keeps at a time for each one of its input: of most, one for each symbol that it tells."""
    own = modality(schema.input.kind).values_kept
    return load(own)(schema) if own else max(1, schema.target.symbols)
