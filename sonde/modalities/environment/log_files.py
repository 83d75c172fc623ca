"""Files of logged transitions: NPZ, CSV, Parquet, and HDF5 as Minari and D4RL write it, all to the same named arrays."""

import json
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from sonde.acting.environments.gym import recorded
from sonde.core.catalogue import require
from sonde.core.errors import DataError, first_line
from sonde.data.unzipped import BAD_CONTENT
from sonde.modalities.environment.as_logged import OBSERVED, SPACE, leaves_of, space_in

WORDS: Mapping[str, tuple[str, ...]] = {
    "observations": ("observations", "observation", "obs"),
    "actions": ("actions", "action", "acts"),
    "rewards": ("rewards", "reward", "rews"),
    "terminated": ("terminated", "terminations", "termination", "terminals", "terminal"),
    "truncated": ("truncated", "truncations", "truncation", "timeouts", "timeout"),
    "dones": ("dones", "done"),
    "episodes": ("episodes", "episode", "episode_id", "episode_ids"),
    "next_observations": ("next_observations", "next_observation", "next_obs"),
    "final_observations": ("final_observations", "final_observation"),
    "environment": ("environment", "env_id"),
}
"""What an array is -> what Sonde, Minari, D4RL and others call it."""
NEEDED = ("observations", "actions", "rewards")
BESIDE = ("rewards", "terminated", "truncated", "next_observations")
"""Of which a file has one, beside observations and actions, that is known to be a log."""
READ = "observations, actions, rewards, terminated, truncated (or episodes) and next_observations (optional)"
"""The names of what a log is read from, for a person."""
ENDINGS = (".npz", ".hdf5", ".h5", ".parquet", ".csv")
NUMBERED = re.compile(r"(.+?)[_.](\d+)")


def roles(names: Iterable[str]) -> dict[str, list[str]]:
    """What an array is -> the names of its columns in order, or its one name.

    >>> roles(["obs_1", "obs_0", "action", "reward", "terminals", "speed"])
    {'observations': ['obs_0', 'obs_1'], 'actions': ['action'], 'rewards': ['reward'], 'terminated': ['terminals']}
    >>> roles(["observation.place", "observation.arm.angle_0", "action"])
    {'observations': ['observation.place', 'observation.arm.angle_0'], 'actions': ['action']}
    """
    found: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        word, path, place = _split(name)
        for role, words in WORDS.items():
            if word.lower() in words and (not path or role in OBSERVED):
                found.setdefault(role, []).append((place, name))
    return {role: [name for _, name in sorted(found[role], key=itemgetter(0))] for role in WORDS if role in found}


def is_log(names: Iterable[str], *, alone: bool = False) -> bool:
    """Whether a file with such arrays or columns is a log. alone: for a task that learns from logs alone"""
    found = roles(names).keys()
    return {"observations", "actions"} <= found and (alone or any(role in found for role in BESIDE))


def looks_logged(names: Iterable[str]) -> bool:
    """Whether names are of what was done and of what came of it, such as state, action and reward."""
    found = roles(names).keys()
    return "actions" in found and any(role in found for role in (*BESIDE, "dones"))


def names_in(path: Path) -> list[str]:
    """What a file's arrays or columns are called, read from its head alone; nothing where it cannot be read."""
    ending = path.suffix.lower()
    try:
        if ending == ".npz":
            with zipfile.ZipFile(path) as file:
                return [name.removesuffix(".npy") for name in file.namelist()]
        if ending == ".csv":
            with path.open(encoding="utf-8") as file:
                return [name.strip().strip('"') for name in file.readline().split(",")]
        if ending == ".parquet":
            import pyarrow.parquet as parquet

            return list(parquet.read_schema(path).names)
    except (*BAD_CONTENT, ValueError):
        return []
    return list(NEEDED) if ending in (".hdf5", ".h5") else []  # which nothing else here reads


