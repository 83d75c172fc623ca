"""What ends a run early, as a one-line error that says where, what and how to resume."""

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import torch

from sonde.core.batch import TARGET_NAMES, Batch
from sonde.core.config import FeedConfig, TrainConfig
from sonde.core.errors import (
    ConfigError,
    DataError,
    Interrupted,
    NonFinite,
    NonFiniteOutput,
    RunFolderError,
)
from sonde.core.findings import Finding
from sonde.core.nested import leaves
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Meter, Source
from sonde.data.feed.iterables import Looked
from sonde.diagnose.not_finite import Origin, origin
from sonde.engine.execution.settings import autocast
from sonde.engine.guard import NonFiniteStep
from sonde.engine.json_lines import JsonLinesLog
from sonde.engine.met import met_at
from sonde.engine.put_back import PutBack
from sonde.run.build import Assembly
from sonde.run.memory import memory_or_itself
from sonde.run.resolve import CUSTOM_MODULE
from sonde.run.unfit import ONE_ROW, unfitting

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)  # what a person can mend; other OSErrors are ours

KEPT_GRAPH = "backward through the graph a second time"
IN_RANGE = {
    **dict.fromkeys(("log", "log2", "log10"), "keep the input of log above 0, such as x.clamp_min(1e-6).log()"),
    **dict.fromkeys(("sqrt", "rsqrt"), "keep the input of sqrt above 0, such as x.clamp_min(1e-6).sqrt()"),
    **dict.fromkeys(("div", "truediv", "reciprocal"), "keep the divisor away from 0, such as x / y.clamp_min(1e-6)"),
    "exp": "keep the input of exp small, such as x.clamp_max(20).exp()",
}
"""By torch's function, what keeps its results finite."""
IGNORED = "targets mostly ignored"
REMEDY = "lower --lr, add --clip 1, or fix the rows"
OF_ROWS = "fix these rows or leave them out: a missing number can become its column's median"


def words_to_go_on(folder: RunFolder, config: TrainConfig) -> str:
    """What to type to resume a run."""
    if config.model == CUSTOM_MODULE:  # a network that only the caller's program can build
        return f"the same call with out={str(folder.path)!r}"
    return f"sonde resume {folder.path}"


@contextmanager
def in_one_line(assembly: Assembly, folder: RunFolder) -> Iterator[None]:
    """Raise what stops the body as an error that says where it happened and what to do about it.

    Raises: NonFinite, Interrupted, OutOfMemory, ConfigError, DataError; any other error as it is
    """
    try:
        yield
    except NonFiniteStep as trouble:
        raise not_finite(trouble, assembly, folder) from trouble
    except NonFinite as trouble:
        raise evaluated_not_finite(trouble, folder) from trouble
    except DataError as trouble:
        if trouble.kept is None:
            raise
        again = f"{words_to_go_on(folder, assembly.config)} {trouble.on_resume}".rstrip()
        raise DataError(f"{trouble}; all up to step {trouble.kept:,} is saved: resume with: {again}") from trouble
    except Interrupted as stop:
        again = words_to_go_on(folder, assembly.config)
        raise Interrupted(f"{stop}; resume with: {again}", signal_number=stop.signal_number) from None
    except (MemoryError, RuntimeError) as trouble:
        if KEPT_GRAPH in str(trouble):
            raise ConfigError(
                "the loss reaches back into the graph of an earlier step, which is gone: what one step keeps for the next, such "
                "as a hidden state, must be kept as state.detach()"
            ) from trouble
        raise _of_memory_or_itself(trouble, assembly) from trouble
    except ValueError as trouble:
        raise one_row_or_itself(trouble, assembly.config.feed, made_by=_made_by(assembly)) from trouble


