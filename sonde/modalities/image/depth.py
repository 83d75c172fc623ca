"""Images of more than 8 bits: float32 where bytes would lose what tells them apart, else scaled to bytes."""

import json
from collections.abc import Sequence

import numpy as np

from sonde.core.dataset import InputSpec

WHOLE = (255, 1023, 4095, 16383, 65535)  # largest values of 8, 10, 12, 14 and 16 bits
ENOUGH = 16384  # a span of 16-bit values that leaves 64 levels and more when it becomes bytes
UNIT = 2.0  # floats up to it stay as they are, as reflectances of 0 to 1.4


def full_scale(low: float, high: float, *, whole: bool) -> float:
    """The value that is stored as 1.0 in float32, for values in low..high; 0 where they are scaled to bytes.

    whole: whether they are integers

    >>> full_scale(0, 4000, whole=True), full_scale(0, 60000, whole=True), full_scale(-0.1, 1.4, whole=False)
    (4095.0, 0.0, 1.0)
    """
    largest = max(abs(low), abs(high))
    if not whole:
        return 0.0 if low >= 0 and high <= 1 else 1.0 if largest <= UNIT else largest
    if low >= 0 and high <= WHOLE[-1]:
        return 0.0 if low == high or high - low >= ENOUGH else float(next(value for value in WHOLE if high <= value))
    return largest


def depth_of(spec: InputSpec) -> float:
    """The value that a trained model's images have as 1.0 in float32; 0 for images of bytes."""
    return float(json.loads(spec.extra).get("full", 0.0)) if spec.kind == "image" and spec.extra else 0.0


def pages_of(spec: InputSpec) -> int:
    """How many pages of a file a trained model's images have as channels; 0 where the first page is the image."""
    return int(json.loads(spec.extra).get("pages", 0)) if spec.kind == "image" and spec.extra else 0


def noted(full: float, pages: int = 0) -> str:
    """What `InputSpec.extra` keeps of both."""
    kept = {**({"full": full} if full else {}), **({"pages": pages} if pages else {})}
    return json.dumps(kept) if kept else ""


def in_words(full: float, low: float, high: float) -> str:
    """ "values 0 to 4,012 are kept as float32, 4,095 as 1"."""
    return f"values {low:,.4g} to {high:,.4g} are kept as float32" + (f", {full:,.6g} as 1" if full != 1 else "")


def span_of(arrays: Sequence[np.ndarray]) -> tuple[float, float]:
    """(lowest, highest) value."""
    return min(float(array.min()) for array in arrays), max(float(array.max()) for array in arrays)
