"""Quantities that are declared as choices: each value is an input or an output of its own, and says nothing of its neighbours."""

from collections.abc import Iterator

from sonde.core.findings import Finding
from sonde.core.spaces import Space

MANY = 2_000  # numbers that choices become, from which on they are hardly names of things
LISTED = 6  # choices at most that a remedy spells out
NAME = "choices-too-many"
ALONE = "what is learned of one value says nothing of the next"


def many_choices(shown: Space, taken: Space) -> list[Finding]:
    """Of what an environment shows and takes."""
    found = []
    if (size := _size(shown)) > MANY:
        how = f"observations hold {_words(shown)}: {size:,} inputs, a 1 for what is and a 0 for all else, and {ALONE}"
        found.append(_finding(how, _shown_as_numbers(shown)))
    if (size := _size(taken)) > MANY:
        how = f"actions are {_words(taken)}: {size:,} outputs, and {ALONE}"
        action = "where they are quantities, take a Box of numbers from -1 to 1, and scale and round them in step()"
        found.append(_finding(how, action))
    return found


def _size(space: Space) -> int:
    return sum(sum(each.sizes) for each in _chosen(space))


def _chosen(space: Space) -> Iterator[Space]:
    if space.kind in ("choice", "choices"):
        yield space
    for part in space.parts:
        yield from _chosen(part)


def _words(space: Space) -> str:
    """Of the choices among its parts the widest."""
    widest = max(_chosen(space), key=lambda each: sum(each.sizes))
    if len(widest.sizes) == 1:
        return f"one of {widest.sizes[0]:,}"
    listed = " x ".join(f"{size:,}" for size in widest.sizes[:LISTED])
    more = " x …" if len(widest.sizes) > LISTED else ""
    return f"{len(widest.sizes)} choices, of {listed}{more}"


def _shown_as_numbers(space: Space) -> str:
    action = "where they are quantities, show them as numbers of about 1, "
    if space.kind != "choices" or len(space.sizes) > LISTED or any(space.first) or min(space.sizes) < 2:
        return f"{action}a Box from 0 to 1, each divided by the largest that it can be"
    largest = ", ".join(str(size - 1) for size in space.sizes)
    scaled = f"lambda seen: numpy.float32(seen) / numpy.float32([{largest}])"
    box = f"gymnasium.spaces.Box(0, 1, ({len(space.sizes)},))"
    return f"{action}such as by gymnasium.wrappers.TransformObservation(env, {scaled}, {box})"


def _finding(evidence: str, action: str) -> Finding:
    return Finding(check=NAME, severity="warning", evidence=evidence, action=action, name=NAME)
