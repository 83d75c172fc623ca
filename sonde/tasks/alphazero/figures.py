"""What is shown of matches: one line each in a terminal, a table in the report."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from sonde.core.units import number
from sonde.report.additions import Additions, Section

HEADS = ["against", "won", "drawn", "lost", "as first", "as second", "Elo", "95 % interval", "moves a game"]
CELL = Markup(' class="n"')  # of numbers


def highlights(details: Mapping[str, Any]) -> list[str]:
    """The match against each opponent.

    >>> match = {"games": 20, "wins": 15, "draws": 0, "losses": 5, "elo": {"value": 190.8, "low": 21.5, "high": None}}
    >>> highlights({"matches": {"mcts-100": match}})
    ['against mcts-100: 15 won, 0 drawn, 5 lost; Elo +191 (+22 or more)']
    """
    return [
        f"against {name}: {each['wins']:,} won, {each['draws']:,} drawn, {each['losses']:,} lost; Elo {_rated(each['elo'])}"
        for name, each in (details.get("matches") or {}).items()
    ]


def additions(details: Mapping[str, Any]) -> Additions:
    """The matches of one evaluation."""
    rows = [
        [
            name,
            *(f"{each[word]:,}" for word in ("wins", "draws", "losses")),
            *(
                " / ".join(f"{each[side][word]:,}" for word in ("wins", "draws", "losses"))
                for side in ("first", "second")
            ),
            _points(each["elo"]["value"], each["score"]["value"]),
            _interval(each["elo"]),
            number(each["length"], 3),
        ]
        for name, each in (details.get("matches") or {}).items()
    ]
    if not rows:
        return Additions(cases=False)
    note = (
        "Each side begins every other game. Elo points say how much stronger it is than the opponent: 0 for a score of a half, "
        "+191 for three quarters, a draw counting half."
    )
    section = Section(name="matches", title="Matches", html=_table(rows), note=note)
    return Additions(sections=[section], cases=False)


def _table(rows: Sequence[Sequence[str]]) -> Markup:
    def line(cells: Sequence[str], tag: str) -> Markup:
        each = (Markup("<{0}{1}>{2}</{0}>").format(Markup(tag), CELL * (at > 0), text) for at, text in enumerate(cells))
        return Markup("<tr>{}</tr>\n").format(Markup("").join(each))

    body = Markup("").join(line(row, "td") for row in rows)
    html = Markup('<div class="scroll"><table><thead>{}</thead><tbody>\n{}</tbody></table></div>\n')
    return html.format(line(HEADS, "th"), body)


def _rated(elo: Mapping[str, float | None]) -> str:
    value = elo["value"]
    return f"({_interval(elo)})" if value is None else f"{value:+.0f} ({_interval(elo)})"


def _points(value: float | None, score: float) -> str:
    return f"{value:+.0f}" if value is not None else "all won" if score == 1 else "all lost"


def _interval(elo: Mapping[str, float | None]) -> str:
    low, high = elo["low"], elo["high"]
    if high is None:
        return "" if low is None else f"{low:+.0f} or more"
    return f"{high:+.0f} or less" if low is None else f"{low:+.0f} to {high:+.0f}"
