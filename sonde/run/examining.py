"""The doctor of a run: what it is told of how the run trains, where it writes, and what earlier sittings said."""

from collections.abc import Collection
from functools import partial
from typing import Any

from sonde.core.config import TrainConfig, flat
from sonde.core.errors import Interrupted
from sonde.core.findings import Finding, silenced
from sonde.core.seams import abilities_of
from sonde.data.feed.held import may_change_rows
from sonde.diagnose.acted import Logged, course_of
from sonde.diagnose.before import MIXING, drops_units
from sonde.diagnose.differential import Probing, at_the_end
from sonde.diagnose.doctor import Doctor
from sonde.diagnose.recorded import judged_since, last_stage
from sonde.diagnose.seen import Context, Evaluated
from sonde.diagnose.signals.sample import Sample
from sonde.diagnose.structure import largest_dropout
from sonde.engine.guard import NonFiniteStep
from sonde.engine.json_lines import read_lines
from sonde.engine.step import Stepper
from sonde.engine.training import Training
from sonde.run.build import Assembly
from sonde.run.job import Attempt
from sonde.run.resolve import CUSTOM_MODULE
from sonde.run.telling import tell, withdraw
from sonde.run.time_limit import rows_of


def doctor_of(attempt: Attempt, training: Training, *, total: int | None) -> Doctor | None:
    """The doctor that looks on; None where `--no-doctor` leaves it. total: steps that are planned"""
    loop = attempt.config.loop
    if not loop.doctor:
        return None
    done, context = training.progress.step, context_of(attempt, training.stepper, total=total)
    source = training.source
    doctor = Doctor(
        training.task,
        training.stepper,
        context,
        report=partial(_report, attempt, training),
        sampled=partial(_write, training),
        silenced=silenced(loop.silence),
        first=done + 1,
        logged=Logged(lambda: getattr(source, "figures", {}), loop.log_every) if context.acts else None,
    )
    doctor.withdraw = partial(_withdraw, attempt)
    if attempt.limit is None and not context.acts:  # whose batches would have to be acted anew
        doctor.probing = partial(_probing, attempt, training)
    if done:
        since = judged_since(each.as_dict() for each in attempt.findings)
        doctor.seen.evaluations += [each for each in evaluations_of(attempt.folder.metrics) if each.step > since]
        doctor.seen.earlier = losses_of(attempt.folder.metrics)
        doctor.seen.course = course_of(read_lines(attempt.folder.metrics) if context.acts else (), since)
        doctor.take_up(attempt.findings)
    training.observers = [*training.observers, doctor]
    attempt.doctor = doctor
    return doctor


def _probing(attempt: Attempt, training: Training) -> Probing:
    """The probes for the end of a run."""
    assembly, update = attempt.assembly, training.stepper.main_update
    return at_the_end(
        training.stepper,
        assembly.train,
        assembly.evaluation_sources.get("validation"),
        peak=None if update.scheduler is not None else peak_of(training.stepper),
        elapsed=training.clock.elapsed(),
        targets=has_targets(assembly),
    )


def has_targets(assembly: Assembly) -> bool:
    """Whether rows have targets; they have none where a task learns whole rows."""
    return assembly.dataset is None or assembly.dataset.schema.target.kind != "none"


def last_look(doctor: Doctor | None, training: Training, kind: type[BaseException] | None, *_: object) -> None:
    """The doctor's last examination, as the end of a context. kind: of the error that ended the training; an interrupted run is
    no finished one, and is not examined"""
    if doctor is not None and not (kind is not None and issubclass(kind, Interrupted)):
        broken = kind is not None and issubclass(kind, NonFiniteStep)
        doctor.finish(training.clock.summary(), failed=kind is not None, broken=broken)


def context_of(attempt: Attempt, stepper: Stepper, *, total: int | None) -> Context:
    """How an attempt trains."""
    return context_from(attempt.config, attempt.assembly, stepper, total=total)


def peak_of(stepper: Stepper) -> float:
    """The rate of the main phase's first group of which its schedule gives shares."""
    return stepper._peaks[stepper.main_update.phase.name][0]


def context_from(config: TrainConfig, assembly: Assembly, stepper: Stepper, *, total: int | None) -> Context:
    """How a run of these parts trains."""
    update = stepper.main_update
    group = update.optimizer.param_groups[0]
    acts = abilities_of(assembly.task).acting is not None
    objective = assembly.objective if "validation" in assembly.evaluation_sources else None
    return Context(
        own=config.model == CUSTOM_MODULE or ".py" in config.model,
        by_call=config.model == CUSTOM_MODULE,
        task=config.task,
        acts=acts,
        settings=flat(config.task_config) if acts else {},
        phases=len(assembly.task.phases),
        optimizer=type(update.optimizer).__name__.lower(),
        rate=peak_of(stepper),
        rows=len(assembly.first) if assembly.first is not None else config.feed.batch_size,
        batches=assembly.train.batches,
        total=total,
        clip=stepper.settings.clip if update.clip is None else update.clip,
        weight_decay=float(group.get("weight_decay", 0.0)),
        pretrained=bool(assembly.transferred),
        accumulate=stepper.settings.accumulate,
        precision=stepper.settings.precision,
        shares=None if update.scheduler is not None else update.multiplier,
        objective=None if objective is None else objective.metric,
        dropout=largest_dropout(assembly.task.modules),
        norms=sum(isinstance(module, MIXING) for module in assembly.task.modules.modules()),
        harder=may_change_rows(assembly.train) or any(map(drops_units, assembly.task.modules.modules())),
        larger=objective is not None and objective.mode == "max",
        own_rate=any(each.custom or each.own_rate for each in stepper.updates),
        held=rows_of(assembly, "validation") if "validation" in assembly.evaluation_sources else None,
    )


def evaluations_of(path: Any) -> list[Evaluated]:
    """The evaluations on validation rows in metrics.jsonl."""
    return [
        Evaluated(
            step=int(line["step"]),
            epoch=int(line["epoch"]),
            metrics={name: float("nan") if value is None else float(value) for name, value in line["metrics"].items()},
            seconds=float(line["seconds"]),
        )
        for line in read_lines(path)
        if line.get("kind") == "evaluation" and line.get("split") == "validation"
    ]


def losses_of(path: Any) -> list[tuple[int, float]]:
    """(step, loss) of the lines of steps in metrics.jsonl, each the mean since the line before; of the last stage alone."""
    lines = read_lines(path)
    steps = [line for line in lines if line.get("kind") == "step" and line["step"] >= last_stage(lines)]
    return [(int(line["step"]), float(line["loss"])) for line in steps if line.get("loss") is not None]


def _report(attempt: Attempt, training: Training, found: list[Finding]) -> None:
    warnings = [each for each in found if each.severity != "note"]
    notes = [each for each in found if each.severity == "note"]
    tell(attempt, warnings, at_once=attempt.doctor is None or attempt.doctor.seen.moment != "end")
    attempt.findings += notes
    for finding in notes:
        training.journals["findings.jsonl"].write(finding.as_dict())


def _withdraw(attempt: Attempt, names: Collection[str]) -> None:
    """Take back what was told at a step, from the folder too."""
    attempt.findings[:] = [each for each in attempt.findings if each.name not in names or each.step is None]
    withdraw(attempt.folder.findings, lambda line: line.get("name") in names and line.get("step") is not None)


def _write(training: Training, sample: Sample) -> None:
    training.journals["signals.jsonl"].write(sample.as_line())
