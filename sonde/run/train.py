"""A run from its plan to its last step: what the engine's loop is given, and what is done at its calls."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from sonde.core.errors import ConfigError, Interrupted
from sonde.core.files import write_json
from sonde.core.findings import Finding, hushed, read_back, silenced
from sonde.core.records import END_MOVED, LENGTH_KNOWN, RESUMED
from sonde.core.run_folder import RunFolder
from sonde.core.seams import abilities_of
from sonde.core.units import number
from sonde.diagnose.accumulating import accumulated_loss
from sonde.diagnose.before import accumulation, frozen_untrained
from sonde.diagnose.doctor import Doctor
from sonde.engine import random_state
from sonde.engine.checkpoint import Writer
from sonde.engine.due import FitSettings, known_end
from sonde.engine.execution.compiled import Compiled
from sonde.engine.json_lines import JsonLinesLog, read_lines
from sonde.engine.loop import FitParts, best_state, event
from sonde.engine.plan import ExecutionPlan
from sonde.engine.signals import StopRequest, graceful
from sonde.engine.step import Stepper
from sonde.engine.thread_tuner import ThreadTuner
from sonde.engine.time_budget import TimeBudget
from sonde.engine.trainable import undo
from sonde.engine.training import Training, capture, restore, weights
from sonde.engine.used_memory import UsedMemory
from sonde.report.events import Events
from sonde.run.build import Assembly
from sonde.run.checks import at_the_start, say, watched
from sonde.run.compiling import not_compilable
from sonde.run.ending import ending_noted, nothing_left
from sonde.run.errors import fitting_shapes, in_one_line
from sonde.run.evaluation import choosing, notes_on_metrics
from sonde.run.examining import doctor_of, last_look
from sonde.run.job import Attempt
from sonde.run.judged_anew import judge_anew
from sonde.run.kept_evaluation import kept_evaluation, take_up
from sonde.run.lengths import fit_settings, fixed_ends, move_end, refuse_too_short
from sonde.run.live import Live
from sonde.run.loggers.logger import Ending
from sonde.run.loggers.table import loggers
from sonde.run.observers import Watched, note_missing
from sonde.run.plan import make_plan
from sonde.run.played import experience_of
from sonde.run.renewal import Renewal
from sonde.run.resolve import CUSTOM_MODULE
from sonde.run.resume import take_over
from sonde.run.samples import samples_of
from sonde.run.start import write_fields, write_reason
from sonde.run.telling import parted, show, tell
from sonde.run.time_limit import TimeLimit, tuner_affordable
from sonde.run.updates import same_optimizers
from sonde.run.validating import validate
from sonde.screen.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An attempt that is planned: what `engine.loop.fit` is called with, besides what was decided."""

    attempt: Attempt
    plan: ExecutionPlan
    training: Training
    settings: FitSettings
    parts: FitParts
    doctor: Doctor | None


@contextmanager
def under_way(attempt: Attempt) -> Iterator[StopRequest]:
    """What training changes in the process (threads, random streams, signals), for the body's duration.

    Raises: Interrupted, NonFinite, OutOfMemory for what the body meets with
    """
    assembly, threads = attempt.assembly, torch.get_num_threads()
    try:
        with (
            ending_noted(attempt),
            nothing_left(attempt),
            in_one_line(assembly, attempt.folder),
            fitting_shapes(assembly, lambda: attempt.steps),
            random_state.apart(assembly.device),
            _reproducible(assembly),
            graceful() as request,
            _closed(attempt),
        ):
            attempt.request = request
            yield request
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _closed(attempt: Attempt) -> Iterator[None]:
    """Observers that can be closed are, and trackers are told how the run ended, however the body ends."""
    ending: Ending = "failed"
    try:
        yield
        ending = "finished"
    except Interrupted:
        ending = "interrupted"
        raise
    finally:
        with ExitStack() as ends:
            if attempt.training is not None:
                ends.callback(_close_logs, attempt.training)  # also where what is checked before the first step refuses
            for logger in attempt.loggers:
                ends.callback(logger.close, ending)
            for each in () if attempt.training is None else attempt.training.observers:
                if isinstance(each, Watched):
                    ends.callback(each.close)


