"""What is shown of self-play: matches in lines of a terminal, and in the report with a game that is played out and openings."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from sonde.report.additions import Additions, Section, figure_html
from sonde.report.ladder import WIDEST, as_rows, interval, ladder_figure, points, table, why_none
from sonde.report.played import opening_sections, played_sections

HEADS = ["against", "won", "drawn", "lost", "as first", "as second", "Elo", "95 % interval", "moves a game"]


def highlights(details: Mapping[str, Any]) -> list[str]:
    """Of what the score is the mean, and the match against each opponent.

    >>> match = {"games": 20, "wins": 15, "draws": 0, "losses": 5, "elo": {"value": 190.8, "low": 21.5, "high": 361.0}}
    >>> few = {"games": 3, "wins": 3, "draws": 0, "losses": 0, "elo": {"value": None, "low": -44.1, "high": None}}
    >>> for line in highlights({"matches": {"mcts-100": match, "random": few}}):
    ...     print(line)
    score, wins, losses and length are means over 2 opponents, a draw counting 0.5
    against mcts-100: 15 won, 0 drawn, 5 lost; Elo +191 (+22 to +361)
    against random: 3 won, 0 drawn, 0 lost; Elo -44 or more (3 games leave an interval of more than 400 points)
    """
    matches = details.get("matches") or {}
    lines = [
        f"against {name}: {each['wins']:,} won, {each['draws']:,} drawn, {each['losses']:,} lost; Elo {_rated(each)}"
        for name, each in matches.items()
    ]
    return [_of_what(matches), *lines] if len(matches) > 1 else lines


def _of_what(matches: Mapping[str, Any]) -> str:
    told = f"score, wins, losses and length are means over {len(matches)} opponents, a draw counting 0.5"
    drawn = any(each["draws"] for each in matches.values())  # some games, such as Hex, have no draws
    return (
        f"{told}; against minimax 0.5 is the most where perfect play draws" if drawn and "minimax" in matches else told
    )


def _rated(match: Mapping[str, Any]) -> str:
    elo, around = match["elo"], interval(match["elo"])
    if number := points(elo):
        return f"{number} ({around})"
    return f"{around or 'not known'} ({why_none(match['games'])})"


def additions(details: Mapping[str, Any]) -> Additions:
    """The matches of one evaluation, games that were played out at the end, and openings of self-play."""
    matches = details.get("matches") or {}
    sections = [*played_sections(details.get("played")), *opening_sections(details.get("openings"))]
    if matches:
        sections.insert(0, _ladder(matches))
    return Additions(sections=sections, cases=False)


def _ladder(matches: Mapping[str, Any]) -> Section:
    note = (
        "Each side begins every other game. Elo points say how much stronger it is than the opponent: 0 for a score of a half, "
        "+191 for three quarters, a draw counting half."
    )
    few = [name for name, each in matches.items() if not points(each["elo"])]
    if few:
        note += (
            f" Against {', '.join(few)} the number is left out: so few games, or games of which all ended alike, leave an "
            f"interval of more than {WIDEST:g} points; more games (--test-episodes) make it narrower."
        )
    html = Markup('{}<div class="grid">{}</div>\n').format(
        table(HEADS, as_rows(matches)), figure_html(ladder_figure(matches))
    )
    return Section(name="matches", title="Matches", html=html, note=note)
