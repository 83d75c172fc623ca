"""The names of a figure's curves, each behind its colour, in lines above them."""

from collections.abc import Sequence
from html import escape

HIGH = 20  # of a line of names
SAMPLE, APART = 16, 12  # width of a colour, and between a name and the next colour
NAME = 46  # characters of a name that are shown, as many as a line holds
CHARACTER = 7.2  # the width of one at most
HELP, HELP_TOO = 0, 99  # colours of lines to compare with: dashed, and dotted

Entry = tuple[str, int]
"""(name, colour) of a curve."""


def legend_rows(entries: Sequence[Entry], room: float) -> list[list[Entry]]:
    """The entries in as many lines as they need in this width; none where one curve speaks for itself.

    >>> legend_rows([("train", 1), ("validation", 2)], 400.0), legend_rows([("train", 1), ("validation", 2)], 150.0)
    ([[('train', 1), ('validation', 2)]], [[('train', 1)], [('validation', 2)]])
    """
    rows: list[list[Entry]] = []
    for entry in entries if len(entries) > 1 else ():
        if rows and sum(map(_width, (*rows[-1], entry))) <= room:
            rows[-1].append(entry)
        else:
            rows.append([entry])
    return rows


def legend_drawn(entries: Sequence[Entry], *, right: float, top: float, room: float) -> str:
    """The lines, whose ends are about at `right`: how wide a name becomes depends on the reader's font, so it begins where its
    colour ends."""
    parts = []
    for line, row in enumerate(legend_rows(entries, room)):
        x, y = right - sum(map(_width, row)), top + line * HIGH
        for name, colour in row:
            text = escape(name if len(name) <= NAME else name[: NAME - 1] + "…")
            word = f'<text class="tx" x="{x + SAMPLE + 6:.1f}" y="{y + 11}">{text}</text>'
            parts.append(f'<g class="key" data-colour="{colour}">{_sample(colour, x, y)}{word}</g>')
            x += _width((name, colour))
    return "".join(parts)


def _sample(colour: int, x: float, y: float) -> str:
    if colour in (HELP, HELP_TOO):
        return f'<path class="{"help" if colour == HELP else "help too"}" d="M{x:.1f} {y + 6.8:.1f}h{SAMPLE}"/>'
    return f'<rect class="f{colour}" x="{x:.1f}" y="{y + 5}" width="{SAMPLE}" height="3.5" rx="1.5"/>'


def _width(entry: Entry) -> float:
    return SAMPLE + 6 + CHARACTER * min(NAME, len(entry[0])) + APART
