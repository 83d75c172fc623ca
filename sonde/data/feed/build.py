"""Rows -> a source of prepared batches, resident or streaming: the same batches either way."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import torch

from sonde.augment.policy import Policy
from sonde.augment.views import Views
from sonde.core.bounds import flag
from sonde.core.config import FeedConfig
from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.feed.layout import bucket_keys_of, is_mapped, lengths_of, pieces_of
from sonde.data.feed.normalise import Normalise
from sonde.data.feed.order import Order, build_order
from sonde.data.feed.resident import resident_reader
from sonde.data.feed.source import Augment, BatchSource, Ordered
from sonde.data.feed.streaming import StreamingReader, choose_workers

EVALUATION_BYTES = 256 * 2**20  # of one float32 batch when evaluating; more brings no speed


def _to_fill(label: str) -> str:
    """What to do about a split without rows: too few rows or groups are shared out among three."""
    return f"add rows, or share them among two: {flag('test')} 0" if label == "validation" else "give at least one"


def build_source(  # noqa: PLR0913 - the one door to a source; all but the first three go by name
    rows: Rows,
    schema: Schema,
    config: FeedConfig,
    *,
    training: bool,
    seed: int,
    device: torch.device,
    kind: Literal["resident", "streaming"],
    augment: Augment | None = None,
    limit_batches: int = 0,
    labels: np.ndarray | None = None,
    channels_last: bool = False,
    sampler: Callable[..., Ordered] | None = None,
    activations_per_value: int | None = None,
    label: str = "",
    tick: Tick = silent,
) -> BatchSource:
    """A source over one split.

    training: shuffle and augment; otherwise rows come once as they stand, in batches of `evaluation_batch_size`, with their
              views where those are compared
    limit_batches: use only so many batches' rows of `config.batch_size`, the same ones in training and evaluation
    labels: (rows,) class of each row, for `config.balanced`
    sampler: (rows, batch_size, seed, training) -> the order, where batches are not drawn at random (windows that follow on)
    activations_per_value: that a network holds at a time for each value of its input when it is evaluated; by default one for
        each symbol of the target
    label: the split's name, for `tick`
    Raises: DataError for no rows, or rows that cannot be read; ConfigError for balanced drawing without classes, and an
            augmentation that masks cannot follow
    """
    if not len(rows):
        raise DataError(f"the {label or 'given'} split holds no rows; {_to_fill(label)}")
    keys = bucket_keys_of(rows)
    order = build_order(
        len(rows), config, training=training, seed=seed, limit_batches=limit_batches, labels=labels, lengths=keys
    )
    chosen = order.chosen
    if not training:
        activations = max(1, schema.target.symbols) if activations_per_value is None else activations_per_value
        shape = schema.input.shape if activations_per_value is None else _longest(rows, schema.input.shape)
        order = replace(order, batch_size=evaluation_batch_size(config.batch_size, shape, activations=activations))
        augment = augment.for_evaluation() if isinstance(augment, Views) else None
    if isinstance(augment, Views):
        augment = augment.filled_with(schema.input.mean)
    elif isinstance(augment, Policy):
        if schema.target.has_masks:
            augment.check_moves("masks")
        augment = augment.filled_with(schema.input.mean)
    drawn: Ordered = order
    if sampler is not None:
        drawn = sampler(order.rows, order.batch_size, seed=seed, training=training)
    prepare = Normalise(schema.input, device, channels_last=channels_last)
    if keys is not None:
        reader = StreamingReader(rows, device, batch_size=order.batch_size)  # a gather from memory: no work for workers
    elif kind == "resident":
        reader = resident_reader(rows, chosen, device, label=label, tick=tick)
    else:
        if training and (pieces := pieces_of(rows)):
            pieces.keep()  # before workers are forked, which then share them
        wanted = 0 if config.workers is None and is_mapped(rows) else config.workers  # a gather, and nothing to decode
        workers = choose_workers(wanted, drawn.batches)
        largest = drawn.largest if isinstance(drawn, Order) else min(drawn.batch_size, drawn.rows)
        reader = StreamingReader(rows, device, batch_size=largest, workers=workers, persistent=training)
    return BatchSource(drawn, reader, describe=rows.describe, prepare=prepare, augment=augment)


def _longest(rows: Rows, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of one input, which may be longer than those in training were."""
    lengths = lengths_of(rows)
    return shape if lengths is None or len(shape) != 1 else (max(shape[0], int(lengths.max())),)


def evaluation_batch_size(batch_size: int, shape: tuple[int, ...], *, activations: int = 1) -> int:
    """Rows a batch when evaluating: `batch_size`, unless as many inputs of `shape` would fill memory as floats, `activations`
    times each.

    >>> evaluation_batch_size(1024, (3, 32, 32)), evaluation_batch_size(1024, (3, 512, 512))
    (1024, 85)
    """
    return max(1, min(batch_size, EVALUATION_BYTES // (4 * activations * int(np.prod(shape, dtype=np.int64)))))
