"""Rows -> a source of prepared batches, resident or streaming: the same batches either way."""

from dataclasses import replace
from typing import Literal

import numpy as np
import torch

from sonde.augment.policy import Policy
from sonde.augment.views import Views
from sonde.core.config import FeedConfig
from sonde.core.dataset import Rows, Schema
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.feed.gathering import GatheringReader
from sonde.data.feed.layout import alike_of, is_mapped, pieces_of
from sonde.data.feed.order import Order, build_order
from sonde.data.feed.prepare import Prepare
from sonde.data.feed.resident import resident_reader
from sonde.data.feed.source import Augment, BatchSource
from sonde.data.feed.streaming import StreamingReader, choose_workers
from sonde.modalities.text.windows import Streams

JUDGED_BYTES = 256 * 2**20  # of one float32 batch when judging; more brings no speed
MAPS = 32  # times the bytes, where each pixel is answered: so many maps of the whole size a network keeps at a time
OF_A_SAMPLE = 32  # values that are kept for a sample of sound: channels of every pitch, of one frame for many samples
OF_A_PAIR = 256  # values that are kept for two residues, some at a time


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
    goes_on: bool = False,
    label: str = "",
    tick: Tick = silent,
) -> BatchSource:
    """A source over one split.

    training: shuffle and augment; otherwise rows come once as they stand, in batches of `evaluation_batch_size`, with their
              views where those are compared
    limit_batches: use only so many batches' rows of `config.batch_size`, the same ones in training and judging
    labels: (rows,) class of each row, for `config.balanced`
    goes_on: row r + 1 follows row r, and each batch begins where the one before stopped (`sonde.modalities.text.windows.Streams`)
    label: the split's name, for `tick`
    Raises: DataError for no rows, or rows that cannot be read; ConfigError for balanced drawing without classes, and an
            augmentation that masks cannot follow
    """
    if not len(rows):
        raise DataError(f"the {label or 'given'} split holds no rows; give at least one")
    alike = alike_of(rows)
    order = build_order(
        len(rows), config, training=training, seed=seed, limit_batches=limit_batches, labels=labels, lengths=alike
    )
    chosen = order.chosen
    if not training:
        order = replace(order, batch_size=_judged_at_once(config, schema))
        augment = augment.for_evaluation() if isinstance(augment, Views) else None
    if isinstance(augment, Views):
        augment = augment.filled_with(schema.input.mean)
    elif isinstance(augment, Policy):
        if schema.target.kind == "mask":
            augment.check_moves("masks")
        augment = augment.filled_with(schema.input.mean)
    if goes_on:
        order = Streams(windows=order.rows, batch_size=order.batch_size, seed=seed, training=training)
    prepare = Prepare(schema.input, device, channels_last=channels_last)
    if alike is not None:
        reader = GatheringReader(rows, device)
    elif kind == "resident":
        reader = resident_reader(rows, chosen, device, label=label, tick=tick)
    else:
        if training and (pieces := pieces_of(rows)):
            pieces.keep()  # before workers are forked, which then share them
        asked = 0 if config.workers is None and is_mapped(rows) else config.workers  # a gather, and nothing to decode
        workers = choose_workers(asked, order.batches)
        largest = order.largest if isinstance(order, Order) else min(order.batch_size, order.rows)
        reader = StreamingReader(rows, device, batch_size=largest, workers=workers, persistent=training)
    return BatchSource(order, reader, describe=rows.describe, prepare=prepare, augment=augment)


def _judged_at_once(config: FeedConfig, schema: Schema) -> int:
    return evaluation_batch_size(config.batch_size, schema.input.shape, maps=_maps(schema))


def _maps(schema: Schema) -> int:
    """How many values a network keeps at a time for each one of its input."""
    if schema.target.kind == "mask":
        return MAPS
    if schema.input.kind == "audio":
        return OF_A_SAMPLE
    if schema.target.kind == "distances":
        return OF_A_PAIR * schema.input.shape[0]  # of every pair of residues
    if schema.input.kind == "molecule":
        return OF_A_PAIR + schema.input.shape[0]  # channels of an atom, and what binds it to every other
    return max(1, schema.target.symbols)  # logits of every token


def evaluation_batch_size(asked: int, shape: tuple[int, ...], *, maps: int = 1) -> int:
    """Rows a batch when judging: as asked, unless so many inputs of `shape` would fill memory as floats, `maps` times each.

    >>> evaluation_batch_size(1024, (3, 32, 32)), evaluation_batch_size(1024, (3, 512, 512))
    (1024, 85)
    """
    return max(1, min(asked, JUDGED_BYTES // (4 * maps * int(np.prod(shape, dtype=np.int64)))))
