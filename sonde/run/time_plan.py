"""What fits into a time limit, measured by trial steps that take little of it."""

import math
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sonde.acting.config import EnvironmentConfig
from sonde.core.batch import Batch
from sonde.core.config import MachineConfig
from sonde.core.durations import parse
from sonde.core.errors import DataError, NonFinite
from sonde.core.pace import InWaves, Pace, Played
from sonde.core.seams import Source, abilities_of, rewinds
from sonde.core.units import duration, number
from sonde.engine import random_state
from sonde.engine.deadline import EVALUATION_SHARE
from sonde.engine.evaluate import WithoutGradients, evaluation_mode
from sonde.engine.execution.settings import autocast, making_in
from sonde.engine.loop import batches_of
from sonde.engine.plan import steps_within
from sonde.engine.step import Stepper
from sonde.engine.timing import step_seconds
from sonde.run.build import EVALUATION_ROWS, Assembly
from sonde.run.lengths import counted, fixed_ends, fixed_why
from sonde.run.saved import Saved
from sonde.run.side_by_side import SOONEST
from sonde.run.time_limit import FLOOR_S, after_seconds, evaluated_last, rows_called, rows_of
from sonde.run.wave_time import BASELINE, LEAST, OF_BASELINE

FEW = 0.5  # of the time that an evaluation may take, in which none of what is played side by side may be over
LOOP_S = 30e-6  # seconds of the loop around a step: records, log, decisions
SMALLEST, FEWEST_ROWS = 16, 4  # steps are tried on 1/16 of a batch or more, never on fewer than 4 rows
TRIAL_SHARE = 0.005  # of a time limit, that one trial step may take
PEEK_SHARE = 0.015  # of a time limit, to find out what one evaluation takes, or how long a batch takes to come
BASELINE_SHARE, BASELINE_MOST_S = 0.4, 30.0  # of a split that is played, for its baseline and the games that are shown
SURELY = 0.25  # of the time left: a run whose other length takes less of it surely ends by that
LEAST_SHARE = 0.05  # of a time limit, that is planned as if it were left where starting took more
SOONER = "; fewer games side by side (--environments) come to it sooner"
CAREFUL = 1.5  # times as long as the least of an evaluation is expected to take, it is given: else all of it is lost
PERHAPS_NONE = ": perhaps not one will be over"
SAID = 0.01  # of what is evaluated: of less no share is told
WAIT = 0.05  # of the time left: a first batch that takes longer to be made is worth a word


