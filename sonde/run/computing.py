"""How a run's steps are computed: in which precision, and with how many threads. Found out on steps that are undone."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sonde.core.batch import Batch
from sonde.core.config import MachineConfig, Precision
from sonde.core.config_file import read_config
from sonde.core.errors import NonFinite, RunFolderError
from sonde.core.pace import making
from sonde.core.progress import Tick, silent
from sonde.core.run_folder import RunFolder
from sonde.core.seams import rewinds
from sonde.engine.execution.settings import making_in
from sonde.engine.loop import batches_of
from sonde.engine.plan import choose_threads
from sonde.engine.precision import Decided, cannot_compute, first_trial, inability, second_trial, worth_trying
from sonde.engine.put_back import PutBack
from sonde.engine.step import Stepper
from sonde.run.build import Assembly
from sonde.run.lengths import fixed_ends
from sonde.run.saved import Saved
from sonde.run.time_limit import busy_neighbours
from sonde.run.time_plan import SMALLEST, Trial, trial_of

PIECES = 4  # of a batch, one of which precisions are compared on: fp32's maps of a whole one would be the run's peak of memory
RATIO_STEPS, RATIO_SHARE = 16, 0.02  # comparing precisions costs about so many steps; of a time limit, at most that


@dataclass(frozen=True, kw_only=True)
class Computing:
    """By which stepper steps are computed, in which precision and with how many threads, and why.

    trial: what steps are tried on;  timed: milliseconds a step by number of threads, where they were timed
    """

    stepper: Stepper
    trial: Trial
    decided: Decided
    threads: int
    timed: Mapping[str, float]
    threads_why: str

    @property
    def step_s(self) -> float | None:
        """Seconds of a step on a whole batch, where it was measured."""
        return self.timed[str(self.threads)] / 1e3 if str(self.threads) in self.timed else self.trial.step_s


def choose_computing(
    assembly: Assembly,
    folder: RunFolder,
    batch: Batch | None,
    saved: Saved | None,
    *,
    limit_s: float | None,
    tick: Tick = silent,
) -> Computing:
    """Decide on the precision and the threads, and set the threads. A resumed run keeps its own.

    Whether the precision can be computed, and is worth a trial, is decided before threads are timed; its speed is measured once
    they are chosen. Under a time limit the latter is left out where it would take too much of it.

    batch: what is planned with; None where nothing can be tried;  limit_s: seconds that are planned for, under a time limit
    Raises: ConfigError, RunFolderError for a precision that stands and that this machine cannot compute in
    """
    machine = assembly.config.machine
    wanted = machine.precision if saved is None else saved.plan.precision
    full = _stepper(assembly, "fp32")  # tried first: every machine can compute in it
    trial = trial_of(full, batch, machine, limit_s)
    if wanted == "fp32":
        decided = Decided(precision="fp32", why="" if machine.precision == "fp32" else "as before the resume")
        return _with_threads(full, trial, decided, assembly, saved, limited=limit_s is not None, tick=tick)
    low = _stepper(assembly, wanted)
    typed = "precision" in read_config(folder.config).overrides()
    most_s, begun = math.inf if limit_s is None else RATIO_SHARE * limit_s, time.perf_counter()
    if batch is None or trial.batch is None:
        decided = Decided(precision=wanted)
    else:
        part = _part(trial.batch, PIECES if limit_s is None else round(SMALLEST / trial.scale), assembly)
        with _threads_for_trials(full, machine, saved):
            if saved is not None:
                decided = _resumed_precision(low, full, part, folder)
            else:
                decided = Decided(precision=wanted, sure=False) if typed else _advised(low, full, batch, assembly)
                if not decided.sure:
                    decided = first_trial(low, full, part, typed=typed, at_most_s=most_s)
    left_s = most_s - (time.perf_counter() - begun)
    if decided.precision != "fp32":
        own = trial_of(low, batch, machine, limit_s)
        found = _with_threads(low, own, decided, assembly, saved, limited=limit_s is not None, tick=tick)
        if decided.sure:
            return found
        decided = _looked_again(found, full, assembly, typed=typed, left_s=left_s)
        if decided.precision != "fp32":
            return replace(found, decided=decided)
    return _with_threads(full, trial, decided, assembly, saved, limited=limit_s is not None, tick=tick)


def check_step(assembly: Assembly) -> None:
    """Try a step in the precision that was requested, where that is not fp32; what it does is undone, and the batch put back.

    Raises: ConfigError where this machine cannot compute one
    """
    precision = assembly.config.machine.precision
    if precision == "fp32":
        return
    batch = first_batch(assembly)
    if trouble := inability(_stepper(assembly, precision), _stepper(assembly, "fp32"), batch):
        raise cannot_compute(precision, trouble)


def first_batch(assembly: Assembly) -> Batch:
    """The batch that is planned with, put back: a source that cannot be rewound is replaced by one that begins with it. Of one
    that makes its batches it is a preview."""
    source = assembly.train
    if (made := making(source)) is not None:
        with making_in(source, assembly.step_settings()):
            assembly.first, pace = made.preview()
        assembly.pace = assembly.pace or pace  # where it was measured for longer before, the plan tells of that one
    elif rewinds(source):
        position = source.state_dict()
        assembly.first = next(batches_of(source, assembly.step_settings()))
        source.load_state_dict(position)
    else:
        assembly.train = PutBack(source)
        assembly.first = assembly.train.first
    return assembly.first


def _stepper(assembly: Assembly, precision: Precision) -> Stepper:
    """One to try steps with."""
    lr = assembly.config.optim.lr
    return assembly.stepper(lr=1e-3 if lr == "auto" else lr, total=1_000_000, precision=precision)


def _part(batch: Batch, pieces: int, assembly: Assembly) -> Batch:
    """One of so many pieces, with two rows at least in each that a step is computed from: a batch norm makes nothing of one."""
    most = len(batch) // (2 * assembly.config.feed.accumulate)
    return batch.split(max(1, min(pieces, most)))[0]


@contextmanager
def _threads_for_trials(stepper: Stepper, machine: MachineConfig, saved: Saved | None) -> Iterator[None]:
    """For the body's duration those that stand, else one: a step with several may take seconds beside a busy neighbour."""
    before = stepper.execution.threads
    on_cpu = stepper.settings.device.type == "cpu"
    resumed = None if saved is None else int(saved.state["threads"])
    stepper.execution.threads = machine.threads or resumed or (1 if on_cpu else before)
    try:
        yield
    finally:
        stepper.execution.threads = before


