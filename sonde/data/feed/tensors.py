"""Named tensors in memory as a source: what a researcher who brings her own tensors trains on."""

from collections.abc import Mapping

import torch
from torch import Tensor

from sonde.core.config import FeedConfig
from sonde.core.errors import ConfigError, DataError
from sonde.data.feed.order import build_order
from sonde.data.feed.resident import ResidentReader
from sonde.data.feed.source import BatchSource


def tensor_source(
    fields: Mapping[str, Tensor], config: FeedConfig, *, training: bool, seed: int, device: torch.device
) -> BatchSource:
    """A source over tensors (n, …) that share their first dimension, fed as they are but for float64, which becomes float32.

    training: in a new order each epoch; otherwise as they stand
    Raises: DataError when the tensors differ in length or are empty; ConfigError for a batch larger than the data
    """
    # numpy makes doubles unasked, and a network of floats refuses them
    fields = {name: field.float() if field.dtype == torch.float64 else field for name, field in fields.items()}
    reader = ResidentReader(fields, device)
    rows = len(next(iter(fields.values())))
    if not rows:
        raise DataError("the tensors hold no rows; give at least one")
    if training and config.batch_size > rows:
        raise ConfigError(
            f"--batch-size {config.batch_size} is larger than the {rows:,} training rows; give at most {rows}"
        )
    order = build_order(rows, config, training=training, seed=seed)
    return BatchSource(order, reader, describe=lambda index: f"row {index}")
