"""Arguments of environments in their names: what is read, and what is refused in a line."""

from typing import Any

import pytest

from sonde.acting.environments.arguments import check_taken, parted
from sonde.core.errors import DataError


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Maze", {}),
        ("Maze()", {}),
        ("my:Maze-v0(size=5, step=-1e-3, sticky=True, goal=None)", {"size": 5, "step": -0.001, "sticky": True, "goal": None}),
        ("Maze(map=8x8, file=maps/a-b.txt, other='a, (b')", {"map": "8x8", "file": "maps/a-b.txt", "other": "a, (b"}),
        ("Maze(rows=[SF, 'HG'], at=(1, 2), one=(3), none=[], pairs=[(a, 1),],)",
         {"rows": ["SF", "HG"], "at": (1, 2), "one": 3, "none": [], "pairs": [("a", 1)]}),
    ],
)  # fmt: skip
def test_values_are_literals_words_and_lists_of_these(written: str, read: dict[str, Any]) -> None:
    short, found = parted(written, written)
    assert short == written.partition("(")[0]
    assert found == read
    assert {key: type(value) for key, value in found.items()} == {key: type(value) for key, value in read.items()}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("Maze(size=5", r"do not end with '\)'"),
        ("Maze(5)", "5 is no argument of the form key=value"),
        ("Maze(size=5,,)", "nothing is no argument"),
        ("Maze(size=5, size=6)", "size is given twice"),
        ("Maze(slippery=false)", "write slippery=False, or slippery='false' for the word"),
        ("Maze(size=007)", "size=007 cannot be read"),
        ("Maze(size=print(1))", r"size=print\(1\) cannot be read"),
        ("Maze(size=)", "size= cannot be read"),
        ("Maze(rows=[1, 2)", r"there is a \) too many|\] is missing"),
        ("Maze(name='a)", "' is missing"),
    ],
)
def test_what_cannot_be_read_is_refused(written: str, told: str) -> None:
    with pytest.raises(DataError, match=told) as caught:
        parted(written, f"env:{written}")
    assert "\n" not in str(caught.value)


def test_an_argument_that_is_not_taken_is_refused_with_those_that_are() -> None:
    def make(size: int = 3, *, slippery: bool = True, render_mode: str = "") -> None: ...
    def any_of_them(**given: Any) -> None: ...

    check_taken(make, ["size", "slippery"], "env:x")
    check_taken(any_of_them, ["whatever"], "env:x")
    with pytest.raises(DataError, match=r"no argument slipery; did you mean slippery\? \(it takes size, slippery\)"):
        check_taken(make, ["slipery"], "env:x", hidden=["render_mode"])
