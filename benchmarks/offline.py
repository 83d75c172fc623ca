"""Learning from a log alone: cloning of a logged expert, and conservative Q-learning beside cloning where the log is of a
beginner, or policies are mixed.

python -m benchmarks.offline [--seeds 3]: CartPole-v1, one process. A PPO policy is trained with the defaults (the expert) and
another stopped early (the beginner). Their episodes, and those of a policy that knows nothing, are logged by what
`sonde eval --log` calls. Returns are means over 100 episodes from stated seeds that nobody chose by.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import sonde
from benchmarks.timing import write
from sonde.run.played import Play

NAME = "gym:CartPole-v1"
EXPERT = {"steps": 2_000, "evaluate_every": "400 steps"}
BEGINNER = {"steps": 64, "evaluate_every": "64 steps"}  # updates: of the first four rollouts
NOBODY = {"steps": 1, "evaluate_every": "1 steps"}
EPISODES = {"expert": 10, "beginner": 40, "nobody": 100}  # of the mixed log; the expert's log has its 10 alone


def logged(folder: Path, name: str, settings: dict[str, Any], seed: int) -> tuple[dict[str, np.ndarray], float]:
    """(arrays of its episodes, their mean return) of a policy that is trained so."""
    run = sonde.train(NAME, out=folder / name, seed=seed, quiet=True, test_episodes=20, **settings)
    file = folder / f"{name}.npz"
    play = Play(episodes=EPISODES[name], sampled=name != "expert", log=file)
    scores = run.evaluation(NAME, play=play).scores
    with np.load(file) as found:
        return {key: found[key] for key in found.files}, scores["return"]


def mixed(logs: dict[str, dict[str, np.ndarray]], file: Path) -> None:
    """Write the episodes of several logs, one log behind the other, to one file."""
    last, parts = 0, []
    for log in logs.values():
        parts.append({**log, "episodes": log["episodes"] + last})
        last = int(parts[-1]["episodes"].max()) + 1
    names = [name for name in parts[0] if name != "environment"]
    together = {name: np.concatenate([part[name] for part in parts]) for name in names}
    np.savez(file, **together, environment=np.array(NAME))  # type: ignore[arg-type]


def learned(folder: Path, file: Path, task: str, seeds: int) -> list[float]:
    """Mean returns over 100 episodes, by seed."""
    found = []
    for seed in range(seeds):
        run = sonde.train(file, task=task, seed=seed, quiet=True, out=folder / f"{file.stem}-{task}-{seed}")
        found.append(run.metrics["return"])
    return found


def main() -> None:
    """Train, log, learn from the logs, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        logs, returns = {}, {}
        for name, settings in (("expert", EXPERT), ("beginner", BEGINNER), ("nobody", NOBODY)):
            logs[name], returns[name] = logged(folder, name, settings, seed=0)
        mixed(logs, folder / "mixed.npz")
        result = {
            "environment": NAME,
            "logged": {name: {"steps": len(log["rewards"]), "return": returns[name]} for name, log in logs.items()},
            "seeds": seeds,
            "expert": {"cloning": learned(folder, folder / "expert.npz", "cloning", seeds)},
            "beginner": {task: learned(folder, folder / "beginner.npz", task, seeds) for task in ("cloning", "cql")},
            "mixed": {task: learned(folder, folder / "mixed.npz", task, seeds) for task in ("cloning", "cql")},
        }
    for log in ("expert", "beginner", "mixed"):
        for task, found in result[log].items():
            print(f"{log:8} {task:8} {np.mean(found):6.1f} ± {np.std(found, ddof=min(1, seeds - 1)):.1f}  {found}")
    write("offline", result)


if __name__ == "__main__":
    main()