def prepared(attempt: Attempt, request: StopRequest) -> Prepared:
    """Plan the run, open its logs and put a saved state back where there is one."""
    assembly, folder, saved, screen = attempt.assembly, attempt.folder, attempt.saved, attempt.job.screen
    if saved is not None:
        undo(assembly.task.modules, saved.state["stepper"])
        saved.judged = take_up(attempt)
    before = len(attempt.findings)
    attempt.loggers = loggers(
        attempt.config,
        folder,
        None if saved is None else saved.state,
        findings=attempt.findings,
        found=lambda finding: tell(attempt, [finding]),
    )
    of_loggers = attempt.findings[before:]
    with assembly.clock.part("plan"):
        plan, stepper, found = make_plan(assembly, folder, saved=saved, report=screen.say, tick=screen.tick)
    notes = notes_on_metrics(assembly)
    if saved is not None:
        same_optimizers(stepper.updates, saved.state["stepper"], where=str(folder.path))
    attempt.findings += found
    screen.plan([*plan.lines, *choosing(assembly)])
    screen.folder(folder.path)
    attempt.limit = _limit_of(attempt, plan)
    deadline = None if attempt.limit is None else attempt.limit.deadline
    settings = fit_settings(assembly.config, plan, assembly.objective, deadline=deadline)
    training = _training(attempt, plan, stepper, settings)
    if saved is not None:
        _take_up(attempt)
    write_json(folder.plan, plan.as_dict())
    doctor = doctor_of(attempt, training, total=settings.stop)
    parts = _calls(attempt, plan, training, settings, request, doctor)
    if saved is None:
        if assembly.dataset is None and assembly.first is not None:
            bind = abilities_of(assembly.task).bind
            write_fields(folder, assembly, assembly.first, None if bind is None else bind(assembly.first))
        if plan.precision_why:
            write_reason(folder, "precision", f"{plan.precision} was decided on: {plan.precision_why}")
        pieces, device = assembly.config.feed.accumulate, assembly.device
        attempt.findings += accumulation(assembly.task, pieces)
        if assembly.dataset is None:
            attempt.findings += accumulated_loss(assembly.task, pieces, assembly.first, device)
        if assembly.config.model != CUSTOM_MODULE and ".py" not in assembly.config.model:  # those may come with weights
            attempt.findings += frozen_untrained(assembly.config.transfer)
        attempt.findings += notes
    _write_findings(attempt, training, attempt.findings if saved is None else of_loggers)
    say(attempt, at_the_start(attempt, stepper))
    return Prepared(attempt=attempt, plan=plan, training=training, settings=settings, parts=parts, doctor=doctor)


def _limit_of(attempt: Attempt, plan: ExecutionPlan) -> TimeLimit | None:
    """None where no time is given. Raises: ConfigError for one that leaves a resume nothing to learn in"""
    assembly, loop, saved = attempt.assembly, attempt.assembly.config.loop, attempt.saved
    if loop.limit_s is None:
        return None
    looks = attempt.job.resolved.origin.get("evaluate_every") not in ("typed", "file")
    limit = TimeLimit(assembly, plan, loop.limit_s, saved, looks=looks)
    if saved is not None:
        refuse_too_short(saved, loop, attempt.folder, limit.deadline.training_s)
    return limit


def _take_up(attempt: Attempt) -> None:
    """Let a run that goes on know what earlier sittings found, as far as the checkpoint goes."""
    before = read_back(read_lines(attempt.folder.findings))
    known = {finding.evidence for finding in before}
    attempt.findings[:] = [*before, *(each for each in attempt.findings if each.evidence not in known)]


def _write_findings(attempt: Attempt, training: Training, found: Sequence[Finding]) -> None:
    """Write what was found while the run was planned, what was silenced as notes; and show what is new of it."""
    silence = silenced(attempt.config.loop.silence)
    attempt.findings[:] = hushed(attempt.findings, silence)
    for finding in hushed(found, silence):
        training.journals["findings.jsonl"].write(finding.as_dict())
    show(attempt, [each for each in parted(attempt)[0] if each.severity != "note"])


