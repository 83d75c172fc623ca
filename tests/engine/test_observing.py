"""States of observers are found again by their names."""

import functools
from typing import Any

from sonde.engine.observing import capture, matched, name_of, restore, unclaimed


class Kept:
    def __init__(self, value: int = 0) -> None:
        self.value = value

    def __call__(self, record: Any) -> None: ...
    def state_dict(self) -> dict[str, Any]:
        return {"value": self.value}

    def load_state_dict(self, state: Any) -> None:
        self.value = state["value"]


class Other(Kept): ...


def plain(record: Any) -> None: ...


def test_names() -> None:
    named = Kept()
    named.name = "mine"  # type: ignore[attr-defined]
    assert [name_of(each) for each in (Kept(), plain, named)] == ["Kept", "plain", "mine"]
    assert name_of(functools.partial(plain)) == "partial"


def test_each_gets_the_state_of_its_name_and_place_among_those() -> None:
    saved = capture([plain, Kept(1), Other(2), Kept(3)])
    assert saved == {
        "observers": [{}, {"value": 1}, {"value": 2}, {"value": 3}],
        "observed_by": ["plain", "Kept", "Other", "Kept"],
    }
    now = [Other(), Kept(), Kept(), Kept(9), plain]
    restore(now, saved)
    assert [each.value for each in now[:4]] == [2, 1, 3, 9]  # type: ignore[attr-defined]
    assert unclaimed(now, saved) == []
    assert unclaimed([Kept(), plain], saved) == ["Other", "Kept"]


def test_states_of_earlier_versions_go_by_their_place() -> None:
    saved = {"observers": [{}, {}, {"value": 4}]}
    now = [plain, plain, Kept(), Kept(5)]
    assert matched(now, saved) == [0, 1, 2, None]
    restore(now, saved)
    assert [each.value for each in now[2:]] == [4, 5]  # type: ignore[attr-defined]