def _advised(low: Stepper, full: Stepper, batch: Batch, assembly: Assembly) -> Decided:
    """What is known of a recipe's precision without a clock, from as many rows in every run of these settings."""
    part = _part(batch, SMALLEST, assembly)
    return worth_trying(low, full, part, scale=len(batch) / len(part))


def _resumed_precision(low: Stepper, full: Stepper, batch: Batch, folder: RunFolder) -> Decided:
    """The precision of a run that goes on. Raises: RunFolderError where this machine cannot compute in it."""
    precision = low.settings.precision
    if trouble := inability(low, full, batch):
        raise RunFolderError(
            f"{folder.path} is computed in {precision}, and this machine cannot compute a step in it ({trouble}); resume it "
            "where it was started, or start a new run with --precision fp32 and another --out"
        )
    return Decided(precision=precision)


def _looked_again(found: Computing, full: Stepper, assembly: Assembly, *, typed: bool, left_s: float) -> Decided:
    """What the precision brings with the threads that were chosen; as wanted where finding out takes more than `left_s`."""
    trial, low = found.trial, found.stepper
    assert trial.batch is not None
    part = _part(trial.batch, round(PIECES / trial.scale), assembly)
    expected_s = RATIO_STEPS * (found.step_s or 0.0) * len(part) / (len(trial.batch) * trial.scale)
    if expected_s > left_s:
        return Decided(
            precision=low.settings.precision, why="not timed against fp32: the time limit leaves too little time"
        )
    return second_trial(low, full, part, typed=typed, at_most_s=left_s)


def _with_threads(
    stepper: Stepper,
    trial: Trial,
    decided: Decided,
    assembly: Assembly,
    saved: Saved | None,
    *,
    limited: bool,
    tick: Tick,
) -> Computing:
    """The threads that are typed, those before the resume, or the fastest that were timed; they are set."""
    machine, resumed = assembly.config.machine, None if saved is None else int(saved.state["threads"])
    busy = busy_neighbours() if limited and assembly.device.type == "cpu" else ""
    timed: dict[str, float] = {}
    if busy and machine.threads is None and resumed is None:
        threads, why = 1, f"1 thread (others not timed: {busy})"
    else:
        try:
            steps = (
                None
                if limited
                else min(fixed_ends(assembly.config.loop, assembly.train.batches).values(), default=None)
            )
            threads, timed, why = choose_threads(
                stepper, trial.batch, machine, resumed=resumed, scale=trial.scale, steps=steps, tick=tick
            )
        except NonFinite as trouble:  # if it is no fluke of trying, the first step will say so with its rows
            threads = stepper.execution.threads
            why = f"{threads} threads (not timed: {trouble})"
    stepper.execution.threads = threads
    return Computing(stepper=stepper, trial=trial, decided=decided, threads=threads, timed=timed, threads_why=why)
