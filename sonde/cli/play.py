"""`sonde play RUN`: play a game against a player that was trained by self-play."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sonde.cli.begin import begin, trained_run
from sonde.core.bounds import at_least
from sonde.core.errors import ConfigError
from sonde.core.run_folder import open_run
from sonde.core.units import counted
from sonde.screen.screen import Screen

ABOUT = """\
Play against the network of RUN, which was trained on game:NAME. Type a move, by its number or its name; an empty line lists the
legal ones. "back" takes your last move back, "hint" says what the network would play, "quit" (or Ctrl-D, Ctrl-C) leaves.
After each move stands what it thought: its best moves by the network alone and after its search, and the value for you.
With --page it is a page with a board at an address of this machine, where moves are made by a click. Ctrl-C ends it.

examples:
  sonde play runs/connect_four-policy-value-resnet-1
  sonde play runs/connect_four-policy-value-resnet-1 --second --simulations 800
  sonde play runs/connect_four-policy-value-resnet-1 --page

On another machine, forward the port and open http://localhost:7663 here:
  ssh -L 7663:localhost:7663 THAT_MACHINE
"""


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
    from sonde.cli.play_terminal import play
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
    simulations = counted(player.plan.simulations, "simulation", "simulations")
    begun.screen.say(f"{name} against the network of {folder}, {simulations} a move")
    play(begun.screen, known.new_initial_state(), player, ours=ours, typed=lambda sign: _lines(begun.screen, sign))
    return 0


def _lines(screen: Screen, sign: str) -> Iterator[str]:
    """What a person types, until the end of input; where no terminal shows it, it is written out."""
    while True:
        screen.write(sign)
        line = sys.stdin.readline()
        if not line or not sys.stdin.isatty():
            screen.write(f"{line.strip()}\n")
        if not line:
            return
        yield line.strip()
