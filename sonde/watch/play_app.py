"""What a browser is answered that plays a game: a page, the position after some moves, and what the player thinks of it."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sonde.report.page import environment
from sonde.watch.server import ALWAYS, POLICY, application, joined

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

HERE = Path(__file__).parent
REPORT = HERE.parent / "report"
STYLES = (REPORT / "page.css", REPORT / "boards.css", HERE / "play.css")
SCRIPTS = (REPORT / "boards.js", HERE / "play.js")
MOST_BYTES = 20_000  # of a question: a game of some thousand moves

Asked = Callable[[Sequence[int]], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A game that is played. The browser holds its moves; nothing is kept here between two questions.

    position: moves -> what the page shows at once;  thought: moves -> what the player thinks; both raise ValueError for moves
    that are not legal
    title: what the page is called;  second: whether the player begins
    """

    position: Asked
    thought: Asked
    title: str
    second: bool


def build(table: Table) -> "Starlette":
    """The application."""
    from starlette.responses import HTMLResponse
    from starlette.routing import Route

    turn, asked = asyncio.Lock(), count(1)  # a search takes all threads: one after the other
    latest = 0

    async def page(request: "Request") -> "Response":
        shown = environment(HERE).get_template("play.html").render(title=table.title, second=table.second)
        return HTMLResponse(shown, headers={**ALWAYS, "Content-Security-Policy": POLICY})

    async def position(request: "Request") -> "Response":
        moves = await moves_in(request)
        return _answer(*await asyncio.to_thread(_asked, table.position, moves))

    async def thought(request: "Request") -> "Response":
        nonlocal latest
        moves, mine = await moves_in(request), next(asked)
        latest = mine
        async with turn:
            if mine < latest:  # the person has gone on: nobody waits for it
                return _answer({"error": "another position was asked about since"}, 409)
            return _answer(*await asyncio.to_thread(_asked, table.thought, moves))

    routes = [
        Route("/", page),
        Route("/position", position, methods=["POST"]),
        Route("/thought", thought, methods=["POST"]),
    ]
    return application([*routes, *joined(STYLES, SCRIPTS)])


def _asked(ask: Asked, moves: Sequence[int] | None) -> tuple[dict[str, Any], int]:
    """(what is answered, its status)."""
    if moves is None:
        return {"error": 'ask with JSON {"moves": [numbers]}'}, 400
    try:
        return ask(moves), 200
    except ValueError as error:
        return {"error": str(error)}, 400


def _answer(content: dict[str, Any], status: int) -> "Response":
    from starlette.responses import JSONResponse

    return JSONResponse(content, status_code=status, headers=ALWAYS)


async def moves_in(request: "Request") -> list[int] | None:
    """The moves of a question; None for what is none.

    It must be called JSON: a page of another origin cannot send that unasked (Fetch standard, CORS-safelisted content types), so
    that none lets this machine search.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return None
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return None
    try:
        held = json.loads(body)
    except (ValueError, RecursionError):
        return None
    moves = held.get("moves") if isinstance(held, dict) else None
    fine = isinstance(moves, list) and all(isinstance(move, int) and not isinstance(move, bool) for move in moves)
    return moves if fine else None