@contextmanager
def written_down(run: Prepared) -> Iterator[None]:
    """Progress shown, logs closed and checkpoints written out when the body ends, however it ends."""
    training, writer, assembly = run.training, run.parts.writer, run.attempt.assembly
    assert writer is not None
    with ExitStack() as ends:  # each is done, whatever the others meet with
        ends.callback(writer.wait)
        ends.callback(_close_logs, training)
        ends.push(partial(last_look, run.doctor, training))
        shown = next(observer for observer in training.observers if isinstance(observer, Progress))
        with watched(run.attempt, training), shown:
            yield
        _note_failed_compiling(run.attempt, training)
        best = training.progress.best
        if best is None or best["metric"] is None:
            # nothing was evaluated: the best is the last, also when trained further
            training.progress.best = {"epoch": None, "step": training.progress.step, "metric": None, "value": None}
            chosen = (best_weights(assembly), best_state(training) | kept_evaluation(run.attempt, training))
            writer.save(weights(assembly.task.modules), capture(training), best=chosen)


def _open_logs(training: Training, folder: RunFolder, kept: Mapping[str, int]) -> None:
    """Open the logs, cut off where the checkpoint was written: once its state is put back, so that a refused one cuts nothing."""
    for path in (folder.metrics, folder.findings, folder.signals):
        training.journals[path.name] = JsonLinesLog(path, keep_bytes=int(kept.get(path.name, 0)))


def _fixed(attempt: Attempt, plan: ExecutionPlan, steps: int | None) -> bool:
    """Whether steps or epochs that were asked for end a run, and not its time."""
    ends = fixed_ends(attempt.assembly.config.loop, plan.batches_per_epoch).values()
    return any(steps is None or end <= steps for end in ends)


def _training(attempt: Attempt, plan: ExecutionPlan, stepper: Stepper, settings: FitSettings) -> Training:
    """The moving parts, with a saved state put back where there is one."""
    assembly, folder, saved = attempt.assembly, attempt.folder, attempt.saved
    objective = assembly.objective if "validation" in assembly.evaluation_sources else None
    steps = plan.steps if saved is None or saved.finished else saved.state["progress"].get("ends_at") or plan.steps
    limit, used = assembly.config.loop.limit_s, assembly.clock.elapsed() if saved is None else saved.elapsed
    progress = attempt.job.screen.progress(
        epochs=plan.passes if plan.batches_per_epoch is None or steps is None else steps / plan.batches_per_epoch,
        steps=steps,
        batches_per_epoch=plan.batches_per_epoch,
        objective=objective,
        within_s=None if limit is None else limit - used,
        timed=limit is not None and not _fixed(attempt, plan, steps),
        several=len(assembly.task.phases) > 1,
    )
    progress.follow(lambda: experience_of(assembly.train, assembly.clock))
    assembly.clock.follow(getattr(assembly.train, "seconds", {}))
    purge = None if saved is None else int(saved.state["progress"]["step"]) + 1
    events, renewal = Events(folder.events, log_every=settings.log_every, purge_step=purge), Renewal(folder.path)
    live = Live(folder.path, attempt.findings, lambda finding: tell(attempt, [finding]))
    own = [Watched(observer, live) for observer in attempt.job.observers]
    training = live.training = Training(
        task=assembly.task,
        source=assembly.train,
        stepper=stepper,
        clock=assembly.clock,
        device=assembly.device,
        observers=[progress, events, *own, *attempt.loggers, *samples_of(attempt), renewal],
        journals={},
        threads=plan.threads,
        used_memory=UsedMemory(assembly.device),
    )
    attempt.training = training  # before a state is put back that may not fit: the logs are closed all the same
    random_state.seed_everything(assembly.config.machine.seed, stream="dropout")
    if saved is None:
        _open_logs(training, folder, {})
    else:
        restore(training, saved.weights, saved.state)
        _open_logs(training, folder, saved.state["journals"])
        judge_anew(attempt, training)
        take_over(folder, attempt.config, attempt.job.resolved.origin, attempt.job.about)
        training.progress.stop = ""
        if saved.finished:
            training.progress.asked = ""  # it is to go on, whatever ended it
        note_missing(attempt, training, saved.state)
        if saved.new_limit or saved.finished or plan.steps != saved.plan.steps:
            training.progress.ends_at = training.progress.ends_asked = 0  # it is to go on to another end
        ends = {"to": move_end(training, settings, assembly)}  # of the plan, or where a time limit moved it before
        before, training.threads = training.threads, plan.threads
        event(training, RESUMED, {**ends, "after": "the run had ended"} if saved.finished else ends)
        if before != plan.threads:
            event(training, "threads changed", {"from": before, "to": plan.threads, "why": "typed"})
    return training


