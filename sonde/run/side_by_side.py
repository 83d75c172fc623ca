"""How much is made side by side under a time limit: fewer games than the recipe's where these would hardly come to an update."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sonde.acting.config import EnvironmentConfig
from sonde.core.bounds import flag
from sonde.core.catalogue import load
from sonde.core.config import TrainConfig
from sonde.core.config_file import read_config
from sonde.core.pace import Pace, Several
from sonde.core.run_folder import RunFolder
from sonde.core.units import counted
from sonde.engine.deadline import EVALUATION_SHARE
from sonde.engine.execution.settings import making_in
from sonde.run.build import Assembly
from sonde.run.resolve import Resolved
from sonde.tasks.table import spec

NAME = "environments"
SOONEST = "which come to their first update soonest"
MEASURED = "measured"  # origin of a setting, in config.yaml
FEWEST = 8  # side by side: of fewer the network computes leaf by leaf
WORTH = 1.25  # times as many updates as by the recipe's number, from which on another is taken
TRIED = 0.05  # of the time that is left, for measuring
LONG_S = 0.25  # each number so long at most: beside busy neighbours a moment tells nothing


def in_time(built: Assembly, resolved: Resolved) -> tuple[Assembly, Resolved]:
    """Both with fewer side by side, where that brings more updates into a time limit and nobody said how many."""
    limit_s, chosen = built.config.loop.limit_s, resolved.origin.get(NAME, "default") in ("default", "recipe")
    source = built.train
    if limit_s is None or not chosen or built.dataset is None or not isinstance(source, Several):
        return built, resolved
    left_s = limit_s - built.clock.elapsed()
    most = built.config.data.of(EnvironmentConfig).environments
    with built.clock.part("plan"), making_in(source, built.step_settings()):
        paces = measured(source.pace_of, most, left_s)
    training_s = (1 - EVALUATION_SHARE) * left_s
    count = best_of(paces, training_s)
    if count == most:
        return replace(built, pace=paces.get(most)), resolved
    why = f"{count} games side by side ({flag(NAME)}), "
    if updates := paces[count].within(training_s, 0.0):
        why += f"of which about {counted(updates, 'update', 'updates')} can be made in the time"
        why += f", and of {most} {paces[most].within(training_s, 0.0):,}" if most in paces else ""
    else:
        why += SOONEST
    config = with_number(built.config, count)
    made: Any = load(spec(config.task).experience)(built.dataset.splits, built.task, config, built.device)
    told = replace(built.decision, why=f"{count} environments side by side")
    notes = (*built.notes, why)
    built = replace(built, config=config, train=made, decision=told, notes=notes, pace=paces[count])
    origin, reasons = {**resolved.origin, NAME: MEASURED}, {**resolved.reasons, NAME: why}
    return built, replace(resolved, config=config, origin=origin, reasons=reasons)


def measured(pace_of: Callable[[int, float], Pace], most: int, left_s: float) -> dict[int, Pace]:
    """Number side by side, `most`, half of it and so on, -> its pace; from the lowest on, as far as a part of the time goes."""
    counts = [most]
    while counts[-1] // 2 >= FEWEST:
        counts.append(counts[-1] // 2)
    found, begun = {}, time.perf_counter()
    for count in reversed(counts):
        before = time.perf_counter()
        found[count] = pace_of(count, min(LONG_S, TRIED * left_s / 8))
        now = time.perf_counter()
        if (now - begun) + 2 * (now - before) > TRIED * left_s:
            break
    return found


def best_of(paces: Mapping[int, Pace], seconds: float) -> int:
    """The largest number by which nearly as many updates can be made in the time as by any; where none can, that of the first.

    >>> paces = {games: Pace(burst_s=8 / games, first_s=float(games)) for games in (8, 16, 32, 64)}
    >>> best_of(paces, 60.0), best_of(paces, 1e6), best_of(paces, 5.0)
    (32, 64, 8)
    """
    updates = {count: pace.within(seconds, 0.0) for count, pace in paces.items()}
    best = max(updates.values())
    if not best:
        return min(paces, key=lambda count: paces[count].first_s)
    return max(count for count, each in updates.items() if WORTH * each >= best)


def as_measured(folder: RunFolder, resolved: Resolved) -> Resolved:
    """With the number that a run began with, where it was measured then and nobody says how many now."""
    saved = read_config(folder.config)
    if saved.origin.get(NAME) != MEASURED or resolved.origin.get(NAME) in ("typed", "file"):
        return resolved
    config = with_number(resolved.config, int(saved.settings[NAME]))
    return replace(resolved, config=config, origin={**resolved.origin, NAME: MEASURED})


def with_number(config: TrainConfig, count: int) -> TrainConfig:
    """The config with so many side by side."""
    settings = replace(config.data.of(EnvironmentConfig), environments=count)
    return replace(config, data=config.data.having(settings))
