"""Pictures of single rows, and what is drawn over them as SVG, so that lines and words stay sharp at any size."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

NORMAL = 480.0  # pixels that a picture is about as wide as on the page: lines and letters are measured against it


@dataclass(frozen=True, kw_only=True)
class Shot:
    """The picture of a row. uri: its data;  size: (width, height);  name: what it shows, for those who cannot see it"""

    uri: str
    size: tuple[int, int]
    name: str
    pixelated: bool = False


Draw = Callable[[Shot, Mapping[str, Any]], Markup]
"""(the picture of a row, its entry of worst.json or best.json) -> panels with truth and answer on it"""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """How a task's pictures are shown. legend: what colours and lines mean;  wide: whether a row takes the page's width"""

    draw: Draw
    legend: Markup
    wide: bool = False


def swatch(colour: str, kind: str) -> Markup:
    """A sample for a legend. kind: "area", "line" or "dashed"."""
    return Markup('<i class="{}" style="--c:{}"></i>').format(kind, colour)


def key(entries: Sequence[tuple[Markup, str]]) -> Markup:
    """A legend of samples and what they mean."""
    listed = Markup("").join(Markup("<li>{}{}</li>").format(sample, text) for sample, text in entries)
    return Markup('<ul class="key">{}</ul>').format(listed)


def panel(shot: Shot, parts: Sequence[Markup]) -> Markup:
    """An SVG of the picture's size."""
    return Markup('<svg class="shot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        *shot.size, shot.name, Markup("").join(parts)
    )


def image(shot: Shot, name: str = "") -> Markup:
    """The picture itself. name: by which other panels show it again"""
    return over(shot, shot.uri, pixelated=shot.pixelated, name=name)


def over(shot: Shot, uri: str, *, pixelated: bool = True, name: str = "") -> Markup:
    """Another picture stretched over it."""
    return Markup('<image{}{} width="{}" height="{}" preserveAspectRatio="none" href="{}"/>').format(
        Markup(' id="{}"').format(name) if name else "", Markup(' class="pixels"') if pixelated else "", *shot.size, uri
    )
