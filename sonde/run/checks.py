"""Automatic checks of a run on somebody's own code, before its first step and in its first steps."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from sonde.core.findings import Finding, hushed, silenced
from sonde.core.seams import abilities_of, extras_of
from sonde.diagnose.aside import aside
from sonde.diagnose.before import inexact_resume
from sonde.diagnose.parameters import LOOKS, GradientCheck, frozen_in_training, in_no_phase
from sonde.diagnose.signals.compiled import compilations, has_compiled, until_compiled
from sonde.diagnose.signals.readings import in_words
from sonde.diagnose.stages import never_due
from sonde.diagnose.structure import (
    acts_linearly,
    draws,
    frozen_as_drawn,
    padding_drowns,
    rows_mixed,
    rows_numbered,
    sees_ahead,
    units_alike,
    unregistered,
)
from sonde.engine.step import Eager, Stepper
from sonde.engine.training import Training
from sonde.models.table import MODELS
from sonde.optim.usual import unsuited
from sonde.run.answering import answer
from sonde.run.build import Assembly
from sonde.run.callers_code import changed_findings
from sonde.run.generated import too_few
from sonde.run.given_facts import given_facts
from sonde.run.job import Attempt
from sonde.run.resolve import CUSTOM_MODULE, kind_of
from sonde.run.telling import tell
from sonde.screen.screen import Screen


def at_the_start(attempt: Attempt, stepper: Stepper) -> list[Finding]:
    """What is to be said before the first step, of a run that begins or of one that goes on."""
    source = attempt.assembly.train
    if attempt.saved is None:
        return before_training(attempt.assembly, stepper) + inexact_resume(source)
    step = attempt.saved.step
    return changed_findings(attempt.changed, step=step) + inexact_resume(source, step=step)


@contextmanager
def watched(attempt: Attempt, training: Training) -> Iterator[None]:
    """Look at the first steps of the body; what they show is said at once, and at its end at the latest."""
    check = watch_gradients(
        attempt.assembly,
        training.stepper,
        lambda found: say(attempt, found),
        done=training.progress.step,
    )
    yield
    if check is not None:
        check.finish()


def before_training(assembly: Assembly, stepper: Stepper) -> list[Finding]:
    """What is to be said of the caller's networks before they are trained; of networks of ours, of the optimiser alone."""
    if not _is_custom(assembly):
        return _unsuited(assembly) + too_few(assembly.pool)
    found = never_due(assembly.task.phases, stepper.stages, total=stepper.total)
    found += in_no_phase(assembly.task, stepper) + _summed(assembly)
    if assembly.config.transfer.freeze in ("none", 0):  # what that freezes, it keeps in evaluation mode
        found += frozen_in_training(assembly.task, stepper.kept)
    return found + (_harmless(assembly) if assembly.config.loop.doctor else [])


def _harmless(assembly: Assembly) -> list[Finding]:
    """Facts about the caller's network, which is then as it was; a check of ours that fails is a note and ends nothing."""
    try:
        if has_compiled(assembly.task.modules):  # for each number of rows anew
            return given_facts(assembly, None) + units_alike(assembly.task)
        with aside(assembly.task.modules, assembly.device):
            return facts(assembly)
    except Exception as trouble:
        return [
            Finding(
                check="doctor",
                severity="note",
                evidence=f"the checks before the first step failed ({in_words(trouble)}) and were skipped",
                action="nothing; --no-doctor turns the doctor off",
                step=0,
            )
        ]


def facts(assembly: Assembly) -> list[Finding]:
    """Facts about the caller's rows and network, of which some are seen by what it answers to a few rows."""
    task, first = assembly.task, assembly.first
    bind = abilities_of(task).bind
    if bind is None or set(task.modules) - {"model", "loss"}:
        return given_facts(assembly, None) + units_alike(task) + frozen_as_drawn(task)
    drawn = partial(answer, task, assembly.device)
    ask, before = until_compiled(drawn), compilations()
    found = given_facts(assembly, ask) + frozen_as_drawn(task)
    if first is None or draws(drawn, first) or compilations() > before:
        return found + units_alike(task)
    found += units_alike(task, ask, rows_numbered(first, range(min(4, len(first.index)))))
    inputs = bind(first).inputs
    found += acts_linearly(task, ask, first, inputs)
    mixed: list[Finding] = []
    if not extras_of(task).across_rows and not unregistered(task.modules):
        mixed = rows_mixed(ask, first, task.modules)
        found += mixed
    if len(inputs) == 1:
        found += padding_drowns(ask, first, inputs[0])
    if not mixed and len(inputs) == 1 and "target" in first:
        target = next(name for name in first.fields if first.fields[name] is first["target"])
        found += sees_ahead(ask, first, inputs[0], target)
    return found


