"""Rows of the data as samples are: on the data's own scale, beside which samples are measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sonde.core.dataset import Rows, Schema
from sonde.core.seeds import generator
from sonde.data.feed.normalise import Normalise
from sonde.data.rows import chunks
from sonde.data.splits import labels_of

if TYPE_CHECKING:
    from sonde.modalities.made import Made

AT_ONCE = 1024  # rows that are read


@dataclass(frozen=True, kw_only=True)
class Real:
    """Real rows in an order that was drawn at random.

    plain: on the data's own scale;  labels: (N,) the class of each, where they have one
    rows:  where they come from, and `index` (N,): which of them
    """

    plain: Any
    labels: Tensor | None
    rows: Rows
    index: np.ndarray


def real_rows(rows: Rows, schema: Schema, made: "Made", *, most: int) -> Real:
    """At most so many of a split, by a draw that is always the same."""
    index = torch.randperm(len(rows), generator=generator(0, "sample", 3))[:most].numpy()
    labels = torch.from_numpy(labels_of(rows)[index]) if schema.target.has_classes else None
    return Real(plain=made.joined(list(read_plain(rows, index, schema, made))), labels=labels, rows=rows, index=index)


def read_plain(rows: Rows, index: np.ndarray, schema: Schema, made: "Made") -> Iterator[Any]:
    """Rows on the data's own scale, some at a time."""
    prepare = Normalise(schema.input, torch.device("cpu"))
    for part in chunks(index, AT_ONCE):
        raw = torch.from_numpy(rows.read(index[part])["input"])
        yield made.plain(prepare({"input": raw})["input"], schema)
