"""Deciding how a run is carried out: threads, rate, number of steps. Everything is measured on steps that are undone."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from sonde.core.batch import Batch
from sonde.core.config import MachineConfig, Precision, seconds
from sonde.core.config_file import read_config
from sonde.core.errors import ConfigError, NonFinite, RunFolderError
from sonde.core.files import read_json, write_json
from sonde.core.memory import give_back
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Glances
from sonde.core.units import duration
from sonde.engine.evaluate import evaluate, judging
from sonde.engine.loop import batches_of
from sonde.engine.plan import ExecutionPlan, choose_threads, steps_within
from sonde.engine.precision import Decided, first_look, inability, second_look
from sonde.engine.range_test import range_test
from sonde.engine.step import Stepper, autocast
from sonde.engine.trial import step_seconds
from sonde.recipes.build import Assembly

LOOP_S = 30e-6  # seconds of the loop around a step: records, log, decisions
PIECES = 4  # of a batch, one of which precisions are compared on


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
    source, position = assembly.train, assembly.train.state_dict()
    batch = next(batches_of(source))
    source.load_state_dict(position)
    computing = _computing(assembly, folder, batch, saved, compiled=compiled)
    decided, threads = computing.decided, computing.threads
    lr = _rate(assembly, folder, computing.stepper, saved, say)
    milliseconds = computing.timed.get(str(threads))
    timed_s = None if milliseconds is None else milliseconds / 1e3
    total, total_why, final_s = _total(assembly, computing.stepper, batch, saved, timed_s)
    lines = _plan_lines(assembly, computing, total_why, compiled=compiled)
    give_back()  # what trying left: other numbers of threads, another precision
    plan = ExecutionPlan(
        device=str(assembly.device),
        precision=decided.precision,
        threads=threads,
        threads_timed=computing.timed if saved is None else saved.plan.threads_timed,
        precision_ratio=decided.ratio if saved is None else saved.plan.precision_ratio,
        precision_why=decided.why if saved is None else saved.plan.precision_why,
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
    return plan, assembly.stepper(lr=lr, total=total, precision=decided.precision)


@dataclass(frozen=True, kw_only=True)
class _Computing:
    """How steps are computed: by which stepper, in which precision, with how many threads, and why.

    timed: milliseconds a step by number of threads, where they were timed
    """

    stepper: Stepper
    decided: Decided
    threads: int
    timed: Mapping[str, float]
    threads_why: str


def _computing(
    assembly: Assembly, folder: RunFolder, batch: Batch, saved: Saved | None, *, compiled: bool
) -> _Computing:
    """Decide on the precision and the threads, and set the threads.

    Raises: ConfigError, RunFolderError for a precision that stands and that this machine cannot compute in
    """
    machine = assembly.config.machine
    asked = machine.precision if saved is None else saved.plan.precision
    low = _stepper(assembly, asked)
    full = low if asked == "fp32" else _stepper(assembly, "fp32")
    typed, part = "precision" in read_config(folder.config).asked(), _part(assembly, batch)
    kept = None if saved is None else int(saved.state["threads"])
    decided = Decided(precision=asked)
    if asked != "fp32":
        # before threads are timed, and with one of them, since a step with several may take seconds beside a busy neighbour
        with _using(machine.threads or kept or (1 if assembly.device.type == "cpu" else torch.get_num_threads())):
            decided = first_look(low, full, part, typed=typed) if saved is None else _kept(low, full, part, folder)
    elif asked != machine.precision:
        decided = Decided(precision=asked, why="kept from before")
    stepper = full if decided.precision == "fp32" else low
    threads, timed, why = _threads(stepper, batch, machine, kept, compiled=compiled)
    if not decided.sure:
        decided = second_look(low, full, part, typed=typed)
        if decided.precision == "fp32":
            stepper = full
            threads, timed, why = _threads(stepper, batch, machine, kept, compiled=compiled)
    return _Computing(stepper=stepper, decided=decided, threads=threads, timed=timed, threads_why=why)


@contextmanager
def _using(threads: int) -> Iterator[None]:
    """A number of threads for the body's duration."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _stepper(assembly: Assembly, precision: Precision) -> Stepper:
    """One to try steps with."""
    lr = assembly.config.optim.lr
    return assembly.stepper(lr=1e-3 if lr == "auto" else float(lr), total=1_000_000, precision=precision)


def _part(assembly: Assembly, batch: Batch) -> Batch:
    """What precisions are compared on: a quarter of a batch, since fp32's maps of a whole one would be the run's peak of memory.

    Two rows at least in each piece that a step is computed in: a batch norm has nothing to say of one.
    """
    pieces = len(batch) // (2 * assembly.config.feed.accumulate)
    return batch.split(max(1, min(PIECES, pieces)))[0]


def _kept(low: Stepper, full: Stepper, batch: Batch, folder: RunFolder) -> Decided:
    """The precision of a run that goes on. Raises: RunFolderError where this machine cannot compute in it."""
    precision = low.settings.precision
    if trouble := inability(low, full, batch):
        raise RunFolderError(
            f"{folder.path} is computed in {precision}, and this machine cannot compute a step in it ({trouble}); go on with it "
            "where it was begun, or train anew with --precision fp32 in another --out"
        )
    return Decided(precision=precision)


def _threads(
    stepper: Stepper, batch: Batch, machine: MachineConfig, kept: int | None, *, compiled: bool
) -> tuple[int, dict[str, float], str]:
    try:
        if compiled and machine.threads is None and kept is None:
            step_seconds(stepper, batch, steps=1)  # compiling is no part of what is timed
        chosen = choose_threads(stepper, batch, machine, kept=kept)
    except NonFinite as trouble:  # if it is no fluke of trying, the first step will say so with its rows
        threads = torch.get_num_threads()
        chosen = threads, {}, f"{threads} threads (not timed: {trouble})"
    torch.set_num_threads(chosen[0])
    return chosen


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
    for name, source in assembly.judged.items():
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
    if not isinstance(assembly.task, Glances) or "validation" not in assembly.judged:
        return None
    return _batch_seconds(assembly, stepper, "validation", brief=True)


def _batch_seconds(assembly: Assembly, stepper: Stepper, split: str, *, brief: bool) -> float:
    """Seconds to judge a split, by a batch in the middle of it: those of sequences stand in the order of their length."""
    source, task = assembly.judged[split], assembly.task
    number = source.batches or 1
    batch = [batch for place, batch in enumerate(source) if place == number // 2][0]  # read to its end, else it goes on
    look = task.glance if brief and isinstance(task, Glances) else task.evaluate
    begun = time.perf_counter()
    with judging(task.modules), autocast(stepper.settings):
        look(batch)
    return number * (time.perf_counter() - begun)


def _plan_lines(assembly: Assembly, computing: _Computing, total_why: str, *, compiled: bool) -> list[str]:
    why, decided = computing.threads_why, computing.decided
    where = why if assembly.device.type == "cpu" else f"{assembly.device}, {why}"
    precision = f"{decided.precision} ({decided.why})" if decided.why else decided.precision
    mode = "compiled" if compiled else "eager"
    lines = [f"{where}, {precision}, {assembly.decision.why}, {mode}", total_why]
    if batches := assembly.config.data.overfit_batches:
        same = "the same batch" if batches == 1 else f"the same {batches} batches"
        lines.append(f"{same} in every epoch, and judged on just these rows (--overfit-batches)")
    return [*lines, *assembly.transferred]