def _unsuited(assembly: Assembly) -> list[Finding]:
    """What keeps the optimiser from training a network of ours as well as others do."""
    config, rows = assembly.config, len(assembly.dataset.splits["train"]) if assembly.dataset else 0
    if not rows or config.model not in MODELS:
        return []
    batch = rows if config.data.overfit_batches else config.feed.batch_size
    return unsuited(str(config.optim.optimizer), kind=kind_of(MODELS[config.model]), batch=batch, rows=rows)


def _summed(assembly: Assembly) -> list[Finding]:
    """A finding for a loss of torch's that adds up what all else takes for a mean over the rows."""
    loss = getattr(assembly.task, "_function", None)
    reduction = loss.keywords.get("reduction") if isinstance(loss, partial) else getattr(loss, "reduction", None)
    if reduction != "sum":
        return _by_batches(assembly)
    return [
        Finding(
            check="loss that sums",
            name="loss-that-sums",
            severity="warning",
            evidence="the loss has reduction='sum': its gradient grows with the rows of a batch, a smaller last batch "
            "moves the weights less, and the reported loss of a dataset is the mean of its batches' sums",
            action="give it reduction='mean'; for the same steps of sgd multiply lr by the rows of a batch",
        )
    ]


def _by_batches(assembly: Assembly) -> list[Finding]:
    """A finding for a validation loss of several batches that is no mean over the rows and does not say what of."""
    validation = assembly.evaluation_sources.get("validation")
    if getattr(assembly.task, "mean_over_rows", None) is not False or validation is None or validation.batches == 1:
        return []
    return [
        Finding(
            check="validation loss is a mean of batches",
            severity="note",
            evidence="the loss of a batch is not the mean of the losses of its halves: it is not a mean over rows "
            "(class weights, a mask?), and the validation loss is reported as the mean over batches, weighted by their "
            "rows",
            action="return sonde.Loss(value, weight), where weight is what the sum was divided by, such as "
            "weight[target].sum() or mask.sum(), or give torch.nn.CrossEntropyLoss(weight) itself",
        )
    ]


def watch_gradients(
    assembly: Assembly, stepper: Stepper, report: Callable[[list[Finding]], None], *, done: int = 0
) -> GradientCheck | None:
    """Let the first steps be looked at, where the network or the task is the caller's own. done: steps of an earlier sitting"""
    eager = stepper.execution.eager
    looks = min(LOOKS, assembly.train.batches or LOOKS) - done
    if not _is_custom(assembly) or looks < 1 or not isinstance(eager, Eager):
        return None

    def stop() -> None:
        eager.look = None

    eager.look = GradientCheck(assembly.task, stepper, report=report, done=stop, looks=looks)
    return eager.look


def checked_on_screen(assembly: Assembly, stepper: Stepper, screen: Screen) -> None:
    """The same for a loop of the caller's own, which has no run folder."""

    def show(found: Sequence[Finding]) -> None:
        if found:
            told = hushed(found, silenced(assembly.config.loop.silence))
            screen.findings([finding.as_dict() for finding in told])

    show(before_training(assembly, stepper))
    watch_gradients(assembly, stepper, show)


def say(attempt: Attempt, found: Sequence[Finding]) -> None:
    """Write findings down and show them; the doctor takes note of them."""
    found = hushed(found, silenced(attempt.config.loop.silence))
    tell(attempt, found)
    if attempt.doctor is not None:
        attempt.doctor.told(found)


def _is_custom(assembly: Assembly) -> bool:
    return assembly.config.model == CUSTOM_MODULE or ".py" in assembly.config.model
