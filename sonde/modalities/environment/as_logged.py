"""Observations of a log, as the environment shows them or as networks see them already, to what networks see."""

import json
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from sonde.core.dataset import TargetSpec
from sonde.core.errors import DataError
from sonde.core.spaces import Space

SPACE = "observation_space"  # what a log says of its observations, by its name among the arrays
OBSERVED = ("observations", "next_observations", "final_observations")


def as_seen(found: Mapping[str, Any], space: Space | None, shape: tuple[int, ...], place: str) -> dict[str, Any]:
    """The arrays of a log by name, with those that were observed as arrays (n, …), of what has parts or is chosen (n, numbers).

    found: what was observed as an array, or as one for each part, by its path (`observations.arm.angle` -> "arm.angle")
    space: of the observations, None where nothing tells it;  shape: as networks see one
    Raises: DataError for what the space does not hold
    """
    return {
        name: _encoded(values, space, shape, place, name) if name in OBSERVED else values
        for name, values in found.items()
    }


def space_in(written: Any) -> Space | None:
    """A space as Minari writes it, as JSON; None of what is not known here, or not written so."""
    try:
        found = _read(json.loads(written))
    except (TypeError, ValueError, KeyError, AttributeError):
        return None
    return found if found.known else None


def _read(written: Mapping[str, Any]) -> Space:
    match written["type"]:
        case "Box":
            return Space(kind="box", shape=tuple(written["shape"]), dtype=str(written["dtype"]))
        case "Discrete":
            return Space(
                kind="choice", dtype="int64", sizes=(int(written["n"]),), first=(int(written.get("start", 0)),)
            )
        case "MultiDiscrete":
            sizes = np.asarray(written["nvec"], np.int64)
            first = np.asarray(written.get("start", np.zeros_like(sizes)), np.int64)
            numbers = tuple(sizes.ravel().tolist()), tuple(first.ravel().tolist())
            return Space(kind="choices", shape=sizes.shape, dtype="int64", sizes=numbers[0], first=numbers[1])
        case "MultiBinary":
            return Space(kind="bits", shape=tuple(np.atleast_1d(written["n"]).tolist()), dtype="int8")
        case "Dict":
            parts = {str(name): _read(part) for name, part in written["subspaces"].items()}
            return Space(kind="dict", names=tuple(parts), parts=tuple(parts.values()))
        case "Tuple":
            return Space(kind="tuple", parts=tuple(map(_read, written["subspaces"])))
    return Space(kind="other")


def said_space(found: Mapping[str, Any]) -> Space | None:
    """What a log says of its observations, where no environment does: the space that it holds, else the numbers of each part;
    None of one array of numbers."""
    held, values = found.get(SPACE), found["observations"]
    if isinstance(held, Space) and held.kind != "box":
        return held
    if not isinstance(values, Mapping):
        return None
    parts = tuple(Space(kind="box", shape=np.shape(each)[1:], dtype="float32") for each in values.values())
    return Space(kind="dict", names=tuple(values), parts=parts)


def space_of_actions(target: TargetSpec) -> Space:
    """The actions of a log (`logged_target`), as a space."""
    if target.kind == "logged-action":
        return Space(kind="choice", dtype="int64", sizes=(len(target.names),), first=(0,))
    if target.kind == "logged-actions":
        return Space(
            kind="choices",
            shape=(len(target.names),),
            dtype="int64",
            sizes=target.shape,
            first=(0,) * len(target.names),
        )
    bounds = [(mean - std, mean + std) for mean, std in zip(target.mean, target.std, strict=True)]
    low, high = (tuple(each) for each in zip(*bounds, strict=True))
    return Space(kind="box", shape=(len(target.names),), dtype="float32", low=low, high=high)


def _encoded(values: Any, space: Space | None, shape: tuple[int, ...], place: str, name: str) -> Any:
    leaves = list(leaves_of(space)) if space is not None and space.known else []
    if isinstance(values, Mapping):
        return _of_parts(values, dict(leaves), place, name)
    given = np.asarray(values)
    if space is None or not leaves or space.is_pixels or given.shape[1:] == shape:
        return given
    if space.kind == "box":
        return given.reshape(len(given), *shape) if given[0].size == prod(shape) and given.ndim == 2 else given
    if not space.parts:
        return _row(given, space, place, name)
    widths = [_width(leaf) for _, leaf in leaves]
    if space.kind == "tuple" and given.ndim == 2 and given.shape[1] == sum(widths):
        columns = np.split(given, np.cumsum(widths)[:-1], axis=1)
        return _of_parts(dict(zip(dict(leaves), columns, strict=True)), dict(leaves), place, name)
    raise DataError(
        f"{place} has {name} of shape {given.shape[1:]}, and the environment shows {space.words}; give an array, or columns, of "
        f"each part ({_columns(dict(leaves), name)}), or rows of {space.size} numbers"
    )


def _of_parts(values: Mapping[str, Any], leaves: Mapping[str, Space], place: str, name: str) -> np.ndarray:
    if set(values) != set(leaves):
        wanted = f"{name} without parts are" if set(leaves) == {""} or not leaves else f"{_columns(leaves, name)} are"
        raise DataError(f"{place} has {_columns(values, name)}, and {wanted} needed; add or rename what differs")
    rows = [_row(np.asarray(values[path]), leaf, place, f"{name}.{path}") for path, leaf in leaves.items()]
    return np.concatenate(rows, 1)


def _columns(paths: Mapping[str, Any], name: str) -> str:
    return ", ".join(f"{name}.{path}" for path in paths)


def leaves_of(space: Space, path: str = "") -> Iterator[tuple[str, Space]]:
    """(path, part) of all parts that have none themselves, in the order of their numbers in a row."""
    if not space.parts:
        yield path, space
        return
    for name, part in zip(space.names or map(str, range(len(space.parts))), space.parts, strict=True):
        yield from leaves_of(part, f"{path}.{name}" if path else name)


def _width(space: Space) -> int:
    """Numbers that an environment shows of a part, of a choice one."""
    return len(space.sizes) or prod(space.shape)


def _row(given: np.ndarray, space: Space, place: str, name: str) -> np.ndarray:
    """(n, …) as shown -> (n, size) float32, a choice as 0 and 1 for each that there is. Raises: DataError"""
    if given.dtype.kind not in "biuf":
        raise DataError(f"{place}: {name} are {given.dtype}, and must be numbers")
    shown = given.reshape(len(given), prod(given.shape[1:]))
    if shown.shape[1] != _width(space):
        raise DataError(
            f"{place} has {name} of shape {given.shape[1:]}, and {space.words} is needed; take the log of another"
        )
    if not space.sizes:
        return shown.astype(np.float32)
    first, sizes = np.asarray(space.first), np.asarray(space.sizes)
    outside = ~((shown == np.rint(shown)) & (shown >= first) & (shown < first + sizes))
    if outside.any():
        row, entry = np.argwhere(outside)[0].tolist()
        low, which = first[entry], f" at entry {entry}" if len(sizes) > 1 else ""
        raise DataError(
            f"{place}: {name} of row {row:,} hold {shown[row, entry]:g}{which}, and there are {low} to {low + sizes[entry] - 1}; "
            "take the log of another"
        )
    found = np.zeros((len(shown), space.size), np.float32)
    begins = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    found[np.arange(len(shown))[:, None], begins + shown.astype(np.int64) - first] = 1
    return found
