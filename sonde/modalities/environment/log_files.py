"""Files of logged transitions: NPZ, CSV, Parquet, and HDF5 as Minari and D4RL write it, all to the same named arrays."""

import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sonde.core.catalogue import require
from sonde.core.errors import DataError, first_line
from sonde.data.unzipped import BAD_CONTENT

WORDS: Mapping[str, tuple[str, ...]] = {
    "observations": ("observations", "observation", "obs"),
    "actions": ("actions", "action"),
    "rewards": ("rewards", "reward"),
    "terminated": ("terminated", "terminations", "termination", "terminals", "terminal"),
    "truncated": ("truncated", "truncations", "truncation", "timeouts", "timeout"),
    "dones": ("dones", "done"),
    "episodes": ("episodes", "episode", "episode_id", "episode_ids"),
    "next_observations": ("next_observations", "next_observation", "next_obs"),
    "final_observations": ("final_observations", "final_observation"),
    "environment": ("environment", "env_id"),
}
"""What an array is -> what Sonde, Minari, D4RL and others call it."""
NEEDED = ("observations", "actions", "rewards")  # by which a file is known to be a log
ENDINGS = (".npz", ".hdf5", ".h5", ".parquet", ".csv")
NUMBERED = re.compile(r"(.+?)[_.](\d+)")


def roles(names: Iterable[str]) -> dict[str, list[str]]:
    """What an array is -> the names of its columns in order, or its one name.

    >>> roles(["obs_1", "obs_0", "action", "reward", "terminals", "speed"])
    {'observations': ['obs_0', 'obs_1'], 'actions': ['action'], 'rewards': ['reward'], 'terminated': ['terminals']}
    """
    found: dict[str, dict[int, str]] = {}
    for name in names:
        numbered = NUMBERED.fullmatch(name)
        word, place = (numbered[1], int(numbered[2])) if numbered else (name, -1)
        for role, words in WORDS.items():
            if word.lower() in words:
                found.setdefault(role, {})[place] = name
    return {role: [found[role][place] for place in sorted(found[role])] for role in WORDS if role in found}


def is_log(names: Iterable[str]) -> bool:
    """Whether a file with such arrays or columns is a log."""
    return set(NEEDED) <= roles(names).keys()


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
                return _named({name: file[name] for name in file.files})
        if ending in (".hdf5", ".h5"):
            return _of_hdf5(path)
        return _named(_columns(path))
    except (*BAD_CONTENT, ValueError) as error:
        raise DataError(f"{path} cannot be read as a log of transitions: {first_line(error)}") from None


def _named(found: Mapping[str, np.ndarray]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for role, names in roles(found).items():
        columns = [found[name] for name in names]
        numbered = NUMBERED.fullmatch(names[0]) is not None
        named[role] = np.stack(columns, 1) if numbered else columns[0]
    if "environment" in named:
        named["environment"] = str(np.asarray(named["environment"]).ravel()[0])
    return named


def _columns(path: Path) -> dict[str, np.ndarray]:
    """The columns of a table; lists of one length are rows of an array."""
    if path.suffix.lower() == ".csv":
        import pyarrow.csv as csv

        table: Any = csv.read_csv(path)
    else:
        import pyarrow.parquet as parquet

        table = parquet.read_table(path)
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
            return _named({name: each[()] for name, each in file.items() if isinstance(each, h5py.Dataset)})
        parts = [_episode(file[name], h5py, f"{path} {name}") for name in groups]
        spec = file.attrs.get("env_spec")
    beside = path.parent / "metadata.json"
    if spec is None and beside.exists():
        spec = json.loads(beside.read_text()).get("env_spec")
    found: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts])
        for name in ("observations", *NEEDED[1:], "terminated", "truncated")
    }
    found["episodes"] = np.repeat(np.arange(len(parts)), [len(part["rewards"]) for part in parts])
    found["final_observations"] = np.stack([part["final"] for part in parts])
    if spec is not None and (name := json.loads(spec).get("id")):
        found["environment"] = f"gym:{name}"
    return found


def _episode(group: Any, h5py: Any, where: str) -> dict[str, np.ndarray]:
    named = {role: names[0] for role, names in roles(group).items()}
    found = {}
    for role in (*NEEDED, "terminated", "truncated"):
        if role not in named:
            raise DataError(f"{where} has no {role}; it holds {', '.join(group)}")
        if not isinstance(group[named[role]], h5py.Dataset):
            raise DataError(
                f"{where}: {named[role]} has parts ({', '.join(group[named[role]])}); flatten them to one array"
            )
        found[role] = group[named[role]][()]
    if len(found["observations"]) != len(found["actions"]) + 1:
        raise DataError(
            f"{where} has {len(found['observations'])} observations and {len(found['actions'])} actions; one observation more is "
            "needed, that after the last action"
        )
    return {**found, "observations": found["observations"][:-1], "final": found["observations"][-1]}
