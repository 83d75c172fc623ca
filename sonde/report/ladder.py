"""Matches against a ladder of opponents: how much stronger, in Elo points, and how sure that is."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from markupsafe import Markup

from sonde.core.units import counted
from sonde.report.figures import WIDTH, as_svg, word_at
from sonde.report.learning import Figure

WIDEST = 400.0  # points of an interval, beyond which the number in it is left out: it could be anything
LEAST = 800.0  # points that the figure shows to each side
TICK, MOST_TICKS = 400, 3  # points between two ticks, or a multiple of them; ticks of a side
LEFT, RIGHT, HIGH, FOOT = 110.0, 26.0, 26.0, 34.0


def points(elo: Mapping[str, float | None]) -> str:
    """The number of Elo points; "" where its interval is too wide, or has no end, for it to say anything.

    >>> points({"value": 35.0, "low": -100.0, "high": 180.0}), points({"value": 0.0, "low": -255.0, "high": 255.0})
    ('+35', '')
    """
    value, low, high = elo["value"], elo["low"], elo["high"]
    return "" if value is None or low is None or high is None or high - low > WIDEST else f"{value:+.0f}"


def interval(elo: Mapping[str, float | None]) -> str:
    """The interval of Elo points, as one reads it; "" where it has no end at all.

    >>> interval({"value": None, "low": 78.0, "high": None}), interval({"value": 0.0, "low": -255.0, "high": 255.0})
    ('+78 or more', '-255 to +255')
    """
    low, high = elo["low"], elo["high"]
    if high is None:
        return "" if low is None else f"{low:+.0f} or more"
    return f"{high:+.0f} or less" if low is None else f"{low:+.0f} to {high:+.0f}"


def why_none(games: int) -> str:
    """Why the number of points is left out of so many games."""
    few = "leaves" if games == 1 else "leave"
    return f"{counted(games, 'game', 'games')} {few} an interval of more than {WIDEST:g} points"


def ladder_figure(matches: Mapping[str, Mapping[str, Any]]) -> Figure:
    """The interval of each opponent, with the number in it where it says something."""
    ends = [
        abs(end) for match in matches.values() for which in ("low", "high") if (end := match["elo"][which]) is not None
    ]
    widest = max([LEAST, *ends])
    tick = TICK * math.ceil(widest / TICK / MOST_TICKS)
    furthest = tick * math.ceil(widest / tick)
    room = WIDTH - LEFT - RIGHT

    def across(value: float) -> float:
        return LEFT + room * (value + furthest) / (2 * furthest)

    bottom = HIGH * len(matches) + 6
    drawn = [_tick(across(value), value, bottom) for value in range(-furthest, furthest + 1, tick)]
    for row, (name, match) in enumerate(matches.items()):
        drawn.append(_line(name, match, HIGH * row + HIGH / 2 + 3, across, furthest))
    drawn.append(f'<text class="ax" x="{across(0):.1f}" y="{bottom + 32:.0f}" text-anchor="middle">Elo points</text>')
    title = "Strength beside the opponents"
    caption = (
        "How much stronger it is than each: the interval of 95 %, with an arrow instead of an end where it was won or lost "
        f"throughout, which sets no limit on that side. A point stands in it where it is no wider than {WIDEST:g}."
    )
    return Figure(title=title, svg=as_svg(drawn, title, height=bottom + FOOT), caption=caption)


def _tick(x: float, tick: int, bottom: float) -> str:
    line = f'<path class="{"axis" if tick == 0 else "gl"}" d="M{x:.1f} 2V{bottom:.1f}"/>'
    return f'{line}<text class="tk" x="{x:.1f}" y="{bottom + 15:.1f}" text-anchor="middle">{tick:+d}</text>'


def _line(name: str, match: Mapping[str, Any], y: float, across: Callable[[float], float], furthest: float) -> str:
    elo = match["elo"]
    start = across(-furthest if elo["low"] is None else elo["low"])
    end = across(furthest if elo["high"] is None else elo["high"])
    told = f"{name}: {points(elo) or why_none(int(match['games']))}; {interval(elo) or 'no interval'}"
    drawn = f"<g><title>{escape(told)}</title>{word_at(LEFT - 8, y + 4, name, 'end', 12)}"
    drawn += f'<path class="c1" d="M{start:.1f} {y:.1f}H{end:.1f}"/>'
    for place, closed, back in ((start, elo["low"] is not None, 5), (end, elo["high"] is not None, -5)):
        tip = f"M{place:.1f} {y - 5:.1f}v10" if closed else f"M{place + back:.1f} {y - 5:.1f}l{-back} 5l{back} 5"
        drawn += f'<path class="c1" d="{tip}"/>'
    if points(elo):
        drawn += f'<circle class="f1" cx="{across(elo["value"]):.1f}" cy="{y:.1f}" r="4"/>'
    return drawn + "</g>"


def as_rows(matches: Mapping[str, Mapping[str, Any]]) -> list[Sequence[str]]:
    """(opponent, games, won, drawn, lost, as first, as second, Elo, interval, moves) of each."""
    rows: list[Sequence[str]] = []
    for name, each in matches.items():
        sides = (
            " / ".join(f"{each[side][word]:,}" for word in ("wins", "draws", "losses")) for side in ("first", "second")
        )
        won = (f"{each[word]:,}" for word in ("wins", "draws", "losses"))
        length = f"{each['length']:.3g}"
        rows.append([str(name), *won, *sides, points(each["elo"]) or "–", interval(each["elo"]), length])
    return rows


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> Markup:
    """A table whose columns are numbers but for the first, or so many."""
    word, number = Markup(' class="word"'), Markup(' class="n"')

    def line(cells: Sequence[str], tag: str) -> Markup:
        kinds = [word if at < words else number for at in range(len(cells))]
        each = (
            Markup("<{0}{1}>{2}</{0}>").format(Markup(tag), kind, text) for kind, text in zip(kinds, cells, strict=True)
        )
        return Markup("<tr>{}</tr>\n").format(Markup("").join(each))

    body = Markup("").join(line(row, "td") for row in rows)
    html = Markup('<div class="scroll"><table><thead>{}</thead><tbody>\n{}</tbody></table></div>\n')
    return html.format(line(heads, "th"), body)