def not_finite(trouble: NonFiniteStep, assembly: Assembly, folder: RunFolder) -> NonFinite:
    """The step, the rows and the checkpoint to resume from; also written down as a finding, once the run's logs are closed."""
    source = assembly.train
    rows, remedy = [int(row) for row in trouble.rows], trouble.remedy or REMEDY
    suspects, words, name = rows, "rows", ""
    if trouble.batch is not None and (found := _non_finite(trouble.batch)) is not None:
        name, bad = found
        suspects = [row for row, flag in zip(rows, bad.tolist(), strict=True) if flag]
        words = f"rows with a non-finite {name}"
    named = ", ".join(source.describe(row) for row in suspects[:4])
    more = f" and {len(suspects) - 4} more" if len(suspects) > 4 else ""
    evidence = f"{trouble.what}; {words}: {named}{more}"
    check, begun = "not finite", None
    if words != "rows":
        check, remedy = f"not finite {'targets' if name in TARGET_NAMES else 'inputs'}", OF_ROWS
    elif (begun := _origin(trouble, assembly)) is not None:
        evidence += f"; {begun.words}"
        remedy = trouble.remedy or _remedy(trouble.step or 0, begun.function)
        if begun.targetless:
            check, remedy = IGNORED, "check how the targets are filled, or use a larger --batch-size"
    note(folder, evidence, check=check, action=remedy, step=trouble.step)
    why = f" ({check}: {begun.words})" if begun is not None and begun.targetless else ""
    return NonFinite(
        f"step {trouble.step}, phase {trouble.phase!r}: {trouble.what}{why}; {words}: {named}{more}; the weights were not "
        f"updated, {_last(folder, 'last good checkpoint')}; {remedy}"
    )


def _remedy(step: int, function: str) -> str:
    """What to change, by the function that gave the first value that is not finite; before an update no setting is to blame."""
    inside = IN_RANGE.get(function.removesuffix("_"), "")
    if step != 1:
        return REMEDY + (f", or {inside}" if inside else "")
    return f"{inside or f'keep the input of {function} within its domain'}: no weight had been changed yet"


def _origin(trouble: NonFiniteStep, assembly: Assembly) -> Origin | None:
    """The function of the forward pass where it began; None where it did not happen again, or began in the backward pass."""
    phase = next((each for each in assembly.task.phases if each.name == trouble.phase), None)
    batch = trouble.batch
    if phase is None or batch is None:
        return None
    device = batch.index.device
    with autocast(assembly.step_settings()), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        return origin(assembly.task, lambda: phase.loss(batch))


def _non_finite(batch: Batch) -> tuple[str, torch.Tensor] | None:
    """The first field with numbers that are not finite, and which rows (B,) have such; of a masked batch only its input."""
    fields = {"input": batch["input"]} if "input" in batch else {}
    if "mask" not in batch:
        fields |= batch.fields
    for name, field in fields.items():
        for _, part in leaves(field):
            if isinstance(part, torch.Tensor):
                bad = ~torch.isfinite(part).reshape(len(part), -1).all(1)
                if bool(bad.any()):
                    return name, bad
    return None


def evaluated_not_finite(trouble: NonFinite, folder: RunFolder) -> NonFinite:
    """The same for non-finite outputs in an evaluation: its message, and where the last good weights are."""
    note(folder, str(trouble), check="not finite", action=REMEDY, step=trouble.step)
    return NonFinite(f"{trouble}; {_last(folder, 'last good checkpoint')}")


def scores_of(meter: Meter, source: Source, split: str, *, step: int) -> dict[str, float]:
    """What an evaluation came to, after `step`. Raises: NonFinite, which names the step and the row, for one with NaN"""
    try:
        return meter.compute()
    except NonFiniteOutput as trouble:
        where = f"{trouble.place} {source.describe(trouble.row)}"
        named = NonFinite(f"step {step}, evaluation on {split}: {trouble.what} ({where}); {trouble.remedy}")
        named.step = step
        raise named from trouble


def note(folder: RunFolder, evidence: str, *, check: str, action: str, step: int | None = None) -> None:
    """Add an error to the findings of a run whose logs are closed."""
    add_findings(
        folder,
        [Finding(check=check, severity="error", evidence=evidence, action=action, step=step)],
    )


def add_findings(folder: RunFolder, found: Sequence[Finding]) -> None:
    """Add to findings.jsonl, whose end a resumed run cuts back to where its checkpoint was taken."""
    length = folder.findings.stat().st_size if folder.findings.exists() else 0
    with closing(JsonLinesLog(folder.findings, keep_bytes=length)) as log:
        for finding in found:
            log.write(finding.as_dict())


def _last(folder: RunFolder, what: str) -> str:
    last = folder.checkpoints / "last"
    return f"{what}: {last}" if last.exists() else "no checkpoint was written yet"


