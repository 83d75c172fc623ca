"""Feature visualisation: filters of the first layer, and top activations of channels of an early, a middle and a late one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sonde.core.units import count
from sonde.report.media import data_uri, picture_of

PICTURES_BYTES = 250_000  # all of them, beside those of rows


@dataclass(frozen=True, kw_only=True)
class Strip:
    """Patches with a channel's highest activations. picture: a data URI; caption: what they are; alt: their rows."""

    picture: str
    caption: str
    alt: str


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer and patches of some of its channels. caption: what is shown of it."""

    name: str
    caption: str
    strips: list[Strip]


@dataclass(frozen=True, kw_only=True)
class Features:
    """The section. filters: a data URI, "" where there are none;  reasons: why something is missing."""

    about: str
    filters: str
    filters_caption: str
    layers: list[Layer]
    reasons: list[str]


def features_section(found: Mapping[str, Any], folder: Path) -> Features | None:
    """From evaluation/features.json; None where the run has none. folder: evaluation/."""
    if not found:
        return None
    room = _Room(folder)
    filters = found.get("filters") or {}
    picture = room.picture(filters.get("picture"))
    layers = [_layer(entry, place, found["layers"], room) for place, entry in enumerate(found.get("layers") or [])]
    reasons = [
        f"{what}: {reason}."
        for what, reason in (
            ("Filters are not shown", filters.get("reason")),
            ("Layers are not shown", found.get("reason")),
        )
        if reason
    ]
    return Features(
        about=_about(found) if layers else "",
        filters=picture,
        filters_caption=_filters_caption(filters) if picture else "",
        layers=[layer for layer in layers if layer.strips],
        reasons=reasons,
    )


class _Room:
    """Pictures below a folder, as long as they fit on the page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.left = PICTURES_BYTES

    def picture(self, name: Any) -> str:
        """A data URI, "" for what is not there or has no room."""
        content = picture_of(self.folder, name)
        if len(content) > self.left:
            return ""
        self.left -= len(content)
        return data_uri(content)


def _about(found: Mapping[str, Any]) -> str:
    return (
        f"From {count(found['rows'])} {found['split']} images: each strip shows the patches with the highest activations of one "
        "channel. In convolutional networks early layers respond to edges and textures, late ones to parts of objects."
    )


def _filters_caption(filters: Mapping[str, Any]) -> str:
    height, width = filters["size"]
    which = f"All {count(filters['count'])}" if filters["shown"] == filters["count"] else (
        f"The {count(filters['shown'])} strongest of {count(filters['count'])}"
    )  # fmt: skip
    return f"{which} filters of the layer {filters['layer']}: {height}x{width} pixels; mid-grey is 0."


def _layer(entry: Mapping[str, Any], place: int, layers: list[Any], room: _Room) -> Layer:
    depth = "Early" if place == 0 else "Late" if place == len(layers) - 1 else "Middle"
    name = f"{depth} layer: {entry['name']}" if len(layers) > 1 else f"Layer: {entry['name']}"
    strips = []
    for channel in entry.get("shown") or []:
        if picture := room.picture(channel.get("picture")):
            alt = ", ".join(str(row) for row in channel.get("rows") or [])
            strips.append(Strip(picture=picture, caption=_caption(channel), alt=alt[:400]))
    caption = f"{len(strips)} of {count(entry['channels'])} channels, the most selective; receptive field about " + (
        f"{entry['side']}x{entry['side']} pixels"
    )
    return Layer(name=name, caption=caption, strips=strips)


def _caption(channel: Mapping[str, Any]) -> str:
    """What most of its patches show, where it is one class.

    >>> _caption({"channel": 17, "classes": {"cat": 5, "dog": 1}}), _caption({"channel": 3, "classes": {"cat": 3, "dog": 3}})
    ('channel 17: 5 of 6 are cat', 'channel 3')
    """
    classes = channel.get("classes") or {}
    name, most = max(classes.items(), key=lambda item: item[1], default=("", 0))
    total = sum(classes.values())
    text = f"channel {channel['channel']}"
    if 2 * most <= total:
        return text
    return f"{text}: {'all' if most == total else f'{most} of {total}'} are {name}"
