"""Settings of self-play with search: their flags."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sonde.core.bounds import above, at_least, within
from sonde.core.errors import ConfigError

QUICK = 16  # simulations of a move that is only played, where nobody says how many


@dataclass(frozen=True, kw_only=True)
class AlphaZeroConfig:
    """Settings of self-play with search (AlphaZero)."""

    search: Literal["gumbel", "puct"] = "gumbel"
    """How a move is searched: moves drawn without replacement and sequential halving (Gumbel), which needs few simulations, or
    upper confidence bounds with noise at the root (PUCT)."""
    simulations: int = 64
    """Leaves that are looked at for a move that is learned from, and for each move of an evaluation."""
    considered: int = 16
    """Moves that a Gumbel search looks at in the root, at most."""
    quick_simulations: int | None = None
    """Leaves that are looked at for a move that is only played (playout cap randomisation); by default 16, or --simulations where
    that is fewer."""
    full_share: float = 0.25
    """Share of moves that are searched in full and learned from."""
    random_moves: int = 2
    """Random moves that a game of self-play begins with, at most; how many is drawn for each."""
    drawn_moves: int = 10
    """Moves of a game, its first, that PUCT draws by how often the search followed them."""
    window: int = 100_000
    """Positions that are kept to learn from."""
    position_reuse: float = 4.0
    """Times that each position is learned from, on average."""
    symmetries: bool = True
    """Turn and mirror boards at random while learning, where the game stays the same."""
    value_weight: float = 1.0
    """Weight of the loss of the game's end beside that of the policy."""

    def __post_init__(self) -> None:
        at_least(self, 1, "simulations", "considered", "quick_simulations", "window")
        at_least(self, 0, "random_moves", "drawn_moves", "value_weight")
        above(self, 0, "position_reuse")
        within(self, 0, 1, "full_share", open_left=True)
        if self.full_share < 1 and self.quick > self.simulations:
            raise ConfigError(
                f"--quick-simulations {self.quick_simulations} is more than --simulations {self.simulations}; give fewer, or "
                "--full-share 1 for the same search at every move"
            )

    @property
    def quick(self) -> int:
        """Leaves that are looked at for a move that is only played."""
        return min(QUICK, self.simulations) if self.quick_simulations is None else self.quick_simulations

    def without_effect(self) -> Mapping[str, str]:
        """Settings that change nothing beside the others -> why, and what to do where they were given."""
        found = {}
        if self.search == "puct":
            found["considered"] = "--search puct looks at all moves; leave it out, or use --search gumbel"
        else:
            found["drawn_moves"] = "--search gumbel draws the moves it looks at; leave it out, or use --search puct"
        if self.full_share == 1:
            found["quick_simulations"] = (
                "every move is searched in full (--full-share 1); leave it out, or give --full-share 0.25"
            )
        return found
