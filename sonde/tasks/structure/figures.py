"""Proteins as traces of their alpha carbons, the true and the predicted one superposed, to be rotated with the mouse."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from markupsafe import Markup

from sonde.report.additions import Additions, Section, grid
from sonde.report.learning import Figure

SIDE = 300  # of a picture, in its own units
MARGIN = 12
MOST = 8  # pictures
MOST_RESIDUES = 1000  # of one; a longer chain is left out, or the page would grow too large
NAMES = {"true": "measured", "found": "predicted"}

Trace = Sequence[Sequence[float]]


NOTE = (
    "The measured trace of alpha carbons and the one reconstructed from the predicted distances (or its mirror image, where "
    "that is nearer: distances cannot distinguish the two)."
)


def additions(details: Mapping[str, Any]) -> Additions:
    """A section of traces."""
    traces = trace_figures(details)
    sections = [Section(name="traces", title="Structures", note=NOTE, html=grid(traces))] if traces else []
    return Additions(sections=sections)


def trace_figures(details: Mapping[str, Any]) -> list[Figure]:
    """A picture for each protein that was kept with its traces, the worst first.

    As drawn it stands as in its file; the page's script turns both traces about their middle. Traces of distances are known
    up to a mirror image, of which the nearer is shown.
    """
    cases = [entry for stem in ("worst", "best") for entry in details.get(stem) or [] if _has_traces(entry)]
    return [
        Figure(
            title=str(entry.get("row", entry.get("index")))[:80],
            svg=_drawn(entry["trace"]),
            caption=f"{entry.get('target')}: {entry.get('prediction')}. Drag to rotate.",
        )
        for entry in cases[:MOST]
    ]


def _has_traces(entry: Mapping[str, Any]) -> bool:
    traces = entry.get("trace")
    return isinstance(traces, Mapping) and all(1 < len(traces.get(name) or []) <= MOST_RESIDUES for name in NAMES)


def _drawn(traces: Mapping[str, Trace]) -> Markup:
    """Both traces seen along the third axis, with their places about their common middle for the script, in picture units."""
    both = {name: traces[name] for name in NAMES}
    middle = [sum(point[axis] for point in both["true"]) / len(both["true"]) for axis in range(3)]
    centred = {name: [[x - m for x, m in zip(p, middle, strict=True)] for p in trace] for name, trace in both.items()}
    reach = max(sum(x * x for x in point) ** 0.5 for trace in centred.values() for point in trace) or 1.0
    scale = (SIDE / 2 - MARGIN) / reach
    paths = "".join(_path(name, trace, scale, colour) for colour, (name, trace) in enumerate(centred.items(), start=1))
    legend = "".join(
        f'<text class="f{colour}" x="{MARGIN}" y="{MARGIN + 14 * (colour - 1)}">{escape(text)}</text>'
        for colour, text in enumerate(NAMES.values(), start=1)
    )
    return Markup(
        f'<svg class="turns" viewBox="0 0 {SIDE} {SIDE}" role="img" aria-label="Measured and predicted trace">{paths}{legend}'
        "</svg>"
    )


def _path(name: str, trace: Trace, scale: float, colour: int) -> str:
    placed = [[round(float(x) * scale, 1) for x in point] for point in trace]
    points = " ".join(",".join(f"{x:g}" for x in point) for point in placed)
    line = "L".join(f"{SIDE / 2 + x:.1f} {SIDE / 2 - y:.1f}" for x, y, _ in placed)
    return f'<path class="c{colour}" data-trace="{points}" d="M{line}"/>'
