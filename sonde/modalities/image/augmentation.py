"""How images are changed while training, their masks and boxes with them, and what networks keep of them."""

from sonde.augment.boxes import BoxPolicy, parse_boxes
from sonde.augment.policy import Policy, parse
from sonde.core.dataset import Schema

MAPS = 32  # times the bytes, where each pixel is answered: so many maps of the whole size a network keeps at a time


def augmentation(text: str, schema: Schema) -> Policy | BoxPolicy | None:
    """None for not at all. Raises: ConfigError for text that says no such thing"""
    if text in ("none", "auto"):
        return None
    return parse_boxes(text) if schema.target.has_boxes else parse(text)


def activations_per_value(schema: Schema) -> int:
    """Values that a network keeps at a time for each value of an image."""
    return MAPS if schema.target.has_masks else max(1, schema.target.symbols)
