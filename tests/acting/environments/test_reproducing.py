"""Whether episodes are told by their seed, and whether actions matter."""

from typing import Any

import pytest

from sonde.acting.environments.reproducing import CHANCE, KEPT, differs, heeds_actions
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


class Paying(Target):
    """Its rewards become less from step to step of all episodes together: what it shows is the same again."""

    paid = 0

    def reward(self) -> float:
        self.paid += 1
        return super().reward() / self.paid


def found(kind: Any) -> tuple[str, str]:
    told = differs(kind(), kind, "x")
    assert told is not None
    return told.how.removeprefix("seed 3,000,000 leads to something else "), told.remedy


def test_seeds() -> None:
    assert differs(Walk(), Walk, "x") is None
    assert differs(Target(), Target, "x") is None
    assert found(Unseeded) == ("when a new environment is reset to it, at once", CHANCE)
    assert found(LateChance) == ("when a new environment is reset to it, after 1 of the same actions", CHANCE)
    assert found(Drawing) == ("when the same environment is reset to it, at once", KEPT)
    assert found(Paying) == ("when the same environment is reset to it, after 1 of the same actions", KEPT)
    with pytest.raises(DataError, match="x: the episode of seed 3,000,000 raised KeyError"):
        differs(Breaks(), Breaks, "x")


def test_actions() -> None:
    assert heeds_actions(Target(), "x")
    assert not heeds_actions(Deaf(), "x")
