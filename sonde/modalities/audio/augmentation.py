"""How recordings are changed while training, and what networks keep of them."""

from sonde.augment.sound import parse_sound
from sonde.core.dataset import Schema
from sonde.data.feed.source import Augment

OF_A_SAMPLE = 32  # values that are kept for a sample of sound: channels of every pitch, of one frame for many samples


def augmentation(text: str, schema: Schema) -> Augment | None:
    """None for not at all. Raises: ConfigError for text that says no such thing"""
    return None if text == "auto" else parse_sound(text)


def activations_per_value(schema: Schema) -> int:
    """Values that a network keeps at a time for a sample."""
    return OF_A_SAMPLE