@dataclass(frozen=True, kw_only=True)
class Length:
    """How long a run is, and why; the seconds are of a time limit.

    final_s: reserved for what comes after training;  last_evaluation_s: and before it, for the training's last evaluation
    evaluation_s: what evaluations would take: "quick", while training goes on, of each split, and of a baseline that is played;
                  "least" what the smallest part of one takes without which nothing is told
    """

    steps: int | None
    why: str
    final_s: float = 0.0
    last_evaluation_s: float = 0.0
    evaluation_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What steps are tried on: a batch, or under a time limit so much of one as takes little of it.

    batch: None where nothing can be tried;  scale: times as many rows a batch of the run has
    step_s: seconds that a step on a whole batch takes, where it was measured
    """

    batch: Batch | None
    scale: float = 1.0
    step_s: float | None = None


def trial_of(stepper: Stepper, batch: Batch | None, machine: MachineConfig, limit_s: float | None) -> Trial:
    """The part of a batch that steps are tried on: small enough that what is tried takes little of the time limit.

    How long a step takes is found with few rows and one thread first, since with all threads a busy neighbour makes a step ten
    times as long.
    """
    if limit_s is None or batch is None:
        return Trial(batch=batch)
    fewest = max(FEWEST_ROWS, 2 * stepper.settings.accumulate)  # a batch norm makes nothing of a single row
    most = max(1, min(SMALLEST, len(batch) // fewest))
    small, before = batch.split(most)[0], stepper.execution.threads
    if stepper.settings.device.type == "cpu":
        stepper.execution.threads = machine.threads or 1
    try:
        once = step_seconds(stepper, small, steps=1)
    except NonFinite:
        return Trial(batch=batch)
    finally:
        stepper.execution.threads = before
    step_s = once * len(batch) / len(small)
    pieces = min(most, max(1, math.ceil(step_s / (TRIAL_SHARE * limit_s))))
    piece = batch.split(pieces)[0]
    return Trial(batch=piece, scale=len(batch) / len(piece), step_s=step_s)


def for_trials(limit_s: float, elapsed_s: float) -> float:
    """Seconds of which trials take a share: what is left of a time limit, since starting may have taken most of it.

    >>> for_trials(60.0, 10.0), for_trials(60.0, 90.0)
    (50.0, 3.0)
    """
    return max(LEAST_SHARE * limit_s, limit_s - elapsed_s)


def length_in_time(
    assembly: Assembly,
    stepper: Stepper,
    trial: Trial,
    saved: Saved | None,
    limit_s: float,
    *,
    timed_s: float | None,
    passes: int | None,
) -> Length:
    """As many updates as a time limit has room for beside evaluations, and fewer where another length ends the run before."""
    loop, batches = assembly.config.loop, assembly.train.batches
    if saved is None:
        done, left_s = 0, limit_s - assembly.clock.elapsed()
    else:
        done, left_s = saved.step, limit_s - saved.elapsed
    fixed = min(fixed_ends(loop, batches).values(), default=None)
    sure_s = 0.0 if fixed is None else SURELY * left_s / max(1, fixed - done)
    tried_s = for_trials(limit_s, limit_s - left_s)
    step_s = _step_seconds(stepper, trial, tried_s, timed_s, saved, sure_s) + _input_seconds(assembly, tried_s) + LOOP_S
    pace = assembly.pace
    if pace is not None and done:
        pace = replace(pace, first_s=pace.burst_s)
    each_s = step_s if pace is None else step_s + pace.burst_s / pace.per
    evaluation_s = _evaluations(assembly, stepper, tried_s)
    left_s = left_s if saved is not None else limit_s - assembly.clock.elapsed()
    after_s = after_seconds(limit_s, assembly.clock.slowed())
    quick, last = evaluation_s.get("quick", 0.0), [*evaluated_last(assembly, saved), BASELINE]
    final = sum(evaluation_s.get(name, 0.0) for name in last)
    splits = len(evaluated_last(assembly, saved)) + ("quick" in evaluation_s)
    share = min(1.0, max(FLOOR_S * splits, EVALUATION_SHARE * left_s - after_s) / max(quick + final, 1e-9))
    period = loop.evaluation_period
    every = {"steps": period.amount, "seconds": period.amount / each_s}.get(
        period.unit, math.inf if batches is None else period.amount * batches
    )
    total = done + steps_within(
        limit_s=left_s,
        step_s=step_s,
        batches_per_epoch=1,
        evaluation_s=quick,
        evaluate_every=every,
        final_s=share * (quick + final) + after_s,
        pace=pace,
    )
    epochs = "" if batches is None else f" ({_about(total / batches)} epochs)"
    limit = parse(loop.time_limit or 0, bare="seconds")
    why = f"{total:,} step{'s' * (total != 1)}{epochs} at {number(each_s * 1e3)} ms fit into {limit}"
    if pace is not None:
        why = _made_why(why, pace, left_s, sooner="" if saved is not None else _sooner(assembly))
    if fixed is not None and fixed <= total and passes is None:
        room = f"{limit}, which has room for {counted(total, 'step')} of {number(each_s * 1e3)} ms"
        why = fixed_why(loop, batches, None, in_time=room)
    elif fixed is not None and fixed <= total:
        why = f"{fixed_why(loop, batches, passes)} (before {why})"
    elif fixed is not None or passes is not None:
        why += (
            f" (before {fixed_why(loop, batches, None)})"
            if fixed is not None
            else f", or {counted(passes or 0, 'epoch')}"
        )
    if share < 1:
        kept_s = share * (quick + final)
        none = kept_s < evaluation_s[LEAST] if LEAST in evaluation_s else share < FEW and _plays(assembly)
        why += f"; {_kept(kept_s, share, rows_called(assembly))}{PERHAPS_NONE if none else ''}"
    return Length(
        steps=total if fixed is None else min(total, fixed),
        why=why,
        final_s=share * final + after_s,
        last_evaluation_s=share * quick,
        evaluation_s=evaluation_s,
    )


def _sooner(assembly: Assembly) -> str:
    """How games, the first of which end together, would come to a batch sooner; "" where nothing else would, as was measured."""
    fewer = abilities_of(assembly.task).playing is not None and not any(SOONEST in note for note in assembly.notes)
    return SOONER if fewer and assembly.config.data.of(EnvironmentConfig).environments > 1 else ""


def _made_why(why: str, pace: Pace, left_s: float, *, sooner: str) -> str:
    """What is said of a plan, with how long batches take to be made. sooner: how the first would come sooner"""
    if pace.first_s >= left_s:
        first, left = duration(pace.first_s), duration(max(0.0, left_s))
        return (
            f"perhaps not one step: the first batch is expected after {first}, and the time limit leaves {left}{sooner}"
        )
    why = why.replace(" ms fit", f" ms, {number(pace.burst_s / pace.per * 1e3)} of them to make the batch, fit")
    return why + (f"; the first comes after {duration(pace.first_s)}" if pace.first_s > WAIT * left_s else "")


def _kept(seconds: float, share: float, rows: str) -> str:
    """How much can be evaluated, in words.

    >>> _kept(6.1, 0.25, "rows")
    '6.1 s are kept for evaluation, enough for about 25% of the rows'
    >>> _kept(6.1, 0.004, "episodes")
    '6.1 s are kept for evaluation, enough for less than 1% of the episodes'
    """
    part = f"about {share:.0%}" if share >= SAID else f"less than {SAID:.0%}"
    return f"{duration(seconds)} are kept for evaluation, enough for {part} of the {rows}"


def _plays(assembly: Assembly) -> bool:
    """Whether evaluations play side by side what is over late, all of it."""
    return any(isinstance(source, Played) for source in assembly.evaluation_sources.values())


def _about(epochs: float) -> str:
    """Three digits, or all of a whole part that has more.

    >>> _about(0.12345), _about(12.0), _about(1960.4)
    ('0.123', '12', '1,960')
    """
    return f"{epochs:.3g}" if epochs < 1000 else f"{epochs:,.0f}"


def _step_seconds(
    stepper: Stepper, trial: Trial, limit_s: float, timed_s: float | None, saved: Saved | None, sure_s: float
) -> float:
    """Seconds of a step: the median of many, unless a few would use up more than 3 % of the time they are to plan.

    timed_s: what the choice of threads found, where it was made;  sure_s: a step shorter than this need not be known better,
             since another length ends the run long before the time does
    """
    if trial.batch is None:
        assert saved is not None
        spent = saved.state["clock"]["spent"]
        return sum(spent[part] for part in ("step", "optimizer")) / max(1, saved.step)
    once = timed_s if timed_s is not None else trial.scale * step_seconds(stepper, trial.batch, steps=1)
    if 8 * once / trial.scale > 0.03 * limit_s:
        return once
    few = trial.scale * step_seconds(stepper, trial.batch, steps=5, warm_up=2)
    if few < sure_s:
        return few
    return trial.scale * step_seconds(stepper, trial.batch, steps=5, at_least_s=min(10.0, 0.015 * limit_s), warm_up=2)


def _input_seconds(assembly: Assembly, limit_s: float) -> float:
    """Seconds that a batch takes to come, in the middle of a few; of a source that cannot be rewound none are drawn."""
    source = assembly.train
    if not rewinds(source) or assembly.pace is not None:
        return 0.0
    position = source.state_dict()
    taken, coming, begun = [], batches_of(source, assembly.step_settings()), time.perf_counter()
    for _ in range(8):
        before = time.perf_counter()
        next(coming)
        taken.append(time.perf_counter() - before)
        if time.perf_counter() - begun > PEEK_SHARE * limit_s:
            break
    source.load_state_dict(position)
    return statistics.median(taken)


def _evaluations(assembly: Assembly, stepper: Stepper, limit_s: float) -> dict[str, float]:
    """Seconds to evaluate each split, and "quick": the validation while training goes on; estimated from a part of each."""
    most_s = PEEK_SHARE * limit_s
    found = _played_seconds(assembly, stepper, most_s)
    read = [name for name in assembly.evaluation_sources if name not in found]
    known = [name for name in read if rewinds(assembly.evaluation_sources[name])]
    found |= dict.fromkeys(read, 0.0)  # where none is known, the first evaluation will tell
    if known:
        row_s = _row_seconds(assembly, stepper, known[0], quick=False, at_most_s=most_s)
        found |= {name: row_s * _count(assembly, name) for name in read}
    found["quick"] = found.get("validation", 0.0)
    if abilities_of(assembly.task).quick_evaluate is not None and "validation" in known:
        quick_s = _row_seconds(assembly, stepper, "validation", quick=True, at_most_s=most_s)
        found["quick"] = quick_s * _count(assembly, "validation")
    return found


def _played_seconds(assembly: Assembly, stepper: Stepper, at_most_s: float) -> dict[str, float]:
    """The same of splits that are played, of which a row is worked out while it is read; measured anew where fewer or more are
    played side by side, since twenty at once take less than five times as long as four."""
    played = {name: each for name, each in assembly.evaluation_sources.items() if isinstance(each, Played)}
    if not played:
        return {}
    found, group_s, least_s, timed = {}, dict[int, float](), 0.0, dict[int, InWaves]()
    for name, each in played.items():
        groups = assembly.evaluation_sources[name].batches or 1
        together = -(-_count(assembly, name) // groups)
        if together not in group_s:
            within = making_in(assembly.evaluation_sources[name], stepper.settings)
            with random_state.apart(assembly.device), evaluation_mode(assembly.task.modules), within:
                group_s[together] = each.expected_s(at_most_s) / groups
                if isinstance(each, InWaves):
                    least_s, timed[together] = each.least_s(at_most_s), each
        elif isinstance(each, InWaves):
            each.paced_as(timed[together])
        found[name] = groups * group_s[together]
    if abilities_of(assembly.task).playing is not None:  # of which one searches as the network does
        least_s = CAREFUL * min(least_s, *found.values())
        found[BASELINE] = min(BASELINE_MOST_S, max(BASELINE_SHARE * max(found.values()), OF_BASELINE * least_s))
        found |= {LEAST: least_s} if least_s else {}
    return found


def _count(assembly: Assembly, split: str) -> int:
    """Rows of a split, as far as is known before it was read."""
    source = assembly.evaluation_sources[split]
    return rows_of(assembly, split) or (source.batches or 1) * EVALUATION_ROWS


def _row_seconds(assembly: Assembly, stepper: Stepper, split: str, *, quick: bool, at_most_s: float) -> float:
    """Seconds to evaluate a row, from some in the middle of a split: those of sequences stand in the order of their length.

    More and more rows of a batch are tried until that takes about `at_most_s`.
    """
    source, task = assembly.evaluation_sources[split], assembly.task
    batch = _middle_batch(source, at_most_s)
    look = WithoutGradients((abilities_of(task).quick_evaluate if quick else None) or task.evaluate)
    taken_s, pieces = 0.0, SMALLEST
    with random_state.apart(assembly.device), evaluation_mode(task.modules), autocast(stepper.settings):
        while True:
            piece = batch.split(pieces)[0]
            begun = time.perf_counter()
            outputs = look(piece)
            with look.mode():
                task.meter().update(outputs, piece.index)
            taken_s = time.perf_counter() - begun
            if pieces == 1 or 4 * taken_s > at_most_s:
                return taken_s / len(piece)
            pieces = max(1, pieces // 4)


def _middle_batch(source: Source, at_most_s: float) -> Batch:
    """A batch from the middle, or as far as reading gets in time; it is put back."""
    position, begun = source.state_dict(), time.perf_counter()
    found: Batch | None = None
    for place, batch in enumerate(source):
        found = batch
        if place >= (source.batches or 1) // 2 or time.perf_counter() - begun > at_most_s:
            break
    source.load_state_dict(position)
    if found is None:
        raise DataError("the data to evaluate on yielded no batch")
    return found
