"""Steps of environments a second: in this process, in worker processes, and gymnasium's own vectors of them.

python -m benchmarks.stepping: 8 environments side by side, of three kinds: CartPole-v1, which takes a few microseconds a step;
one that waits a millisecond, as where a simulator is another program; and one that computes for about a millisecond. Ways take
turns; what is told is the median of rounds. Actions are drawn before, and no policy decides. Where another process keeps the
machine busy, the file says so.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from benchmarks.timing import write
from sonde.acting.environments.gym import GymEnvironment
from sonde.acting.environments.in_process import InProcess
from sonde.acting.environments.making import Making, as_shown
from sonde.acting.environments.own import OwnEnvironment
from sonde.acting.environments.workers import InWorkers
from sonde.acting.seeds import training_seed
from sonde.modalities.environment.spaces import observations

COUNT = 8
WAIT_S = 1e-3
PRODUCTS, SIDE = 12, 96  # of matrices, which take about a millisecond of one core


class Waiting(gymnasium.Env[np.ndarray, Any]):
    """Waits at each step."""

    observation_space = spaces.Box(-1, 1, (16,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self._steps = 0
        return np.zeros(16, np.float32), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.work()
        self._steps += 1
        return np.zeros(16, np.float32), 1.0, self._steps == 200, False, {}

    def work(self) -> None:
        """What a step takes."""
        time.sleep(WAIT_S)


class Computing(Waiting):
    """Multiplies matrices at each step, in Python's own process."""

    MATRIX = np.random.default_rng(0).random((SIDE, SIDE))

    def work(self) -> None:
        """What a step takes."""
        for _ in range(PRODUCTS):
            self.product = self.MATRIX @ self.MATRIX


KINDS: dict[str, Callable[[], Any]] = {
    "CartPole-v1": GymEnvironment(name="CartPole-v1"),
    "waits 1 ms": OwnEnvironment(make=Waiting, name="Waiting"),
    "computes": OwnEnvironment(make=Computing, name="Computing"),
}


@contextmanager
def _sonde(make: Callable[[], Any], workers: int) -> Iterator[Callable[[np.ndarray], Any]]:
    seen = observations(make().observation_space, "one")
    made = Making(make=make, encode=seen.encode, shape=seen.spec.shape, name="one", timeout=60.0)
    seed_of = partial(training_seed, 0)
    environments: Any = (
        InWorkers(made, COUNT, workers, seed_of=seed_of)
        if workers
        else InProcess(made, COUNT, encode=as_shown, seed_of=seed_of)
    )
    environments.reset()
    yield environments.step
    environments.close()


@contextmanager
def _gymnasium(make: Callable[[], Any], kind: str) -> Iterator[Callable[[np.ndarray], Any]]:
    vector = getattr(gymnasium.vector, kind)([make] * COUNT)
    vector.reset(seed=0)
    yield vector.step
    vector.close()


def ways(cores: int) -> dict[str, Callable[[Callable[[], Any]], Any]]:
    """Name -> what opens environments of a kind, and yields what steps them."""
    return {
        "Sonde, in this process": lambda make: _sonde(make, 0),
        f"Sonde, {cores} worker processes": lambda make: _sonde(make, cores),
        f"Sonde, {COUNT} worker processes": lambda make: _sonde(make, COUNT),
        "gymnasium SyncVectorEnv": lambda make: _gymnasium(make, "SyncVectorEnv"),
        "gymnasium AsyncVectorEnv": lambda make: _gymnasium(make, "AsyncVectorEnv"),
    }


def rate(step: Callable[[np.ndarray], Any], seconds: float) -> float:
    """Steps of environments a second."""
    actions = np.random.default_rng(0).integers(0, 2, (1000, COUNT))
    for each in actions[:20]:
        step(each)
    done, begun = 0, time.perf_counter()
    while (took := time.perf_counter() - begun) < seconds:
        step(actions[done % 1000])
        done += 1
    return COUNT * done / took


def main() -> None:
    """Measure, and write benchmarks/results/stepping.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    given = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    found: dict[str, dict[str, list[float]]] = {kind: {} for kind in KINDS}
    for _ in range(given.rounds):
        for kind, make in KINDS.items():
            for way, opened in ways(cores).items():
                with opened(make) as step:
                    found[kind].setdefault(way, []).append(rate(step, given.seconds))
    table = {
        kind: {way: {"steps_per_s": round(statistics.median(rates), 1), "rounds": rates} for way, rates in each.items()}
        for kind, each in found.items()
    }
    for kind, each in table.items():
        for way, row in each.items():
            print(f"{kind:14} {way:32} {row['steps_per_s']:>12,.0f} steps/s")
    write("stepping", {"environments": COUNT, "cores": cores, "kinds": table})


if __name__ == "__main__":
    main()
