"""Deciding how a run is carried out: threads, rate, number of steps. Everything is measured on steps that are undone."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from sonde.core.batch import Batch
from sonde.core.config import MachineConfig, seconds
from sonde.core.errors import ConfigError, NonFinite
from sonde.core.files import read_json, write_json
from sonde.core.memory import give_back
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Glances
from sonde.core.units import duration
from sonde.engine.evaluate import evaluate, judging
from sonde.engine.loop import batches_of
from sonde.engine.plan import ExecutionPlan, choose_threads, precision_ratio, steps_within
from sonde.engine.range_test import range_test
from sonde.engine.step import Stepper, autocast
from sonde.engine.timing import step_seconds
from sonde.run.build import Assembly

LOOP_S = 30e-6  # seconds of the loop around a step: records, log, decisions
PIECES = 4  # precisions are compared on a part of a batch: fp32's maps of a whole one would be the run's peak of memory


@dataclass(kw_only=True)
class Saved:
    """What a resumed run goes on from.

    finished: it had come to its end;  new_limit: another time limit is given than its steps were chosen for
    """

    weights: Mapping[str, Any]
    state: Mapping[str, Any]
    plan: ExecutionPlan
    finished: bool = False
    new_limit: bool = False

    @property
    def step(self) -> int:
        """Updates done."""
        return int(self.state["progress"]["step"])

    @property
    def elapsed(self) -> float:
        """Seconds taken."""
        return float(self.state["clock"]["elapsed"])


def make_plan(
    assembly: Assembly, folder: RunFolder, *, compiled: bool, saved: Saved | None, say: Callable[[str], None]
) -> tuple[ExecutionPlan, Stepper]:
    """Decide how the run is carried out; a resumed run keeps what was decided, unless it is asked to go further.

    The stepper has fresh optimisers and the schedule of the decided number of steps.
    """
    config, machine = assembly.config, assembly.config.machine
    stepper = assembly.stepper(lr=1e-3 if config.optim.lr == "auto" else float(config.optim.lr), total=1_000_000)
    source, position = assembly.train, assembly.train.state_dict()
    batch = next(batches_of(source))
    source.load_state_dict(position)
    kept = None if saved is None else int(saved.state["threads"])
    threads, timed, threads_why = _threads(stepper, batch, machine, kept, compiled=compiled)
    torch.set_num_threads(threads)
    ratio = None
    if machine.precision != "fp32" and saved is None:
        ratio = _ratio(assembly, stepper, batch.split(PIECES)[0])
    lr = _rate(assembly, folder, stepper, saved, say)
    milliseconds = timed.get(str(threads))
    timed_s = None if milliseconds is None else milliseconds / 1e3
    total, total_why, final_s = _total(assembly, stepper, batch, saved, timed_s)
    lines = _plan_lines(assembly, threads_why, ratio, total_why, compiled=compiled)
    give_back()  # what trying left: other numbers of threads, another precision
    plan = ExecutionPlan(
        device=str(assembly.device),
        precision=machine.precision,
        threads=threads,
        threads_timed=timed if saved is None else saved.plan.threads_timed,
        precision_ratio=ratio if saved is None else saved.plan.precision_ratio,
        steps=total,
        steps_why=total_why,
        final_s=round(final_s, 4),
        feed=assembly.decision.kind,
        feed_why=assembly.decision.why,
        compile=compiled,
        channels_last=assembly.channels_last,
        batches_per_epoch=source.batches,
        lines=tuple(lines),
    )
    return plan, assembly.stepper(lr=lr, total=total)


def _threads(
    stepper: Stepper, batch: Batch, machine: MachineConfig, kept: int | None, *, compiled: bool
) -> tuple[int, dict[str, float], str]:
    try:
        if compiled and machine.threads is None and kept is None:
            step_seconds(stepper, batch, steps=1)  # compiling is no part of what is timed
        return choose_threads(stepper, batch, machine, kept=kept)
    except NonFinite as trouble:  # if it is no fluke of trying, the first step will say so with its rows
        threads = torch.get_num_threads()
        return threads, {}, f"{threads} threads (not timed: {trouble})"


def refuse_idle(assembly: Assembly, saved: Saved, folder: RunFolder) -> None:
    """Raises: ConfigError when a run that is to go on has no way to go, saying what to give."""
    loop = assembly.config.loop
    if loop.time_limit is not None:
        if (saved.finished or saved.new_limit) and saved.elapsed >= seconds(loop.time_limit):
            used = duration(saved.elapsed)
            raise ConfigError(
                f"--time-limit {loop.time_limit}: {folder.path} has taken {used} already; give more in all"
            )
    else:
        total, why = _length(assembly)
        if total < saved.step or (saved.finished and total == saved.step):
            raise ConfigError(
                f"{folder.path} has trained {saved.step:,} steps already, and {why} are asked for; give a larger number "
                "in all, or start over with --fresh"
            )
    spent = int(saved.state["progress"]["since_best"])
    if saved.finished and loop.patience and spent >= loop.patience:
        raise ConfigError(
            f"{folder.path} stopped early, {spent} evaluations after its best; give a larger --patience, or --patience 0"
        )


def _ratio(assembly: Assembly, stepper: Stepper, batch: Batch) -> float | None:
    full = assembly.stepper(lr=1e-3, total=1_000_000)
    full.settings = replace(full.settings, precision="fp32")
    full.scaler = None
    try:
        return precision_ratio(stepper, full, batch)
    except NonFinite:
        return None


def _rate(
    assembly: Assembly, folder: RunFolder, stepper: Stepper, saved: Saved | None, say: Callable[[str], None]
) -> float:
    optim = assembly.config.optim
    if optim.lr != "auto":
        return float(optim.lr)
    if folder.lr_range.exists() and saved is not None:
        return float(read_json(folder.lr_range)["chosen"])
    source, position = assembly.train, assembly.train.state_dict()
    found = range_test(stepper, batches_of(source))
    source.load_state_dict(position)
    write_json(folder.lr_range, {"lr": found.lr, "loss": found.loss, "chosen": found.chosen})
    say(f"--lr auto found {found.chosen:.3g} (range test of {len(found.lr)} steps)")
    return found.chosen


def _total(
    assembly: Assembly, stepper: Stepper, batch: Batch, saved: Saved | None, timed_s: float | None
) -> tuple[int, str, float]:
    """(steps, why, seconds kept back for the final judgement)."""
    loop = assembly.config.loop
    if loop.time_limit is None:
        return *_length(assembly), 0.0
    limit_s = seconds(loop.time_limit)
    if saved is None:
        return _steps_for_time(assembly, stepper, batch, limit_s, timed_s=timed_s, done=0)
    if saved.new_limit:
        return _steps_for_time(assembly, stepper, batch, limit_s - saved.elapsed, timed_s=None, done=saved.step)
    return saved.plan.steps, saved.plan.steps_why, saved.plan.final_s


def _length(assembly: Assembly) -> tuple[int, str]:
    """(steps, why) of a run without a time limit."""
    loop, batches = assembly.config.loop, assembly.train.batches
    if loop.steps is not None:
        return loop.steps, _counted(loop.steps, "step")
    epochs = 10.0 if loop.epochs is None else loop.epochs
    if batches is None:
        return max(1, round(epochs)), f"{_counted(epochs, 'round')} of a source of unknown length"
    return max(1, round(epochs * batches)), f"{_counted(epochs, 'epoch')} of {_counted(batches, 'step')}"


def _counted(number: float, what: str) -> str:
    """ "1 epoch", "2,000 steps", "0.5 epochs"."""
    return f"{number:,g} {what}{'' if number == 1 else 's'}" if number < 1e5 else f"{number:,.0f} {what}s"


def _steps_for_time(
    assembly: Assembly, stepper: Stepper, batch: Batch, limit_s: float, *, timed_s: float | None, done: int
) -> tuple[int, str, float]:
    """(steps, why, seconds that the final judgement will take)."""
    loop, batches = assembly.config.loop, assembly.train.batches or 1
    step_s = _step_seconds(stepper, batch, limit_s, timed_s) + _input_seconds(assembly) + LOOP_S
    judging_s = _judging_seconds(assembly, stepper, step_s / len(batch) / 3, at_most_s=0.02 * limit_s)
    brief_s = _brief_seconds(assembly, stepper)
    total = done + steps_within(
        limit_s=limit_s - assembly.clock.elapsed(),
        step_s=step_s,
        batches_per_epoch=batches,
        evaluation_s=judging_s.get("validation", 0.0) if brief_s is None else brief_s,
        evaluate_every=loop.evaluate_every,
        final_s=sum(judging_s.values()),
    )
    why = f"{total:,} steps ({total / batches:.3g} epochs) at {step_s * 1e3:.3g} ms fit into {loop.time_limit}"
    return total, why, sum(judging_s.values())


def _step_seconds(stepper: Stepper, batch: Batch, limit_s: float, timed_s: float | None) -> float:
    """Seconds of a step: the median of many, unless a few would use up more than 3 % of the time they are to plan.

    timed_s: what the choice of threads found, where it was made
    """
    once = timed_s if timed_s is not None else step_seconds(stepper, batch, steps=1)
    if 8 * once > 0.03 * limit_s:
        return once
    return step_seconds(stepper, batch, steps=5, at_least_s=min(10.0, 0.015 * limit_s), warm_up=2)


def _input_seconds(assembly: Assembly) -> float:
    """Seconds that a batch takes to come, in the middle of many."""
    source, position = assembly.train, assembly.train.state_dict()
    taken, coming = [], batches_of(source)
    for _ in range(8):
        begun = time.perf_counter()
        next(coming)
        taken.append(time.perf_counter() - begun)
    source.load_state_dict(position)
    return statistics.median(taken)


def _judging_seconds(assembly: Assembly, stepper: Stepper, row_s: float, *, at_most_s: float) -> dict[str, float]:
    """Seconds to judge each split: measured where that is cheap, else by its rows; a forward pass is a third of a step."""
    splits = {} if assembly.dataset is None else assembly.dataset.splits
    found: dict[str, float] = {}
    for name, source in assembly.evaluation_sources.items():
        if isinstance(assembly.task, Glances):  # what a search takes is not told from a step
            found[name] = _batch_seconds(assembly, stepper, name, brief=False)
            continue
        found[name] = row_s * len(splits[name]) if name in splits else 0.0
        if found[name] < at_most_s:
            begun = time.perf_counter()
            evaluate(assembly.task, source, stepper.settings).compute()
            found[name] = time.perf_counter() - begun
    return found


def _brief_seconds(assembly: Assembly, stepper: Stepper) -> float | None:
    """Seconds of a validation while training goes on, where that is less than a whole one; None where it is not."""
    if not isinstance(assembly.task, Glances) or "validation" not in assembly.evaluation_sources:
        return None
    return _batch_seconds(assembly, stepper, "validation", brief=True)


def _batch_seconds(assembly: Assembly, stepper: Stepper, split: str, *, brief: bool) -> float:
    """Seconds to judge a split, by a batch in the middle of it: those of sequences stand in the order of their length."""
    source, task = assembly.evaluation_sources[split], assembly.task
    number = source.batches or 1
    batch = [batch for place, batch in enumerate(source) if place == number // 2][0]  # read to its end, else it goes on
    look = task.glance if brief and isinstance(task, Glances) else task.evaluate
    begun = time.perf_counter()
    with judging(task.modules), autocast(stepper.settings):
        look(batch)
    return number * (time.perf_counter() - begun)


def _plan_lines(
    assembly: Assembly, threads_why: str, ratio: float | None, total_why: str, *, compiled: bool
) -> list[str]:
    machine = assembly.config.machine
    where = threads_why if assembly.device.type == "cpu" else f"{assembly.device}, {threads_why}"
    precision = machine.precision
    if ratio is not None:
        precision += f" ({ratio:.2f} times as fast as fp32 here)"
    mode = "compiled" if compiled else "eager"
    lines = [f"{where}, {precision}, {assembly.decision.why}, {mode}", total_why]
    if batches := assembly.config.data.overfit_batches:
        same = "the same batch" if batches == 1 else f"the same {batches} batches"
        lines.append(f"{same} in every epoch, and judged on just these rows (--overfit-batches)")
    return [*lines, *assembly.transferred]
