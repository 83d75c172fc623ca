"""The doctor of a run: what it is told of how the run trains, where it writes, and what earlier sittings said."""

from functools import partial
from typing import Any

from torch.utils.data import TensorDataset

from sonde.core.errors import Interrupted
from sonde.core.findings import Finding
from sonde.diagnose.before import MIXING, drops_units
from sonde.diagnose.doctor import Doctor
from sonde.diagnose.seen import Context, Evaluated
from sonde.diagnose.signals.sample import Sample
from sonde.diagnose.structure import largest_dropout
from sonde.engine.json_lines import read_lines
from sonde.engine.step import Stepper
from sonde.engine.training import Training
from sonde.run.build import changes
from sonde.run.checks import say
from sonde.run.job import Attempt
from sonde.run.resolve import CUSTOM_MODULE


def doctor_of(attempt: Attempt, training: Training, *, total: int | None) -> Doctor | None:
    """The doctor that looks on; None where `--no-doctor` leaves it. total: steps that are planned"""
    loop = attempt.config.loop
    if not loop.doctor:
        return None
    done = training.progress.step
    doctor = Doctor(
        training.task,
        training.stepper,
        context_of(attempt, training.stepper, total=total),
        report=partial(_report, attempt, training),
        sampled=partial(_write, training),
        silenced=[each.strip() for name in loop.silence for each in name.split(",")],
        first=done + 1,
        known=_said_before(attempt) if done else (),
    )
    if done:
        doctor.seen.evaluations += evaluations_of(attempt.folder.metrics)
    training.observers = [*training.observers, doctor]
    attempt.doctor = doctor
    return doctor


def last_look(doctor: Doctor | None, training: Training, kind: type[BaseException] | None, *_: object) -> None:
    """The doctor's last examination, as the end of a context. kind: of the error that ended the training; an interrupted run is
    no finished one, and is not examined"""
    if doctor is not None and not (kind is not None and issubclass(kind, Interrupted)):
        doctor.finish(training.clock.summary(), failed=kind is not None)


def context_of(attempt: Attempt, stepper: Stepper, *, total: int | None) -> Context:
    """How an attempt trains."""
    config, assembly = attempt.config, attempt.assembly
    update, rates = stepper.main_update, stepper.rates()
    group = update.optimizer.param_groups[0]
    objective = assembly.objective if "validation" in assembly.evaluation_sources else None
    return Context(
        own=config.model == CUSTOM_MODULE or ".py" in config.model,
        task=config.task,
        phases=len(assembly.task.phases),
        optimizer=type(update.optimizer).__name__.lower(),
        rate=float(group.get("initial_lr", rates[update.phase.name])),
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
        larger=objective is not None and objective.mode == "max",
        harder=_harder(attempt),
        own_rate=any(each.custom or each.own_rate for each in stepper.updates),
    )


def _harder(attempt: Attempt) -> bool:
    """Whether training rows may be made harder than validation rows: by units that are dropped, or by what changes the rows."""
    assembly, config = attempt.assembly, attempt.config
    if any(drops_units(module) for module in assembly.task.modules.modules()):
        return True
    if assembly.dataset is not None:
        return changes(assembly.dataset.schema, config.feed.augment, task=config.task) is not None
    held = getattr(getattr(assembly.train, "source", assembly.train), "loader", None)
    return held is not None and type(getattr(held, "dataset", None)) is not TensorDataset


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


def _said_before(attempt: Attempt) -> set[str]:
    return {str(line["name"]) for line in read_lines(attempt.folder.findings) if line.get("name")}


def _report(attempt: Attempt, training: Training, found: list[Finding]) -> None:
    warnings = [each for each in found if each.severity != "note"]
    notes = [each for each in found if each.severity == "note"]
    say(attempt, training, warnings)
    attempt.findings += notes
    for finding in notes:
        training.journals["findings.jsonl"].write(finding.as_dict())


def _write(training: Training, sample: Sample) -> None:
    training.journals["signals.jsonl"].write(sample.as_line())
