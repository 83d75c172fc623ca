"""Segmentations beside their picture: the truth, the answer, and the pixels that are wrong."""

import itertools
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from sonde.core.class_maps import COLOURS, outlined
from sonde.core.dataset import BACKGROUND, IGNORED
from sonde.core.run_lengths import decode
from sonde.core.units import share
from sonde.report.media import data_uri
from sonde.report.shots import Drawing, Shot, image, key, over, panel, swatch

INSIDE, EDGE = 140, 255  # how much of a class's colour covers the picture, of 255
IGNORED_AS, MOST_CLASSES = 127, 127  # numbers of a class map's file; 128 more is the edge of an area
MOST_LISTED = 40
MOST_SIDE = 4096  # pixels of a class map
STRIPES = 40  # across a picture
FINE = 150  # pixels of a map from which on it is drawn smoothly: hard edges would make patterns of their own
CLEAR, LIGHT, DARK = (0, 0, 0, 0), (255, 255, 255, 230), (20, 20, 20, 150)
Colour = tuple[int, int, int, int]
"""Red, green, blue, and how much it covers"""


def maps(names: Sequence[str]) -> Drawing:
    """Each picture three times: as it is, under the truth, and under the answer with the wrong pixels striped."""
    listed = [(place, name) for place, name in enumerate(names) if not (place == 0 and name == BACKGROUND)]
    entries = [(swatch(COLOURS[place % len(COLOURS)], "area"), str(name)[:40]) for place, name in listed[:MOST_LISTED]]
    if len(listed) > MOST_LISTED:
        entries.append((Markup(""), f"and {len(listed) - MOST_LISTED} more classes"))
    legend = key([*entries, (Markup('<i class="hatch"></i>'), "predicted differently from the truth")])
    colours, numbers = palette(names), itertools.count()

    def draw(shot: Shot, entry: Mapping[str, Any]) -> Markup:
        return _mapped(shot, entry, colours, f"map{next(numbers)}")

    return Drawing(draw=draw, legend=legend, wide=True)


def palette(names: Sequence[str]) -> list[Colour]:
    """256 colours: of the classes inside and, from 128 on, at their edges. The background is seen through."""
    pure = [(int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:], 16)) for colour in COLOURS]
    found: list[Colour] = [(*pure[n % len(pure)], covers) for covers in (INSIDE, EDGE) for n in range(128)]
    found[IGNORED_AS] = found[IGNORED_AS + 128] = (128, 128, 128, INSIDE)
    if names and names[0] == BACKGROUND:
        found[0] = found[128] = CLEAR
    return found


def _mapped(shot: Shot, entry: Mapping[str, Any], colours: Sequence[Colour], name: str) -> Markup:
    truth, found = (_classes(entry.get(what)) for what in ("truth", "found"))
    if truth is None or (found is not None and truth.shape != found.shape):
        return panel(shot, [image(shot)])
    if found is None:  # of training data
        return panel(shot, [image(shot), _layer(truth, colours, shot)])
    again = Markup('<use href="#{}"/>').format(name)
    wrong = (truth != found) & (truth != IGNORED)
    counted = max(1, int((truth != IGNORED).sum()))
    shown = (
        ([image(shot, name)], "picture"),
        ([again, _layer(truth, colours, shot)], "truth"),
        (
            [again, _layer(found, colours, shot), _striped(wrong, shot)],
            f"prediction, {share(int(wrong.sum()) / counted, 1)} of the pixels wrong",
        ),
    )
    return Markup("").join(
        Markup('<span class="panel">{}<span>{}</span></span>').format(panel(shot, parts), said) for parts, said in shown
    )


def _classes(encoded: Any) -> np.ndarray | None:
    if not isinstance(encoded, Mapping) or max(encoded.get("size") or [MOST_SIDE + 1]) > MOST_SIDE:
        return None
    return decode(encoded)


def _layer(classes: np.ndarray, colours: Sequence[Colour], shot: Shot) -> Markup:
    numbers = np.where(classes == IGNORED, IGNORED_AS, classes % MOST_CLASSES)
    uri = data_uri(palette_png(numbers + 128 * outlined(classes), colours))
    return over(shot, uri, pixelated=max(classes.shape) < FINE)


def _striped(wrong: np.ndarray, shot: Shot) -> Markup:
    """Stripes, which need no colour to be seen."""
    rows, columns = np.indices(wrong.shape)
    wide = max(1, max(wrong.shape) // (2 * STRIPES))
    stripes = (rows + columns) // wide % 2 + 1
    uri = data_uri(palette_png(np.where(wrong, stripes, 0), (CLEAR, LIGHT, DARK)))
    return over(shot, uri, pixelated=max(wrong.shape) < FINE)


def palette_png(numbers: np.ndarray, colours: Sequence[Colour]) -> bytes:
    """(H, W) numbers below len(colours) as a PNG. Source: PNG specification (W3C 2003), colour type 3"""
    height, width = numbers.shape
    lines = np.zeros((height, width + 1), np.uint8)  # each begins with its filter, none
    lines[:, 1:] = numbers
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", b"".join(bytes(colour[:3]) for colour in colours)),
        (b"tRNS", bytes(colour[3] for colour in colours)),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
