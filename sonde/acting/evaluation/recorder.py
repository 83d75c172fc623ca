"""Episodes as they are played, for a file of transitions that others learn from."""

from pathlib import Path

import numpy as np

from sonde.core.errors import ConfigError


class Recorder:
    """What was observed, done and earned in each step of episodes, by their number."""

    def __init__(self) -> None:
        self._steps: dict[int, list[tuple[np.ndarray, np.ndarray, float, bool, bool]]] = {}
        self._final: dict[int, np.ndarray] = {}

    def took(  # noqa: PLR0913 - one step, in the order in which it happens
        self,
        episode: int,
        observation: np.ndarray,
        action: np.ndarray,
        reward: float,
        *,
        terminated: bool,
        truncated: bool,
        following: np.ndarray,
    ) -> None:
        """Take a step. action: as the environment takes it;  following: what it shows after"""
        step = observation.copy(), np.array(action), float(reward), bool(terminated), bool(truncated and not terminated)
        self._steps.setdefault(episode, []).append(step)
        self._final[episode] = following.copy()

    def arrays(self) -> dict[str, np.ndarray]:
        """One row a step, episodes behind one another, and the last observation of each."""
        rows = [(number, *step) for number in sorted(self._steps) for step in self._steps[number]]
        episode, observation, action, reward, terminated, truncated = zip(*rows, strict=True)
        return {
            "observations": np.stack(observation),
            "actions": np.stack(action),
            "rewards": np.asarray(reward, np.float64),
            "terminated": np.asarray(terminated),
            "truncated": np.asarray(truncated),
            "episodes": np.asarray(episode, np.int64),
            "final_observations": np.stack([self._final[number] for number in sorted(self._final)]),
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
