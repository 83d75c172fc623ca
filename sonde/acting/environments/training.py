"""The environments that a run trains in: in this process, or in others where that is faster."""

import os
from collections.abc import Callable, Mapping
from functools import partial

from sonde.acting.config import EnvironmentConfig
from sonde.acting.environments.clipped import Clipped
from sonde.acting.environments.in_process import InProcess
from sonde.acting.environments.making import Making
from sonde.acting.seeds import SeedRows, training_seed
from sonde.core.acting import Environments
from sonde.core.bounds import flag
from sonde.core.config import TrainConfig
from sonde.core.dataset import Rows
from sonde.core.errors import ConfigError

SLOW = 4e-3  # seconds for a step of all environments in this process, from which on others are used: a round trip to these takes
# 0.1 to 0.3 ms, and starting them a second (benchmarks.stepping)


def trained_in(splits: Mapping[str, Rows], config: TrainConfig) -> Environments:
    """The environments that a run trains in, side by side. Raises: ConfigError, DataError"""
    rows, count = splits["train"], config.data.of(EnvironmentConfig).environments
    assert isinstance(rows, SeedRows)
    seed_of = partial(training_seed, config.machine.seed)
    found = _together(rows, config, count, seed_of)
    return Clipped(found) if rows.clipped else found


def _together(rows: SeedRows, config: TrainConfig, count: int, seed_of: Callable[[int, int], int]) -> Environments:
    typed = config.feed.workers
    if rows.together is not None:
        if typed:
            raise ConfigError(
                f"{flag('workers')} {typed} has no effect: these environments have threads of their own; leave it out"
            )
        return rows.together(count, seed_of)
    workers, said = processes(typed, count, step=rows.step, cores=_cores())
    if not workers:
        return InProcess(rows.make, count, encode=rows.encode, seed_of=seed_of)
    from sonde.acting.environments.workers import InWorkers  # subprocesses

    if not isinstance(rows.make, Making):
        raise ConfigError(
            f"{flag('workers')} {workers} has no effect: these environments step in this process; leave it out"
        )
    return InWorkers(rows.make, count, workers, seed_of=seed_of, said=said)


def frames_of(splits: Mapping[str, Rows]) -> int:
    """Pictures that observations are made of, where they are some."""
    rows = splits["train"]
    assert isinstance(rows, SeedRows)
    return rows.frames


def processes(typed: int | None, count: int, *, step: tuple[float, float], cores: int) -> tuple[int, str]:
    """(worker processes, what is to be said of them): those that were typed, else as many as are faster.

    That is one for each core, and more where environments wait more than they compute.

    step: seconds that a step of one environment takes, and the share of them that a processor works

    >>> processes(None, 8, step=(0.002, 1.0), cores=4)
    (4, '8 environments in 4 worker processes: a step takes 2.0 ms')
    >>> processes(None, 8, step=(0.0001, 1.0), cores=4), processes(None, 8, step=(0.002, 0.1), cores=4)[0]
    ((0, ''), 8)
    """
    if typed is not None:
        workers = min(typed, count)
        return (
            workers,
            f"{_environments(count)} in {_processes(workers)} ({flag('workers')} {typed})" if workers else "",
        )
    seconds, busy = step
    workers = min(count, int(cores / max(busy, 1 / count)))
    if workers < 2 or count * seconds < SLOW:
        return 0, ""
    return workers, f"{_environments(count)} in {_processes(workers)}: a step takes {seconds * 1e3:.1f} ms"


def _environments(count: int) -> str:
    return "1 environment" if count == 1 else f"{count} environments"


def _processes(count: int) -> str:
    return "1 worker process" if count == 1 else f"{count} worker processes"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
