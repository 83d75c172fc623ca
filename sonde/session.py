"""Carrying out one run: from assembled parts to a run folder with its judgement."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from sonde import environment
from sonde.core.config import seconds
from sonde.core.errors import ConfigError, Interrupted, NonFinite
from sonde.core.files import write_json
from sonde.core.findings import Finding
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Adapts, Glances, Meter, Objective, Observer
from sonde.core.units import number
from sonde.data.feed.prepare import Prepare
from sonde.diagnose.before import accumulation
from sonde.engine import checkpoint, random_state
from sonde.engine.checkpoint import Writer
from sonde.engine.evaluate import evaluate
from sonde.engine.guard import NonFiniteStep
from sonde.engine.horizon import Horizon
from sonde.engine.journal import Journal
from sonde.engine.loop import FitParts, FitSettings, best_state, event, fit
from sonde.engine.pace import Pace
from sonde.engine.plan import ExecutionPlan
from sonde.engine.signals import StopRequest, graceful
from sonde.engine.step import Stepper
from sonde.engine.training import Training, load_weights, restore, weights
from sonde.evaluation import baseline, write_evaluation
from sonde.explain.features import Seen, write_features
from sonde.faults import judged_not_finite, memory_or_itself, not_finite
from sonde.models.layers import followed
from sonde.optim.schedules import schedule
from sonde.planning import Saved, make_plan
from sonde.recipes.build import Assembly
from sonde.recipes.resolve import OWN_MODULE
from sonde.report.events import Events, EventsObserver
from sonde.report.page import write_report
from sonde.screen.progress import END_MOVED, Progress
from sonde.screen.screen import Screen

LOOK_S = 5.0  # seconds for what the network looks for; of a run with a time limit at most a hundredth of it


@dataclass(kw_only=True)
class Session:
    """One sitting at one run: what is known about it beyond its parts."""

    assembly: Assembly
    folder: RunFolder
    screen: Screen
    findings: list[Finding] = field(default_factory=list)
    best_meter: Meter | None = None  # of the validation that the best weights came from, in this sitting


def carry_out(session: Session, *, saved: Saved | None = None, observers: Sequence[Observer] = ()) -> dict[str, Any]:
    """Plan, train, judge and report; returns the content of result.json.

    Raises: Interrupted, NonFinite, OutOfMemory, RunFolderError
    """
    assembly, folder = session.assembly, session.folder
    threads_before = torch.get_num_threads()
    try:
        with (
            random_state.apart(assembly.device),
            _reproducible(assembly),
            _compiled(assembly) as found,
            graceful() as request,
        ):
            session.findings += found
            compiled = assembly.config.machine.compile and not found
            with assembly.clock.part("plan"), _nothing_left(folder, saved):
                plan, stepper = make_plan(assembly, folder, compiled=compiled, saved=saved, say=session.screen.say)
            session.screen.plan(plan.lines)
            session.screen.folder(folder.path)
            training = _training(session, plan, stepper, saved, observers)
            write_json(folder.plan, plan.as_dict())
            _run(session, plan, training, request, resumed=saved is not None)
            return _finish(session, plan, training, request)
    except NonFiniteStep as trouble:
        raise not_finite(trouble, assembly.train, folder) from trouble
    except NonFinite as trouble:
        raise judged_not_finite(trouble, folder) from trouble
    except Interrupted as stop:
        own = assembly.config.model == OWN_MODULE  # a module that only the user's program can build
        again = f"the same call with out={str(folder.path)!r}" if own else f"sonde resume {folder.path}"
        raise Interrupted(f"{stop}; go on with: {again}", signal_number=stop.signal_number) from None
    except (torch.OutOfMemoryError, RuntimeError) as trouble:
        raise memory_or_itself(trouble, assembly.config.feed, assembly.device) from trouble
    finally:
        torch.set_num_threads(threads_before)


@contextmanager
def _nothing_left(folder: RunFolder, saved: Saved | None) -> Iterator[None]:
    """A run that is refused as it is planned leaves no folder behind, which would then refuse to be told otherwise."""
    try:
        yield
    except ConfigError:
        if saved is None:
            folder.abandon()
        raise


def _training(
    session: Session, plan: ExecutionPlan, stepper: Stepper, saved: Saved | None, observers: Sequence[Observer]
) -> Training:
    """The moving parts, with a saved state put back where there is one."""
    assembly, folder = session.assembly, session.folder
    offsets = saved.state["journals"] if saved is not None else {}
    journals = {
        path.name: Journal(path, keep_bytes=int(offsets.get(path.name, 0)))
        for path in (folder.metrics, folder.findings)
    }
    step = int(saved.state["progress"]["step"]) if saved is not None else None
    objective = assembly.task.objective if "validation" in assembly.judged else None
    steps = plan.steps if saved is None or saved.finished else saved.state["progress"].get("ends_at") or plan.steps
    limit, used = assembly.config.loop.time_limit, assembly.clock.elapsed() if saved is None else saved.elapsed
    progress = session.screen.progress(
        epochs=None if plan.batches_per_epoch is None else steps / plan.batches_per_epoch,
        steps=steps,
        batches_per_epoch=plan.batches_per_epoch,
        objective=objective,
        within_s=None if limit is None else seconds(limit) - used,
    )
    events = Events(folder.events, purge_step=None if step is None else step + 1)
    training = Training(
        task=assembly.task,
        source=assembly.train,
        stepper=stepper,
        clock=assembly.clock,
        device=assembly.device,
        observers=[progress, EventsObserver(events, log_every=assembly.config.loop.log_every), *observers],
        journals=journals,
        threads=plan.threads,
    )
    random_state.seed_everything(assembly.config.machine.seed, stream="dropout")
    if saved is not None:
        restore(training, saved.weights, saved.state)
        training.progress.stop = ""
        if saved.new_limit or saved.finished or plan.steps != saved.plan.steps:
            training.progress.ends_at = training.progress.ends_asked = 0  # it is to go on to another end
        elif training.progress.ends_at:
            stepper.bend(schedule(assembly.config.optim, total=training.progress.ends_at))
        before, training.threads = training.threads, plan.threads
        event(training, "resumed", {})
        if before != plan.threads:
            event(training, "threads changed", {"from": before, "to": plan.threads, "why": "typed"})
    return training


def _run(session: Session, plan: ExecutionPlan, training: Training, request: StopRequest, *, resumed: bool) -> None:
    assembly, folder, config = session.assembly, session.folder, session.assembly.config
    writer = Writer(folder.checkpoints)
    validation = assembly.judged.get("validation")
    pace = None
    if config.machine.threads is None and assembly.device.type == "cpu":
        timed = {} if resumed else {int(count): value / 1e3 for count, value in plan.threads_timed.items()}
        pace = Pace(say=lambda live, name, details: _threads_changed(session, live, details), timed=timed)
    limit = None if config.loop.time_limit is None else seconds(config.loop.time_limit)
    limit_s = None if limit is None else max(0.5 * limit, limit * 0.985 - plan.final_s)
    horizon = None
    if limit_s is not None:
        horizon = Horizon(
            limit_s, planned=plan.steps, move=lambda live, end, step_s: _end_moved(session, live, end, step_s)
        )
    parts = FitParts(
        objective=assembly.task.objective if validation is not None else None,
        evaluate=None if validation is None else lambda: _judge(session, training).compute(),
        best_weights=lambda: best_weights(assembly),
        writer=writer,
        request=request,
        pace=pace,
        horizon=horizon,
    )
    settings = FitSettings(
        stop=plan.steps,
        evaluate_every=config.loop.evaluate_every,
        log_every=config.loop.log_every,
        checkpoint_s=seconds(config.loop.checkpoint_every),
        checkpoint_steps=config.loop.checkpoint_steps,
        patience=config.loop.patience,
        limit_s=limit_s,
    )
    if not resumed:
        session.findings += accumulation(assembly.task, config.feed.accumulate)
        for finding in session.findings:
            training.journals["findings.jsonl"].write(finding.as_dict())
    with ExitStack() as ends:  # each is done, whatever the others meet with
        ends.callback(writer.wait)
        ends.callback(_close_logs, training)
        with _progress(training):
            fit(training, settings, parts)
        best = training.progress.best
        if (
            best is None or best["metric"] is None
        ):  # nothing was judged: the best is the last, also when trained further
            training.progress.best = {"epoch": None, "step": training.progress.step, "metric": None, "value": None}
            writer.save(*_last_state(training), best=(best_weights(assembly), best_state(training)))


def _close_logs(training: Training) -> None:
    with ExitStack() as ends:
        for observer in training.observers:
            if isinstance(observer, EventsObserver):
                ends.callback(observer.close)
        for journal in training.journals.values():
            ends.callback(journal.close)


def _progress(training: Training) -> Progress:
    return next(observer for observer in training.observers if isinstance(observer, Progress))


def _last_state(training: Training) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    from sonde.engine.training import capture

    return weights(training.task.modules), capture(training)


def best_weights(assembly: Assembly) -> dict[str, torch.Tensor]:
    """The weights that evaluation sees: the averaged ones where an average is kept."""
    if assembly.average is None:
        return weights(assembly.task.modules)
    with assembly.average.applied():
        return {name: value.detach().clone() for name, value in weights(assembly.task.modules).items()}


def _judge(session: Session, training: Training) -> Meter:
    assembly = session.assembly
    source, settings = assembly.judged["validation"], training.stepper.settings
    meter = evaluate(assembly.task, source, settings, average=assembly.average, brief=True)
    if isinstance(assembly.task, Adapts):
        assembly.task.adapt(meter)
    objective: Objective = assembly.task.objective
    value = meter.compute()[objective.metric]
    best = training.progress.best
    if objective.better(value, best["value"] if best else None) and not isinstance(assembly.task, Glances):
        session.best_meter = meter
    return meter


def _threads_changed(session: Session, training: Training, details: Mapping[str, Any]) -> None:
    event(training, "threads changed", details)
    finding = Finding(
        check="threads changed",
        severity="note",
        evidence=f"{details['why']}: {details['from']} → {details['to']} threads; a step takes "
        + ", ".join(f"{value:.3g} ms with {count}" for count, value in details["milliseconds"].items()),
        action="another program uses the processor; --threads fixes the number",
        step=training.progress.step,
    )
    session.findings.append(finding)
    training.journals["findings.jsonl"].write(finding.as_dict())


def _end_moved(session: Session, training: Training, end: int, step_s: float) -> None:
    """Let the run end at another step, its schedule with it; a schedule that has no room there stays as it is."""
    optim, progress = session.assembly.config.optim, training.progress
    try:
        shape = schedule(optim, total=end)
    except ConfigError:
        return
    before = progress.ends_at
    training.stepper.bend(shape)
    progress.ends_at = end
    details = {"to": end, "why": f"a step takes {number(step_s * 1e3)} ms, and the time limit stays"}
    event(training, END_MOVED, {"from": before, **details} if before else details)


def _finish(session: Session, plan: ExecutionPlan, training: Training, request: StopRequest) -> dict[str, Any]:
    """Judge the best checkpoint on what was held back, write the result and the report.

    Raises: Interrupted between two splits, when asked to stop
    """
    assembly, folder, clock = session.assembly, session.folder, training.clock
    held, state = checkpoint.read(checkpoint.best_folder(folder.checkpoints))
    load_weights(assembly.task.modules, held)
    assembly.task.load_state_dict(state["task"])
    scores: dict[str, dict[str, float]] = {}
    with clock.part("evaluation"):
        for split, source in assembly.judged.items():
            if request.number is not None:
                raise Interrupted(
                    "stopped before the final judgement as asked; everything is saved", signal_number=request.number
                )
            meter = session.best_meter if split == "validation" and session.best_meter is not None else None
            if meter is None:
                meter = evaluate(assembly.task, source, training.stepper.settings, tick=session.screen.tick)
            scores[split] = meter.compute()
            write_evaluation(folder.evaluation / split, meter, source, assembly)
        _look_inside(assembly, folder)
    checkpoint.clear_leftovers(folder.checkpoints)
    result = _result(session, plan, training, scores)
    write_json(folder.result, result)
    write_report(folder.path)
    return result


def _look_inside(assembly: Assembly, folder: RunFolder) -> None:
    """What a network of images looks for, for the report; of other data, and of several networks, nothing is written."""
    modules, dataset = assembly.task.modules, assembly.dataset
    if dataset is None or dataset.schema.input.kind != "image" or "model" not in modules:
        return
    model, limit = modules["model"], assembly.config.loop.time_limit
    split = next(name for name in ("test", "validation", "train") if name in dataset.splits)
    rows = dataset.splits["train" if assembly.config.data.overfit_batches else split]
    prepare = Prepare(dataset.schema.input, assembly.device, channels_last=assembly.channels_last)

    def read(numbers: Sequence[int]) -> torch.Tensor:
        images = torch.from_numpy(rows.read(np.asarray(numbers))["input"])
        return prepare.image(images.to(assembly.device))

    images = Seen(split=split, rows=rows, target=dataset.schema.target, read=read, shape=dataset.schema.input.shape)
    allowed_s = LOOK_S if limit is None else min(LOOK_S, 0.01 * seconds(limit))
    write_features(folder.evaluation, model, followed(model), images, seconds=allowed_s)


def _result(
    session: Session, plan: ExecutionPlan, training: Training, scores: dict[str, dict[str, float]]
) -> dict[str, Any]:
    assembly, progress = session.assembly, training.progress
    spent = training.clock.summary()
    working = spent["step"] + spent["optimizer"] + spent["input"]
    batches = assembly.train.batches
    return {
        "status": progress.stop,
        "task": assembly.config.task,
        "model": assembly.config.model,
        "parameters": sum(p.numel() for p in assembly.task.modules.parameters()),
        "epochs": None if batches is None else round(progress.step / batches, 4),
        "steps": progress.step,
        "objective": assembly.task.objective._asdict(),
        "headline": next(iter(next(reversed(scores.values()), {})), assembly.task.objective.metric),
        "metrics": {"train": _train_metrics(session), **scores},
        "best": progress.best,
        "seconds": spent,
        "samples_per_s": round(progress.rows / working, 1) if working else None,
        "plan": plan.as_dict(),
        "skipped_updates": training.stepper.skipped,
        "baseline": baseline(assembly, next(reversed(scores))) if scores else {},
    }


def _train_metrics(session: Session) -> dict[str, float]:
    from sonde.engine.journal import read_lines

    steps = [line for line in read_lines(session.folder.metrics) if line["kind"] == "step"]
    return {"loss": steps[-1]["loss"]} if steps and steps[-1]["loss"] is not None else {}


@contextmanager
def _compiled(assembly: Assembly) -> Iterator[list[Finding]]:
    """`--compile` for the body's duration; what stood in its way."""
    if not assembly.config.machine.compile:
        yield []
        return
    with environment.compiled(assembly.task.modules, assembly.device) as found:
        yield found


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
