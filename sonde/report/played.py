"""The parts of a report that show games: some that were played out, move by move, and how games of self-play began."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from sonde.core.units import count, counted, share
from sonde.report.additions import Section, figure_html
from sonde.report.figures import Axis, Series
from sonde.report.ladder import table
from sonde.report.learning import Figure, figure

FILES = ("boards.css", "boards.js", "played.js")  # that the page needs for them
LOOKS = ("noughts", "discs", "othello", "go", "gomoku", "hex", "chess", "text")
MOST_NAME = 60
FEWEST = 4  # moves, beside random ones, without which a game that was cut off is not shown
MOST_TEXT = 4_000  # characters of a position: a board of 19 by 19 has 361
MOST_MOVES = 12  # of a position, the likeliest
MOST_FIRST = 8  # first moves that are listed
ANSWERED, MOST_SECOND = 4, 3  # of how many of them answers are, and how many of each


def played_sections(held: Any) -> list[Section]:
    """One section with the games of played.json; none where it is not there."""
    if not isinstance(held, Mapping):
        return []
    board, games = _board(held["board"]), [_game(game) for game in held["games"]]
    if not games:
        return []
    short = [game for game in games if _too_short(game)]
    if len(short) == len(games):
        return [Section(name="played", title="A game played out", note=_none_shown(short), html=Markup(""))]
    games = [game for game in games if not _too_short(game)]
    against = "itself as it was before" if held["against"] == "earlier" else "itself"
    simulations = counted(int(held["simulations"]), "simulation", "simulations")
    note = (
        f"The best moves of the kept weights against {against}, {simulations} a move, with what "
        "they think at each: on the fields, in per cent, how likely they would move there."
    )
    told = json.dumps(
        {"board": board, "against": str(held["against"])[:MOST_NAME], "games": games}, separators=(",", ":")
    )
    moves = Markup("").join(Markup("<p>{}: {}</p>").format(game["title"], _as_text(game)) for game in games)
    figures = Markup("").join(figure_html(_value(game, number)) for number, game in enumerate(games, 1))
    html = Markup('<div class="played" data-games="{}">{}</div>\n<div class="grid">{}</div>\n')
    return [
        Section(
            name="played", title="A game played out", note=note, html=html.format(told, moves, figures), files=FILES
        )
    ]


def _too_short(game: Mapping[str, Any]) -> bool:
    """Whether a game was cut off before anything can be seen of it."""
    return bool(game["cut"]) and sum(ply["by"] != "drawn" for ply in game["plies"]) < FEWEST


def _none_shown(games: Sequence[Mapping[str, Any]]) -> str:
    """Why no game is shown, where all were cut off too soon."""
    if not (most := max(len(game["plies"]) for game in games)):
        return "No move was made: there was too little time left for one."
    return f"No game is shown: they were cut off {games[0]['cut']}, after {counted(most, 'move', 'moves')}."


def _cut(why: str) -> str:
    """Why a game was cut off. why: as played.json says it, in the words of earlier versions too

    >>> _cut("after 1.5 s of play"), _cut("as the run was stopped")
    ('as time ran out after 1.5 s of play', 'as the run was stopped')
    """
    return f"as time ran out {why}" if why.endswith(" s of play") else why


def _board(held: Mapping[str, Any]) -> dict[str, Any]:
    if held["look"] not in LOOKS:
        raise ValueError("a board that is none of those that are drawn")
    first, second = held.get("pieces") or ("", "")  # older ones have none
    pieces = [str(first)[:1], str(second)[:1]] if first and second else None
    return {"look": held["look"], "rows": int(held["rows"]), "columns": int(held["columns"]), "pieces": pieces}


def _game(held: Mapping[str, Any]) -> dict[str, Any]:
    """What the page's script is told of a game: only what it knows, each of its kind."""
    plies = [
        {
            **_position(ply),
            "value": [float(value) for value in ply["value"]],
            "best": int(ply["best"]),
            "moves": _likeliest(ply["moves"]),
            "played": _move(ply["played"]),
            "by": str(ply["by"])[:MOST_NAME],
        }
        for ply in held["plies"]
    ]
    if any(len(ply["value"]) != 2 for ply in plies):
        raise ValueError("a value that is not that of the network and that after its search")
    final = _position(held["final"])
    title, network = str(held["title"])[:MOST_NAME], int(held["network"])
    return {
        "title": title,
        "network": network,
        "plies": plies,
        "final": final,
        "cut": _cut(str(held["cut"])[:MOST_NAME]),
    }


