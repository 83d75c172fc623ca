"""Samples beside the training rows that they are nearest to: are they copies?"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sonde.core.dataset import Rows, Schema
from sonde.core.progress import Tick, silent
from sonde.data.splits import evenly_spaced
from sonde.metrics.memorisation import COPIED, memorisation, ratios
from sonde.metrics.nearest import Nearest
from sonde.run.judged_rows import Parts
from sonde.run.real_rows import read_plain

if TYPE_CHECKING:
    from sonde.modalities.made import Made

MOST = 1000  # samples, and held-out rows
MOST_BYTES = 2**31  # of training rows that are compared with
SHOWN = 12  # pairs


def copies(
    parts: Parts, samples: Any, real: Any, schema: Schema, made: "Made", folder: Path, tick: Tick = silent
) -> dict[str, Any] | None:
    """For sample_quality.json: the test, and pictures in `folder`; None where nothing was held out.

    samples, real: on the data's own scale, in an order drawn at random; `real` are held-out rows
    """
    if parts.held_out == "train" or "train" not in parts.splits:
        return None
    train = parts.splits["train"]
    tick("comparing with the training rows", 0, 1)
    index = _compared(train)
    assert made.vectors is not None
    known = torch.cat([made.vectors(part, schema) for part in read_plain(train, index, schema, made)])
    samples, real = samples[:MOST], real[:MOST]
    found = memorisation(made.vectors(samples, schema), made.vectors(real, schema), known)
    tick("comparing with the training rows", 1, 1)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pictured = Pictured(train=train, index=index, schema=schema, made=made)
    return {
        "in": made.space,
        "samples": len(samples),
        "held_out": len(real),
        "train": len(index),
        "of": len(train),
        "p_distance": found.p_distance,
        "p_ratio": found.p_ratio,
        "threshold": COPIED,
        "copied": found.copied,
        "copied_held_out": found.copied_held_out,
        "one_row": found.one_row,
        "pairs": pictured.pairs(samples, found.samples, folder / "samples"),
        "pairs_held_out": pictured.pairs(real, found.held_out, folder / "held-out"),
    }


@dataclass(frozen=True, kw_only=True)
class Pictured:
    """What pairs are shown of: the training rows with these numbers."""

    train: Rows
    index: np.ndarray
    schema: Schema
    made: "Made"

    def pairs(self, rows: Any, found: Nearest, stem: Path) -> dict[str, Any]:
        """Those with the lowest ratio, most like copies first, in one picture: which rows they are, and how far apart."""
        ratio = ratios(found)
        chosen = ratio.argsort(stable=True)[:SHOWN]
        nearest = self.index[found.row[chosen, 0].numpy()]
        other = self.made.joined(list(read_plain(self.train, nearest, self.schema, self.made)))
        mine, picture, texts = self.made.chosen(rows, chosen.numpy()), None, {}
        if self.made.pairs is not None:
            picture = self.made.pairs(mine, other, stem)
        if self.made.as_text is not None:
            (names, made), (_, near) = self.made.as_text(mine), self.made.as_text(other)
            texts = {"names": names, "made": made, "near": near}
        return {
            "picture": None if picture is None else f"{stem.parent.name}/{picture.name}",
            "rows": [self.train.describe(int(number)) for number in nearest],
            "distance": found.distance[chosen, 0].tolist(),
            "ratio": ratio[chosen].tolist(),
            **texts,
        }


def _compared(train: Rows) -> np.ndarray:
    """The numbers of the training rows that are compared with: of very many a part."""
    most = max(2, int(len(train) * min(1.0, MOST_BYTES / max(1, train.nbytes()))))
    return evenly_spaced(len(train), most)
