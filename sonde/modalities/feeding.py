"""How a kind of data is fed: what changes a batch while training, and how much a network keeps of one."""

from sonde.core.catalogue import load
from sonde.core.dataset import Schema
from sonde.data.feed.source import Augment
from sonde.modalities.catalogue import modality


def augmentation(schema: Schema, text: str) -> Augment | None:
    """What changes a batch of training rows, None for nothing. Raises: ConfigError for text that says no such thing"""
    own = modality(schema.input.kind).augmentation
    return load(own)(text, schema) if own else None


def activations_per_value(schema: Schema) -> int:
    """Activations that a network holds at a time for each value of its input: of most, one for each symbol of the target."""
    own = modality(schema.input.kind).activations_per_value
    return load(own)(schema) if own else max(1, schema.target.symbols)
