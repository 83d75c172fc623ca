"""Timing real steps and undoing them."""

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from sonde.core.batch import Batch
from sonde.core.progress import Tick, silent
from sonde.core.seams import extras_of
from sonde.engine import random_state
from sonde.engine.step import Stepper
from sonde.engine.training import load_weights, weights
from sonde.engine.tree import copied

HOPELESS = 3.0  # times the best count's step
TRIED = 6  # steps that timing a number of threads takes, where they are slow: two rounds of one and two more
PLANNING = "planning: timing steps"


@contextmanager
def untouched(stepper: Stepper) -> Iterator[None]:
    """Whatever the body does to weights, gradients, buffers, optimisers, averages, random streams and clock is undone."""
    task, device = stepper.task, stepper.settings.device
    extras = extras_of(task)
    held, state, own = copied((weights(task.modules), stepper.state_dict(), extras.state_dict()))
    loose = {name: value.detach().clone() for name, value in task.modules.named_buffers() if name not in held}
    spent = dict(stepper.clock.spent)
    gradients = [(parameter, parameter.grad) for parameter in task.modules.parameters()]
    modes = [(module, module.training) for module in task.modules.modules()]
    with random_state.apart(device):
        try:
            yield
        finally:
            load_weights(task.modules, held)
            with torch.no_grad():
                for name, value in task.modules.named_buffers():
                    if name in loose:
                        value.copy_(loose[name])
            stepper.load_state_dict(state)
            extras.load_state_dict(own)
            stepper.guard.forget()
            for parameter, gradient in gradients:
                parameter.grad = gradient  # a step makes new ones and leaves these alone
            for module, mode in modes:
                module.training = mode
            stepper.clock.spent.update(spent)


def step_seconds(stepper: Stepper, batch: Batch, *, steps: int, at_least_s: float = 0.0, warm_up: int = 1) -> float:
    """Median seconds of a step on `batch`: of `steps` steps, or more until `at_least_s` has passed. Undone afterwards.

    Where phases take turns, each kind of step is timed so and counts by how often it falls due.
    """
    kinds = turns(stepper)
    times: dict[int, list[float]] = {number: [] for number in kinds}
    with untouched(stepper):
        stepper.training_mode()
        for number in kinds:
            for _ in range(warm_up):
                stepper(batch, step=number, epoch=0)
        begun = time.perf_counter()
        rounds = 0
        while rounds < steps or time.perf_counter() - begun < at_least_s:
            for number in kinds:
                before = time.perf_counter()
                stepper(batch, step=number, epoch=0)
                if stepper.settings.device.type == "cuda":
                    torch.cuda.synchronize(stepper.settings.device)
                times[number].append(time.perf_counter() - before)
            rounds += 1
    total = sum(count * statistics.median(times[number]) for number, count in kinds.items())
    return total / sum(kinds.values())


def turns(stepper: Stepper) -> dict[int, float]:
    """Kinds of step by the phases that are due: number of a first step of each kind -> how many steps are of that kind.

    Counted over one cycle of the phases that take turns; where phases follow one another in stages, each stage's cycle counts
    by the steps of the stage.
    """
    stages, kinds = stepper.stages, dict[int, float]()
    for number in range(max(1, len(stages.stages))):
        first, last = stages.bounds(number, total=stepper.total)
        periods = [update.phase.every for update in stepper.updates if update.in_stage(stages, number)]
        cycle = math.lcm(*periods)
        weight = (last - first + 1) / cycle if stages.stages else 1
        seen: dict[tuple[bool, ...], int] = {}
        for step in range(first, min(first + cycle, last + 1)):
            due = tuple(step % period == 0 for period in periods)
            at = seen.setdefault(due, step)
            kinds[at] = kinds.get(at, 0) + weight
    return kinds


def first_steps(stepper: Stepper, batch: Batch) -> float:
    """Seconds of one step of each kind, the first of their lives: with whatever is prepared in them. Undone afterwards."""
    kinds = turns(stepper)
    with untouched(stepper):
        stepper.training_mode()
        begun = time.perf_counter()
        for number in kinds:
            stepper(batch, step=number, epoch=0)
        return time.perf_counter() - begun


def time_threads(
    stepper: Stepper,
    batch: Batch,
    candidates: Sequence[int],
    *,
    budget_s: float = 0.25,
    steps: int | None = None,
    tick: Tick = silent,
) -> dict[int, float]:
    """Seconds of a step for each number of threads, the better of two interleaved rounds; the count in use is put back.

    Two rounds, because on a shared machine a neighbour's burst of work is longer than a step. A count whose first step is
    several times slower than the best so far is not timed again: with a busy neighbour it may take seconds a step. Nor is
    one whose step takes the whole budget: that is longer than a burst, and training should begin. Steps are eager ones, also
    in a compiled run, where each number of threads would be compiled for.

    steps: of the run, where that is known: of one that is over before the counts were timed, only the first is, by one step
    """
    execution, stepper.execution = stepper.execution, stepper.execution.eager
    before = stepper.execution.threads
    timed: dict[int, float] = {}
    share = budget_s / (2 * len(candidates))
    try:
        for round in range(2):
            for place, count in enumerate(candidates):
                tick(PLANNING, round * len(candidates) + place, 2 * len(candidates))
                best = min(timed.values(), default=math.inf)
                enough = min(HOPELESS * best, budget_s)
                if timed.get(count, 0.0) > enough:
                    continue
                stepper.execution.threads = count
                once = step_seconds(stepper, batch, steps=1, warm_up=0)
                if not timed and budget_s < once < 4 * budget_s:  # the very first step also allocates
                    once = step_seconds(stepper, batch, steps=1, warm_up=0)
                if not timed and steps is not None and steps * once < max(budget_s, TRIED * len(candidates) * once):
                    return {count: once}
                if once <= enough:
                    once = step_seconds(stepper, batch, steps=2, at_least_s=share, warm_up=0)
                timed[count] = min(once, timed.get(count, math.inf))
    finally:
        stepper.execution.threads = before
        stepper.execution = execution
        tick(PLANNING, 1, 1)
    return timed


def thread_candidates(cores: int) -> list[int]:
    """1, 2, 4, … and all cores.

    >>> thread_candidates(6)
    [1, 2, 4, 6]
    """
    powers = [2**k for k in range(cores.bit_length()) if 2**k < cores]
    return [*powers, cores]


def fewest_within(timed: dict[int, float], *, slack: float = 1.03) -> int:
    """The smallest number of threads whose step takes at most `slack` times the fastest's.

    >>> fewest_within({1: 1.02, 2: 1.0}), fewest_within({1: 1.5, 2: 1.0})
    (1, 2)
    """
    fastest = min(timed.values())
    return min(count for count, value in timed.items() if value <= fastest * slack)
