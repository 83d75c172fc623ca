"""What tasks without a recipe of their own do with clips: nothing learns them but what makes them."""

from typing import Any

from sonde.core.dataset import Dataset
from sonde.core.errors import ConfigError
from sonde.tasks.table import specs


def model(dataset: Dataset) -> tuple[str, str]:
    """Raises: ConfigError with the tasks that learn from clips"""
    able = " or --task ".join(each.name for each in specs() if "video" in each.inputs)
    raise ConfigError(f"{dataset.source} holds clips, which --task {able} learns from; for other tasks give --clips no")


def settings(dataset: Dataset, model: str) -> dict[str, tuple[Any, str]]:
    """None: a network of somebody's own says itself what it needs."""
    return {}