def arrays_of(path: Path) -> dict[str, Any]:
    """Arrays by the first of their `WORDS`; "environment" is text. Raises: DataError, MissingDependency"""
    ending = path.suffix.lower()
    try:
        if ending == ".npz":
            with np.load(path, allow_pickle=False) as file:
                return _named({name: file[name] for name in file.files if roles([name]) or name == SPACE})
        if ending in (".hdf5", ".h5"):
            return _of_hdf5(path)
        return _named(_columns(path))
    except (*BAD_CONTENT, ValueError) as error:
        raise DataError(f"{path} cannot be read as a log of transitions: {first_line(error)}") from None


def _named(found: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """By role, what has parts as an array for each, by its path. Raises: DataError for what is there twice"""
    named = _told_apart(found)
    taken = {f"{role}.{path}" for role in OBSERVED for path in named.get(role, ())}
    for role, names in roles(name for name in found if name not in taken).items():
        columns: dict[str, list[str]] = {}
        for name in names:
            columns.setdefault(_split(name)[1], []).append(name)
        arrays: dict[str, np.ndarray] = {}
        for path, own in columns.items():
            arrays |= _stacked(path, own, found)
        if len(arrays) > 1 and "" in arrays:
            raise DataError(f"{', '.join(names[:6])}: {role} with parts and without; leave one of them out")
        named[role] = arrays.get("", arrays)
    if "environment" in named:
        named["environment"] = str(np.asarray(named["environment"]).ravel()[0])
    return named


def _told_apart(found: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The space that is written beside arrays, and what was observed in it, whose parts may have any names: "room_1" is one of
    its own, and not a column of "room"."""
    if SPACE not in found or (space := space_in(str(np.asarray(found[SPACE]).ravel()[0]))) is None:
        return {}
    paths = [path for path, _ in leaves_of(space)]
    held = {role: {path: f"{role}.{path}" for path in paths if path} for role in OBSERVED}
    parts = {
        role: {path: found[name] for path, name in names.items()}
        for role, names in held.items()
        if names and set(names.values()) <= found.keys()
    }
    return {SPACE: space, **parts}


def _split(name: str) -> tuple[str, str, int]:
    """(word, path of a part, number), "" and -1 of what has none: ("observations", "arm.angle", 0)."""
    numbered = NUMBERED.fullmatch(name)
    word, _, path = (numbered[1] if numbered else name).partition(".")
    return word, path, int(numbered[2]) if numbered else -1


def _stacked(path: str, names: list[str], found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """One array, of columns that are numbered; by number, where each is an array of its own, such as parts of a tuple."""
    numbers = [_split(name)[2] for name in names]
    if len(set(numbers)) < len(names) or (-1 in numbers and len(names) > 1):
        raise DataError(f"{', '.join(names[:6])} are called the same; leave one of them out")
    columns = [found[name] for name in names]
    if numbers == [-1]:
        return {path: columns[0]}
    if len({np.shape(each) for each in columns}) > 1:
        return {f"{path}.{number}".strip("."): each for number, each in zip(numbers, columns, strict=True)}
    return {path: np.stack(columns, 1)}


def _columns(path: Path) -> dict[str, np.ndarray]:
    """The columns of a table, of those that hold dicts one for each of their parts; lists of one length are rows of an array."""
    if path.suffix.lower() == ".csv":
        import pyarrow.csv as csv

        table: Any = csv.read_csv(path)
    else:
        import pyarrow.parquet as parquet

        table = parquet.read_table(path)
    while any(str(kind).startswith("struct") for kind in table.schema.types):
        table = table.flatten()
    found = {}
    for name in table.column_names:
        column = table.column(name)
        if column.null_count:
            raise DataError(
                f"{path}: column {name} has {column.null_count:,} empty cells; fill them, or leave their episodes out"
            )
        values = column.to_numpy()
        if values.dtype == object and len(values) and not isinstance(values[0], str):
            values = np.stack([np.asarray(each) for each in values])
        found[name] = values
    return found


def _of_hdf5(path: Path) -> dict[str, Any]:
    """Of a group for each episode, which hold one observation more than actions (Minari), or of arrays as elsewhere (D4RL)."""
    h5py = require("h5py", extra="hdf5", purpose="reading HDF5 files")
    with h5py.File(path, "r") as file:
        groups = sorted((name for name in file if name.startswith("episode_")), key=lambda name: int(name[8:]))
        if not groups:
            return _named(_arrays_in(file, h5py))
        parts = [_episode(file[name], h5py, f"{path} {name}") for name in groups]
        said = dict(file.attrs)
    beside = path.parent / "metadata.json"
    if beside.exists():
        said = {**json.loads(beside.read_text()), **said}
    found: dict[str, Any] = {
        name: _joined([part[name] for part in parts], np.concatenate)
        for name in ("observations", *NEEDED[1:], "terminated", "truncated")
    }
    found["episodes"] = np.repeat(np.arange(len(parts)), [len(part["rewards"]) for part in parts])
    found["final_observations"] = _joined([part["final"] for part in parts], np.stack)
    if (spec := said.get("env_spec")) is not None and (name := recorded(json.loads(spec) or {})):
        found["environment"] = f"gym:{name}"
    if (space := space_in(said.get(SPACE))) is not None:
        found[SPACE] = space
    return found


def _arrays_in(file: Any, h5py: Any) -> dict[str, np.ndarray]:
    """Name -> array, of observations that have parts one for each."""
    found = {}
    for name, held in file.items():
        if isinstance(held, h5py.Dataset):
            found[name] = held[()]
        elif any(name.lower() in WORDS[role] for role in OBSERVED):
            found |= {f"{name}.{path}": values for path, values in _parts_in(held, h5py).items()}
    return found


def _joined(parts: list[Any], join: Callable[[list[np.ndarray]], np.ndarray]) -> Any:
    """Those of all episodes, of what has parts for each. Raises: ValueError where episodes differ in them"""
    if not isinstance(parts[0], Mapping):
        return join(parts)
    if any(each.keys() != parts[0].keys() for each in parts):
        raise ValueError("episodes differ in the parts of their observations")
    return {path: join([each[path] for each in parts]) for path in parts[0]}


def _episode(group: Any, h5py: Any, where: str) -> dict[str, Any]:
    named = {role: names[0] for role, names in roles(group).items()}
    found: dict[str, Any] = {}
    for role in (*NEEDED, "terminated", "truncated"):
        if role not in named:
            raise DataError(f"{where} has no {role}; it holds {', '.join(group)}")
        held = group[named[role]]
        if not isinstance(held, h5py.Dataset):
            if role != "observations":
                raise DataError(f"{where}: {named[role]} has parts ({', '.join(held)}); flatten them to one array")
            found[role] = _parts_in(held, h5py)
            continue
        found[role] = held[()]
    shown = found.pop("observations")
    each = shown if isinstance(shown, Mapping) else {"": shown}
    for path, values in each.items():
        if len(values) != len(found["actions"]) + 1:
            raise DataError(
                f"{where} has {len(values)} observations{f' of {path}' * bool(path)} and {len(found['actions'])} actions; one "
                "observation more is needed, that after the last action"
            )
    before, final = (
        {path: values[:-1] for path, values in each.items()},
        {path: values[-1] for path, values in each.items()},
    )
    return {**found, "observations": before.get("", before), "final": final.get("", final)}


def _parts_in(group: Any, h5py: Any) -> dict[str, np.ndarray]:
    """Path -> array: of a dict by its names, of a tuple, whose parts Minari calls _index_0, …, by their numbers."""
    found: dict[str, np.ndarray] = {}

    def take(path: str, held: Any) -> None:
        if isinstance(held, h5py.Dataset):
            found[".".join(name.removeprefix("_index_") for name in path.split("/"))] = held[()]

    group.visititems(take)
    return found