@contextmanager
def fitting_shapes(assembly: Assembly, steps: Callable[[], int]) -> Iterator[None]:
    """Raise what stops the body at a batch as an error that names its rows, and the shapes of its fields.

    steps: how many were done
    Raises: DataError for errors that speak of sizes, types or ranges of numbers; any other error as it is
    """
    try:
        yield
    except (RuntimeError, ValueError, IndexError, TypeError, AttributeError) as trouble:
        unfit = _unfit(trouble, assembly, steps())
        if unfit is None:
            raise
        raise unfit from trouble


def _unfit(trouble: Exception, assembly: Assembly, steps: int) -> DataError | None:
    met = met_at(trouble)
    if met is None:
        return unfitting(trouble, assembly.first, "the first batch") if not steps else None
    split = next((name for name, source in assembly.evaluation_sources.items() if source is met.source), "")
    if split:
        what = f"step {steps}, evaluation on {split}: a batch"
        return unfitting(trouble, met.batch, what, met.source.describe, later=True)
    if not steps:
        return unfitting(trouble, met.batch, "the first batch", met.source.describe)
    return unfitting(trouble, met.batch, f"step {steps + 1}: the batch", met.source.describe, later=True)


@contextmanager
def steps_in_one_line(assembly: Assembly, steps: Callable[[], int]) -> Iterator[None]:
    """What a loop of the caller's own, which has no run folder, raises in one line.

    steps: how many were done
    Raises: DataError, ConfigError; any other error as it is
    """
    try:
        with fitting_shapes(assembly, steps):
            yield
    except (MemoryError, RuntimeError) as trouble:
        raise _of_memory_or_itself(trouble, assembly) from trouble
    except ValueError as trouble:
        refusal = one_row_or_itself(trouble, assembly.config.feed, made_by=_made_by(assembly))
        if refusal is trouble:
            raise
        raise refusal from trouble


@contextmanager
def room_in(folder: RunFolder, again: str) -> Iterator[None]:
    """Raise a one-line error where the body finds the disk full or not writable.

    again: how to resume the run

    Raises: RunFolderError; any other error as it is
    """
    try:
        yield
    except OSError as trouble:
        if trouble.errno not in FULL:
            raise
        raise RunFolderError(
            f"cannot write to {trouble.filename or folder.path}: {trouble.strerror}; saved files are intact: free disk "
            f"space, then resume with: {again}"
        ) from trouble


def _of_memory_or_itself(trouble: Exception, assembly: Assembly) -> Exception:
    met, evaluated = met_at(trouble), ""
    if met is not None and any(source is met.source for source in assembly.evaluation_sources.values()):
        half = max(1, len(met.batch) // 2)
        evaluated = f"give the evaluated data as a DataLoader of batches of {half:,} rows"
        evaluated = evaluated if assembly.dataset is None else "give smaller inputs, such as --image-size"
    return memory_or_itself(trouble, assembly.config.feed, assembly.device, evaluated=evaluated)


def _made_by(assembly: Assembly) -> str:
    """What of the caller's makes the batches; "" where they are made here."""
    source = assembly.train.source if isinstance(assembly.train, PutBack) else assembly.train
    looked = getattr(source, "loader", None)
    elsewhere = assembly.in_batches or (isinstance(looked, Looked) and looked.in_batches)
    return assembly.made_by if elsewhere else ""


def one_row_or_itself(trouble: ValueError, feed: FeedConfig, *, made_by: str = "") -> Exception:
    """What to change where `trouble` is batch norm's refusal of a single row in training; any other error as it is.

    made_by: what makes the batches, where the caller gave them
    """
    if ONE_ROW not in str(trouble):
        return trouble
    if made_by and feed.accumulate == 1:
        where = f"{made_by} yields a batch of one row"
        remedy = "let it yield two rows or more in each, or leave such a batch out"
        if "DataLoader" in made_by:
            remedy = "give it drop_last=True, or another batch_size"
    elif feed.accumulate > 1:
        where = f"--batch-size {feed.batch_size} --accumulate {feed.accumulate} leaves a micro-batch of one row"
        remedy = "lower --accumulate or raise --batch-size (the last batch of an epoch may be smaller)"
    else:
        where = f"--batch-size {feed.batch_size} leaves a batch of one row"
        remedy = "give another --batch-size"
    return ConfigError(
        f"{where}, and batch norm needs at least two rows in training; {remedy}, or use a model without batch norm"
    )
