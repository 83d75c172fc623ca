"""Whether episodes are told by their seed, and whether actions matter."""

import pytest

from sonde.acting.environments.reproducing import differs, heeds_actions
from sonde.core.errors import DataError
from tests.acting.faulty import Breaks, Deaf, LateChance, Target, Unseeded
from tests.acting.small_environments import Walk


class Drawing(Target):
    """Draws its episodes from a stream that a seed does not begin anew: only its first episode is the same."""

    def __init__(self) -> None:
        super().__init__()
        self.before = 0

    def begin(self) -> None:
        super().begin()
        self.before += 1
        self.place += 0 if self.before < 2 else 1


def test_seeds() -> None:
    assert differs(Walk(), Walk, "x") == ""
    assert differs(Target(), Target, "x") == ""
    assert differs(Unseeded(), Unseeded, "x").endswith("when a new environment is reset to it, at once")
    assert differs(LateChance(), LateChance, "x").endswith(
        "when a new environment is reset to it, after 1 of the same actions"
    )
    assert differs(Drawing(), Drawing, "x").endswith("when the same environment is reset to it, at once")
    with pytest.raises(DataError, match="x: the episode of seed 3,000,000 raised KeyError"):
        differs(Breaks(), Breaks, "x")


def test_actions() -> None:
    assert heeds_actions(Target(), "x")
    assert not heeds_actions(Deaf(), "x")
