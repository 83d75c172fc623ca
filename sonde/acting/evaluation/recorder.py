"""Episodes as they are played, for a file of transitions that others learn from."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sonde.acting.environments.spaces import space_of
from sonde.core.errors import ConfigError
from sonde.core.spaces import Space, leaves

SPACE = "observation_space"  # how Minari calls it too

Shown = Mapping[str, np.ndarray]
"""An observation: its parts by their path, or one array by ""."""


class Recorder:
    """What was observed, done and earned in each step of episodes, by their number.

    Observations are as the environment shows them, an array for each part; where it is not known what it shows (one that is not
    `Checked`, spaces that are not gymnasium's), as networks see them.
    """

    def __init__(self) -> None:
        self._steps: dict[int, list[tuple[Shown, np.ndarray, float, bool, bool]]] = {}
        self._last: dict[int, Shown] = {}
        self._space: Space | None = None

    def began(self, episode: int, env: Any, seen: np.ndarray) -> None:
        """Take a first observation. env: that showed it;  seen: it, as networks see it"""
        if getattr(env, "shown", None) is not None:
            space = space_of(env.observation_space)
            self._space = space if space.known else None
        self._steps.pop(episode, None)
        self._last[episode] = self._shown(env, seen)

    def took(self, episode: int, env: Any, step: tuple[Any, float, bool, bool], seen: np.ndarray) -> None:
        """Take a step. step: action as the environment takes it, reward, whether it was terminated, and truncated
        seen: what it shows after, as networks see it
        """
        action, reward, terminated, truncated = step
        before = self._last[episode]
        held = before, np.array(action), float(reward), bool(terminated), bool(truncated and not terminated)
        self._steps.setdefault(episode, []).append(held)
        self._last[episode] = self._shown(env, seen)

    def _shown(self, env: Any, seen: np.ndarray) -> Shown:
        return {"": seen.copy()} if self._space is None else dict(leaves(self._space, env.shown))

    def arrays(self) -> dict[str, np.ndarray]:
        """One row a step, episodes behind one another, and the last observation of each: `observations`, or of what has parts
        `observations.PART` each. What is shown as one of several is told by `observation_space`, as Minari writes it."""
        numbers = sorted(self._steps)
        rows = [(number, *step) for number in numbers for step in self._steps[number]]
        episode, observation, action, reward, terminated, truncated = zip(*rows, strict=True)
        told = {} if self._space is None else {SPACE: np.array(json.dumps(_as_minari(self._space)))}
        return {
            **_stacked("observations", observation),
            "actions": np.stack(action),
            "rewards": np.asarray(reward, np.float64),
            "terminated": np.asarray(terminated),
            "truncated": np.asarray(truncated),
            "episodes": np.asarray(episode, np.int64),
            **_stacked("final_observations", [self._last[number] for number in numbers]),
            **told,
        }

    def write(self, path: Path, environment: str) -> int:
        """Write all to an NPZ file, with the environment's name. Returns: how many steps"""
        found = self.arrays()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez_compressed(file, **found, environment=np.array(environment))  # type: ignore[arg-type]
        return len(found["rewards"])


def check_place(path: Path) -> None:
    """Raises: ConfigError for a place that no log can be written to, before anything is played"""
    if path.suffix.lower() != ".npz":
        raise ConfigError(f"--log writes NPZ files, and {path.name} is none; call it {path.stem}.npz")
    if path.exists():
        raise ConfigError(f"--log: {path} is there already; give another name, or remove it")


def _stacked(name: str, shown: Sequence[Shown]) -> dict[str, np.ndarray]:
    return {f"{name}.{path}" if path else name: np.stack([each[path] for each in shown]) for path in shown[0]}


def _as_minari(space: Space) -> dict[str, Any]:
    """A space in Minari's words, without the bounds of its numbers."""
    parts = [_as_minari(part) for part in space.parts]
    match space.kind:
        case "choice":
            return {"type": "Discrete", "dtype": space.dtype, "n": space.sizes[0], "start": space.first[0]}
        case "choices":
            sizes, first = (np.reshape(each, space.shape).tolist() for each in (space.sizes, space.first))
            return {"type": "MultiDiscrete", "dtype": space.dtype, "nvec": sizes, "start": first}
        case "bits":
            return {"type": "MultiBinary", "n": list(space.shape)}
        case "dict":
            return {"type": "Dict", "subspaces": dict(zip(space.names, parts, strict=True))}
        case "tuple":
            return {"type": "Tuple", "subspaces": parts}
    return {"type": "Box", "dtype": space.dtype, "shape": list(space.shape)}
