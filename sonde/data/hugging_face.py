"""Sets of Hugging Face's `datasets`, known by what they can do: nothing of that package is imported. Free of torch."""

from collections.abc import Mapping
from typing import Any

ABLE = ("features", "column_names", "num_rows", "with_format", "select")


def is_hub_set(data: Any) -> bool:
    """Whether it is a `datasets.Dataset`: rows by number, in columns whose features are known."""
    return not isinstance(data, Mapping) and all(hasattr(type(data), name) for name in ABLE)


def is_streaming_set(data: Any) -> bool:
    """Whether it is an IterableDataset of Hugging Face's `datasets`, formatted or not."""
    return any(
        kind.__module__.split(".")[0] == "datasets" and kind.__name__ == "IterableDataset"
        for kind in type(data).__mro__
    )
