"""What observers keep across a resume: found by their names, since a list may be another than before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sonde.core.seams import Observer


def name_of(observer: object) -> str:
    """What an observer is called: its attribute `name`, a function's own name, else its class's."""
    named = getattr(observer, "name", None) or getattr(observer, "__name__", None)
    return named if isinstance(named, str) else type(observer).__name__


def capture(observers: Sequence[Observer]) -> dict[str, Any]:
    """The part of a checkpoint that observers have: their states, empty for those without one, and their names."""
    states = [getattr(observer, "state_dict", dict)() for observer in observers]
    return {"observers": states, "observed_by": [name_of(observer) for observer in observers]}


def restore(observers: Sequence[Observer], state: Mapping[str, Any]) -> None:
    """Give each observer its saved state; one that was not there before keeps the state it has."""
    for observer, number in zip(observers, matched(observers, state), strict=True):
        load = getattr(observer, "load_state_dict", None)
        if number is not None and load is not None:
            load(state["observers"][number])


def matched(observers: Sequence[Observer], state: Mapping[str, Any]) -> list[int | None]:
    """For each observer the number of its saved state: the first of its name belongs to the first of that name, and so on.

    Older states hold no names; theirs go by their order.
    """
    saved = state.get("observed_by")
    if saved is None:
        return [number if number < len(state["observers"]) else None for number in range(len(observers))]
    places: dict[tuple[str, int], int] = {}
    seen: Counter[str] = Counter()
    for number, name in enumerate(saved):
        places[name, seen[name]] = number
        seen[name] += 1
    seen.clear()
    found = []
    for name in map(name_of, observers):
        found.append(places.get((name, seen[name])))
        seen[name] += 1
    return found


def unclaimed(observers: Sequence[Observer], state: Mapping[str, Any]) -> list[str]:
    """Names of the observers that kept something in a saved state and are not among `observers`."""
    claimed = set(matched(observers, state))
    names = state.get("observed_by") or [""] * len(state["observers"])
    return [
        name
        for number, (name, held) in enumerate(zip(names, state["observers"], strict=True))
        if held and number not in claimed
    ]
