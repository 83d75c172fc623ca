"""Games of a run that learned by self-play, for its report: some that its network plays out, and how its latest games began."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sonde.acting.self_play.exhibition import SECONDS, exhibited
from sonde.acting.self_play.games.boards import board_of, moves_of
from sonde.acting.self_play.games.open_spiel import game
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.games.rules import Symmetry
from sonde.acting.self_play.shown import board_shown, move_shown, position_shown
from sonde.acting.self_play.source import SelfPlay, playing_of
from sonde.core.files import write_json
from sonde.core.pace import never
from sonde.core.progress import Tick
from sonde.run.build import Assembly

LABEL = "playing a game out"
MOST_LINES = 200  # of openings, the commonest


def show_games(
    assembly: Assembly,
    folder: Path,
    split: str,
    *,
    tick: Tick,
    seconds: float = SECONDS,
    leave_off: Callable[[], bool] = never,
) -> None:
    """Write played.json and openings.json into `folder`; nothing of a run that plays no games.

    folder: of the split's evaluation;  seconds: that playing may take;  leave_off: asked meanwhile
    """
    rows = None if assembly.dataset is None else assembly.dataset.splits.get(split)
    if not isinstance(rows, GameRows):
        return
    tick(LABEL, 0, 1)
    folder.mkdir(parents=True, exist_ok=True)
    played = exhibited(rows, playing_of(assembly.task), assembly.device, seconds=seconds, leave_off=leave_off)
    write_json(folder / "played.json", played)
    tick(LABEL, 1, 1)
    if isinstance(assembly.train, SelfPlay):
        write_json(folder / "openings.json", openings(rows.name, assembly.train.openings, rows.rules.symmetries))


def openings(name: str, games: Sequence[tuple[int, int, int]], symmetries: Sequence[Symmetry] = ()) -> dict[str, Any]:
    """The content of openings.json, of games as `SelfPlay.openings` has them.

    {"games", "board", "fields", "alike", "lines": [{"first": move, "second": move or null, "games", "won", "drawn", "lost"}]},
    the commonest first; results are those of who began. Lines that a symmetry takes into one another are one, by the moves of
    the lowest numbers; "alike": whether there is such a symmetry

    name: of the game;  symmetries: of it, which leave its first position as it is
    """
    images = _images(symmetries)
    games = [(*_lowest(first, second, images), result) for first, second, result in games]
    known = game(name)
    board, state = board_of(known), known.new_initial_state()
    results = Counter((first, second, result) for first, second, result in games)
    lines = Counter((first, second) for first, second, _ in games)
    found = []
    for (first, second), number in lines.most_common(MOST_LINES):
        after = None if second < 0 else move_shown(moves_of(board, state.child(first), [second])[0])
        counts = {word: results[first, second, result] for word, result in (("won", 1), ("drawn", 0), ("lost", -1))}
        shown = move_shown(moves_of(board, state, [first])[0])
        found.append({"first": shown, "second": after, "games": number, **counts})
    fields = position_shown(board, state)["fields"]
    return {
        "games": len(games),
        "board": board_shown(board),
        "fields": fields,
        "alike": len(images) > 1,
        "lines": found,
    }


def _images(symmetries: Sequence[Symmetry]) -> list[dict[int, int]]:
    """Of each symmetry, what becomes of a move; -1, which is none, stays none."""
    return [{-1: -1} | {int(old): new for new, old in enumerate(symmetry.actions)} for symmetry in symmetries]


def _lowest(first: int, second: int, images: Sequence[dict[int, int]]) -> tuple[int, int]:
    """The moves with the lowest numbers that a line may become."""
    return min(((image[first], image[second]) for image in images), default=(first, second))
