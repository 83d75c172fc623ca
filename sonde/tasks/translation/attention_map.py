"""An attention map: weights, with tokens on both sides."""

from collections.abc import Sequence
from html import escape

from markupsafe import Markup

from sonde.core.units import share

CELL = 17.0  # pixels
LETTER = 6.6  # pixels of a letter's width
LONGEST = 14  # letters of a token
FAINTEST = 0.01  # weights below it are left blank, which keeps the page small
MARKS = ("▁", "Ġ")  # how tokenizers write the space before a word


def attention_map(source: Sequence[str], target: Sequence[str], weights: Sequence[Sequence[float]]) -> Markup:
    """Columns are the tokens of the source, rows the generated ones; the stronger the colour, the higher the weight."""
    across, down = [_plain(token) for token in source], [_plain(token) for token in target]
    left = 10 + LETTER * max(map(len, down), default=0)
    top = 10 + LETTER * max(map(len, across), default=0)
    parts = [
        f'<text class="tx" x="{left - 6:.1f}" y="{top + (row + 0.7) * CELL:.1f}" text-anchor="end" '
        f'style="font-size:11.5px">{escape(token)}</text>'
        for row, token in enumerate(down)
    ]
    for column, token in enumerate(across):
        place = f"translate({left + (column + 0.7) * CELL:.1f} {top - 6:.1f}) rotate(-90)"
        parts.append(f'<text class="tx" transform="{place}" style="font-size:11.5px">{escape(token)}</text>')
    for row, line in enumerate(weights):
        for column, weight in enumerate(line):
            if weight >= FAINTEST:
                title = f"{down[row]} attends to {across[column]}: {share(weight, 0)}"
                parts.append(
                    f'<rect class="hit" x="{left + column * CELL:.1f}" y="{top + row * CELL:.1f}" width="{CELL - 1:.0f}" '
                    f'height="{CELL - 1:.0f}" fill-opacity="{weight:.2f}"><title>{escape(title)}</title></rect>'
                )
    width, height = left + len(across) * CELL + 4, top + len(down) * CELL + 4
    head = f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="Attention" style="max-width:{width:.0f}px">'
    return Markup(f"{head}{''.join(parts)}</svg>")


def _plain(token: str) -> str:
    for mark in MARKS:
        token = token.replace(mark, "")
    token = token or "␣"
    return token if len(token) <= LONGEST else token[: LONGEST - 1] + "…"