def _likeliest(moves: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those that a page has room for, as of Go with hundreds at each of hundreds of positions."""
    known = [{**_move(move), "prior": float(move["prior"]), "policy": float(move["policy"])} for move in moves]
    return sorted(known, key=lambda move: -max(move["prior"], move["policy"]))[:MOST_MOVES]


def _position(held: Mapping[str, Any]) -> dict[str, Any]:
    result = held["result"]
    mover = held["mover"]
    return {
        "fields": str(held["fields"])[:MOST_TEXT],
        "mover": None if mover is None else int(mover),
        "result": None if result is None else float(result),
    }


def _move(held: Mapping[str, Any]) -> dict[str, Any]:
    to, start = (None if held[name] is None else int(held[name]) for name in ("to", "start"))
    return {"action": int(held["action"]), "name": str(held["name"])[:MOST_NAME], "to": to, "start": start}


def _as_text(game: Mapping[str, Any]) -> str:
    return " ".join(f"{number}. {ply['played']['name']}" for number, ply in enumerate(game["plies"], 1))


def _value(game: Mapping[str, Any], number: int) -> Figure:
    """What it thought of each position, for who began."""
    alone = [(float(ply), game["plies"][ply]["value"][0]) for ply in range(len(game["plies"]))]
    searched = [(float(ply), game["plies"][ply]["value"][1]) for ply in range(len(game["plies"]))]
    result = game["final"]["result"]
    ended = {1.0: "Who began won", 0.0: "It was a draw", -1.0: "Who began lost"}.get(result)
    made = counted(len(game["plies"]), "move", "moves")
    told = f"{ended or 'It ended'} after {made}"
    if cut := game["cut"]:
        told = f"It was cut off {cut}" if cut == f"after {made}" else f"It was cut off after {made}, {cut}"
    shown = [
        Series(name="after search", points=searched, colour=2),
        Series(name="network alone", points=alone, colour=1),
    ]
    caption = f"{told}. Value for who began: 1 won, -1 lost."
    return figure(
        f"Value in game {number}, {game['title']}",
        shown,
        Axis(label="moves made"),
        Axis(label="value", low=-1.0, high=1.0),
        name=f"Value in game {number}",
        caption=caption,
    )


def opening_sections(held: Any) -> list[Section]:
    """One section with openings.json; none where it is not there, or no such game has ended."""
    if not isinstance(held, Mapping) or not held["lines"]:
        return []
    board, games = _board(held["board"]), int(held["games"])
    lines: list[dict[str, Any]] = [
        {
            "first": _move(line["first"]),
            "second": None if line["second"] is None else _move(line["second"]),
            **{word: int(line[word]) for word in ("games", "won", "drawn", "lost")},
        }
        for line in held["lines"]
    ]
    first: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        first[line["first"]["action"]].append(line)
    ordered = sorted(first.values(), key=lambda same: -_sum(same, "games"))
    rows = [
        row
        for place, same in enumerate(ordered[:MOST_FIRST])
        for row in _rows(same, games, answers=MOST_SECOND if place < ANSWERED else 0)
    ]
    shares = [{"to": same[0]["first"]["to"], "share": _sum(same, "games") / games} for same in ordered]
    told = json.dumps({"board": board, "fields": str(held["fields"])[:MOST_TEXT], "shares": shares})
    heads = ["first move", "answer", "games", "share", "won", "drawn", "lost"]
    html = Markup('<div class="openings"><div class="opened" data-opened="{}"></div>{}</div>\n')
    note = (
        f"The first moves of the latest {count(games)} games of self-play that it began itself, without random moves; it "
        "explores there, so that they are not only its best. Won and lost for who began; shares of answers are of that move."
    )
    if held.get("alike"):
        note += " Openings that are turns or mirror images of one another count as one."
    if len(ordered) > MOST_FIRST:
        note += f" The commonest {MOST_FIRST} of {count(len(ordered))}."
    return [
        Section(
            name="openings",
            title="Openings",
            note=note,
            html=html.format(told, table(heads, rows, words=2)),
            files=FILES,
        )
    ]


def _rows(same: Sequence[dict[str, Any]], games: int, *, answers: int) -> list[Sequence[str]]:
    """A first move, then its commonest answers."""
    whole = _sum(same, "games")
    rows: list[Sequence[str]] = [[same[0]["first"]["name"], "", count(whole), share(whole / games, 0), *_ends(same)]]
    second = sorted((line for line in same if line["second"] is not None), key=lambda line: -line["games"])
    for line in second[:answers]:
        rows.append(["", line["second"]["name"], count(line["games"]), share(line["games"] / whole, 0), *_ends([line])])
    return rows


def _ends(lines: Sequence[dict[str, Any]]) -> list[str]:
    whole = _sum(lines, "games")
    return [share(_sum(lines, word) / whole, 0) for word in ("won", "drawn", "lost")]


def _sum(lines: Sequence[dict[str, Any]], word: str) -> int:
    return sum(line[word] for line in lines)
