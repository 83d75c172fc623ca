"""Feature visualisation, written into a run folder (docs/run-folder.md): filters, and top activations of channels."""

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from sonde.core.dataset import Rows, TargetSpec
from sonde.core.files import write_json
from sonde.explain.filters import Filters, first_filters
from sonde.explain.pictures import TILE, write_grid
from sonde.explain.top_activations import Channel, Read, TooSlow, top_activations

MOST_ROWS = 300
FILTERS_ACROSS = 16
FILTER_TILE = 32  # pixels
LARGE = 16  # pixels of a filter from which on fewer stand in a row


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The images that a network is shown. split: their name;  read: as the network is fed;  shape: (C, H, W) of each."""

    split: str
    rows: Rows
    target: TargetSpec
    read: Read
    shape: tuple[int, ...]


def write_features(
    folder: Path, model: nn.Module, layers: Mapping[str, Sequence[nn.Module]], images: Seen, *, seconds: float
) -> None:
    """Write `folder`/features.json and the pictures it names; where there is nothing to show, the reason.

    layers: name of a module with matrices -> it, and those that follow it, from the input on, without the head
    seconds: about how long it may take
    """
    pictures = folder / "features"
    shutil.rmtree(pictures, ignore_errors=True)  # of a run that was trained further
    pictures.mkdir(parents=True)
    filters = first_filters(model, images.shape)
    chosen = (
        np.random.default_rng(0).permutation(len(images.rows))[:MOST_ROWS].tolist()
    )  # rows may stand class by class
    reason = ""
    try:
        found, looked_at = top_activations(model, layers, images.read, chosen, seconds=seconds)
        if not found:
            reason = "no layer before the output has channels to show"
    except TooSlow as trouble:
        found, looked_at, reason = [], 0, str(trouble)
    content = {
        "split": images.split,
        "rows": looked_at,
        "reason": reason,
        "filters": _filters(filters, folder),
        "layers": [
            {
                "name": layer.name,
                "channels": layer.channels,
                "side": layer.side,
                "shown": [_shown(one, f"features/{place}-{one.number}.png", folder, images) for one in layer.shown],
            }
            for place, layer in enumerate(found)
        ],
    }
    write_json(folder / "features.json", content)


def _filters(filters: Filters | str, folder: Path) -> dict[str, Any]:
    if isinstance(filters, str):
        return {"reason": filters, "picture": None}
    picture = "features/filters.png"
    wide = filters.pictures.shape[3]
    across = FILTERS_ACROSS if wide < LARGE else FILTERS_ACROSS // 2
    write_grid(folder / picture, list(filters.pictures), across=across, tile=FILTER_TILE if wide < LARGE else TILE)
    shown, _, height, width = filters.pictures.shape
    return {
        "layer": filters.layer,
        "count": filters.count,
        "shown": shown,
        "size": [height, width],
        "reason": "",
        "picture": picture,
    }


def _shown(channel: Channel, picture: str, folder: Path, images: Seen) -> dict[str, Any]:
    fields = images.rows.read(np.array(channel.rows))
    patches = [
        image[:, top:bottom, left:right]
        for image, (left, top, right, bottom) in zip(fields["input"], channel.boxes, strict=True)
    ]
    write_grid(folder / picture, patches, across=len(patches))
    classes = Counter[str]()
    if images.target.has_classes:
        classes.update(images.target.names[int(target)] for target in fields["target"])
    return {
        "channel": channel.number,
        "rows": [images.rows.describe(row) for row in channel.rows],
        "classes": dict(classes.most_common()),
        "picture": picture,
    }