def _calls(
    attempt: Attempt,
    plan: ExecutionPlan,
    training: Training,
    settings: FitSettings,
    request: StopRequest,
    doctor: Doctor | None,
) -> FitParts:
    """The callbacks of the loop."""
    assembly, machine, limit = attempt.assembly, attempt.assembly.config.machine, attempt.limit
    validates = "validation" in assembly.evaluation_sources
    tuner = budget = None
    affordable = tuner_affordable(plan, None if limit is None else limit.limit_s)
    if machine.threads is None and assembly.device.type == "cpu" and affordable:
        timed = (
            {int(count): value / 1e3 for count, value in plan.threads_timed.items()} if attempt.saved is None else {}
        )
        tuner = ThreadTuner(report=lambda live, name, details: _threads_changed(attempt, live, details), timed=timed)
    if limit is not None and plan.steps is not None:
        budget = TimeBudget(
            limit.deadline,
            training.clock,
            planned=plan.steps,
            move=lambda live, end, step_s: _end_moved(attempt, live, end, step_s),
            latest=lambda progress: known_end(settings, progress),
        )
    return FitParts(
        objective=assembly.objective if validates else None,
        evaluate=(lambda: validate(attempt, training, request, doctor)) if validates else None,
        best_weights=lambda: best_weights(assembly),
        best_evaluation=lambda: kept_evaluation(attempt, training),
        writer=Writer(attempt.folder.checkpoints),
        request=request,
        thread_tuner=tuner,
        budget=budget,
        length_known=lambda live: _length_known(attempt, live, settings),
        look=doctor,
    )


def _note_failed_compiling(attempt: Attempt, training: Training) -> None:
    """A finding where a step that compiled in the plan no longer did, with other sizes, say, and continued eagerly."""
    execution = training.stepper.execution
    tell(attempt, not_compilable(execution.trouble if isinstance(execution, Compiled) else ""))


def _close_logs(training: Training) -> None:
    with ExitStack() as ends:
        for observer in training.observers:
            if isinstance(observer, Events):
                ends.callback(observer.close)
        for journal in training.journals.values():
            ends.callback(journal.close)


def best_weights(assembly: Assembly) -> dict[str, torch.Tensor]:
    """The weights that evaluation sees: the averaged ones where an average is kept."""
    if assembly.average is None:
        return weights(assembly.task.modules)
    with assembly.average.applied():
        return {name: value.detach().clone() for name, value in weights(assembly.task.modules).items()}


def _threads_changed(attempt: Attempt, training: Training, details: Mapping[str, Any]) -> None:
    event(training, "threads changed", details)
    finding = Finding(
        check="threads changed",
        severity="note",
        evidence=f"{details['why']}: {details['from']} → {details['to']} threads; a step takes "
        + ", ".join(f"{value:.3g} ms with {count}" for count, value in details["milliseconds"].items()),
        action="another program is using the CPU; --threads fixes the number",
        step=training.progress.step,
    )
    tell(attempt, [finding], at_once=False)


def _end_moved(attempt: Attempt, training: Training, end: int, step_s: float) -> None:
    """Move the end of the run to another step, and its schedule with it; a schedule that does not fit stays as it is."""
    progress = training.progress
    try:
        attempt.assembly.move_end(training.stepper, total=end, done=progress.step)
    except ConfigError:
        return
    before, progress.ends_at = progress.ends_at, end
    why = f"a step takes {number(step_s * 1e3)} ms; moved to meet the time limit"
    if progress.evaluated_at == progress.step:  # the pace is asked for before a step is evaluated
        given_up = attempt.limit is not None and attempt.limit.deadline.given_up
        what = "take less than was kept for them" if not given_up else "would come to nothing in what was kept for them"
        why = f"evaluations {what}, so there is time for more"
    details = {"to": end, "why": why}
    event(training, END_MOVED, {"from": before, **details} if before else details)


def _length_known(attempt: Attempt, training: Training, settings: FitSettings) -> None:
    """The first pass over data of unknown length is over: the schedule is set for the whole run."""
    total, took = move_end(training, settings, attempt.assembly), training.progress.pass_steps
    details = {} if total is None else {"to": total}
    event(training, LENGTH_KNOWN, {**details, "why": f"the first epoch took {took:,} step{'s' * (took != 1)}"})


@contextmanager
def _reproducible(assembly: Assembly) -> Iterator[None]:
    """`--deterministic` for the body's duration."""
    if not assembly.config.machine.deterministic:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
