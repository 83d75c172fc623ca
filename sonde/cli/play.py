"""`sonde play RUN`: play a game against a player that was trained by self-play."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sonde.cli.begin import begin, trained_run
from sonde.core.bounds import at_least
from sonde.core.errors import ConfigError, nearest
from sonde.core.run_folder import open_run
from sonde.screen.screen import Screen

if TYPE_CHECKING:
    from sonde.acting.self_play.player import Player, Thought

ABOUT = """\
Play against the network of RUN, which was trained on game:NAME. Type a move, by its number or its name; an empty line lists the
legal ones. "back" takes your last move back, "hint" says what the network would play, "quit" (or Ctrl-D, Ctrl-C) leaves.
After each move stands what it thought: the likeliest moves by the network alone and after its search, and the value for you.
With --page it is a page with a board at an address of this machine, where moves are made by a click. Ctrl-C ends it.

examples:
  sonde play runs/connect_four-policy-value-resnet-1
  sonde play runs/connect_four-policy-value-resnet-1 --second --simulations 800
  sonde play runs/connect_four-policy-value-resnet-1 --page

On another machine, forward the port and open http://localhost:7663 here:
  ssh -L 7663:localhost:7663 THAT_MACHINE
"""
SIGN = "your move> "
BEGINS = "type a move, by its number or name; an empty line lists the legal ones, back, hint and quit are commands"
LEAVES = ("quit", "exit", "q")
SHOWN = 4  # moves that it thinks likeliest


@dataclass(frozen=True, kw_only=True)
class PlayOptions:
    """How it plays."""

    second: bool = False
    """Let the network begin."""
    page: bool = False
    """Play on a page in the browser, not in the terminal."""
    port: int | None = None
    """Port of the page's address; by default 7663, or the next one that is free."""
    simulations: int | None = None
    """Leaves that it looks at for a move; by default as many as in training."""
    device: str = "cpu"
    """cpu, cuda, cuda:1, mps; auto uses a GPU if there is one."""

    def __post_init__(self) -> None:
        at_least(self, 1, "simulations")
        if self.port is not None and not self.page:
            raise ConfigError(
                f"--port {self.port} is of the page; give --page too, or leave it out to play in the terminal"
            )


def run(words: Sequence[str]) -> int:
    """Play one game. Raises: SondeError subclasses."""
    begun = begin(words, PlayOptions, usage="play RUN", about=ABOUT)
    if begun is None:
        return 0
    options, folder = begun.options, begun.words[0]
    from sonde.acting.self_play.games.open_spiel import begins, game
    from sonde.run.playing import game_of, player_of

    name = game_of(open_run(folder))
    trained = trained_run(folder, options.device, trust_code=begun.trust_code)
    player = player_of(trained.task, open_run(folder), simulations=options.simulations, device=trained.device)
    if options.page:
        from sonde.cli.play_page import Seat, show

        title = f"{name} against {Path(folder).resolve().name}"
        show(begun.screen, Seat(name, player), title=title, second=options.second, port=options.port)
        return 0
    known = game(name)
    ours = 1 - begins(known) if options.second else begins(known)
    play(begun.screen, known.new_initial_state(), player, ours=ours, typed=_lines(begun.screen))
    return 0


def _lines(screen: Screen) -> Iterator[str]:
    """What a person types, until the end of input."""
    while True:
        screen.write(SIGN)
        line = sys.stdin.readline()
        if not line:
            screen.write("\n")
            return
        yield line.strip()


def play(screen: Screen, state: Any, player: "Player", *, ours: int, typed: Iterator[str]) -> None:
    """One game from `state` on. ours: OpenSpiel's number of the person;  typed: the person's lines"""
    from sonde.acting.self_play.games.open_spiel import begins

    screen.say(f"you play {'first' if ours == begins(state.get_game()) else 'second'}; {BEGINS}")
    screen.write(f"{state}\n")
    while not state.is_terminal():
        thought = player.think([state.history()])
        if state.current_player() != ours:
            move = int(thought.move[0])
            screen.say(f"it plays {_named(state, move)} ({_thinks(state, thought, -1)})")
        else:
            found = _asked(screen, state, thought, ours, typed)
            if found is None:
                return
            state, move = found
            if move is None:
                screen.write(f"{state}\n")
                continue
        state.apply_action(move)
        screen.write(f"{state}\n")
    returned = state.returns()[ours]
    screen.say("you won" if returned > 0 else "you lost" if returned < 0 else "a draw")


def _asked(
    screen: Screen, state: Any, thought: "Thought", ours: int, typed: Iterator[str]
) -> tuple[Any, int | None] | None:
    """(state, the person's move); without a move where one was taken back; None where the person leaves."""
    for line in typed:
        if line in LEAVES:
            return None
        if line == "back":
            return _before(state, ours), None
        if line == "hint":
            screen.say(f"it would play {_named(state, int(thought.move[0]))}")
        elif (move := _move(state, line)) is not None:
            screen.say(f"it thought of that: {_thinks(state, thought, 1)}")
            return state, move
        else:
            screen.say(_which(state, line))
    return None


def _thinks(state: Any, thought: "Thought", sign: int) -> str:
    """The likeliest moves and the value, by the network alone and after its search. sign: 1 where the person is to move"""
    best = thought.policy[0].argsort()[::-1][:SHOWN]
    moves = ", ".join(
        f"{_named(state, int(move))} {100 * thought.prior[0, move]:.0f} -> {100 * thought.policy[0, move]:.0f} %"
        for move in best
        if thought.policy[0, move] > 0
    )
    value = f"{sign * thought.value[0]:+.2f} -> {sign * thought.found[0]:+.2f}"
    return f"{moves}; value for you {value}, from -1 lost to 1 won"


def _named(state: Any, move: int) -> str:
    return f"{state.action_to_string(state.current_player(), move)} ({move})"


def _move(state: Any, line: str) -> int | None:
    """The legal move that a line means, by number or name; None for none."""
    for move in state.legal_actions():
        if line in (str(move), state.action_to_string(state.current_player(), move)):
            return move
    return None


def _which(state: Any, line: str) -> str:
    """What may be typed."""
    player = state.current_player()
    names = {state.action_to_string(player, move): move for move in state.legal_actions()}
    listed = ", ".join(f"{name} ({move})" for name, move in names.items())
    near = nearest(line, names) if line else []
    wrong = f"{line!r} is no legal move{f', did you mean {near[0]}?' if near else ''}; " if line else ""
    return f"{wrong}legal are {listed}"


def _before(state: Any, ours: int) -> Any:
    """The state before the person's last move; the first one where there was none."""
    found, moves = state.get_game().new_initial_state(), state.history()
    after = [found.clone()]
    for move in moves:
        found.apply_action(move)
        after.append(found.clone())
    mine = [each for each in after[:-1] if each.current_player() == ours]
    return mine[-1] if mine else state
