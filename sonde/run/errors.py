"""What ends a run early, as a one-line error that says where, what and how to resume."""

import errno
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import torch

from sonde.core.batch import Batch
from sonde.core.config import FeedConfig, TrainConfig
from sonde.core.errors import ConfigError, DataError, Interrupted, NonFinite, OutOfMemory, RunFolderError, SondeError
from sonde.core.findings import Finding
from sonde.core.nested import in_words, leaves
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Source
from sonde.data.feed.iterables import Looked
from sonde.engine.guard import NonFiniteStep
from sonde.engine.json_lines import JsonLinesLog
from sonde.engine.put_back import PutBack
from sonde.run.build import Assembly
from sonde.run.resolve import CUSTOM_MODULE

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)  # what a person can mend; other OSErrors are ours

KEPT_GRAPH = "backward through the graph a second time"
ONE_ROW = "more than 1 value per channel"  # what batch norm says of a single row in training
SPEAKS_OF_SHAPES = (
    r"\b(shapes?|sizes?|dim|dims|dimensions?|dimension size|batch_size|dtypes?|scalar types?|out of bounds|channels|"
    r"same device|valid range|out of range)\b|two bool tensors|^result type|^Input type|must be Tensor, not|input types? |"
    r"'list' object has no"
)
REMEDIES = (  # of what torch says, and what mends it
    (r"^Target -?\d+ is out of bounds", "classes are numbered from 0, and the network needs an output for each"),
    (r"valid range|index out of range", "an embedding needs an entry for each number, from 0 to the largest"),
    (r"expected target dtype to be Long|expected scalar type Long", "give the targets as target.long()"),
    (r"^result type|two bool tensors|Found dtype Long", "give the targets as target.float()"),
    (
        r"^Input type \(|^mat1 and mat2 must have the same dtype, but got (Byte|Long|Int)",
        "give the inputs as floats, such as input.float()",
    ),
    (
        r"Float and (Half|BFloat16)|(Half|BFloat16) and Float",
        "give the network as net.float(); precision='bf16' computes in 16 bits and keeps its weights in 32",
    ),
)
CLASSES = {
    "0D or 1D target tensor expected": "the loss takes one class number for each row, targets of shape (rows,); give y[:, 0] or "
    "y.squeeze(1) where y is (rows, 1), and y.argmax(1) where it is one-hot",
    "Expected floating point type for target with class probabilities": "targets of the outputs' shape are probabilities for "
    "this loss, and these are whole numbers; give class numbers of shape (rows,), of one-hot ones y.argmax(1), or y.float()",
}
"""What torch's losses of classes say of targets that they do not take, and what to do."""
REMEDY = "lower --lr, add --clip 1, or fix the rows"


def words_to_go_on(folder: RunFolder, config: TrainConfig) -> str:
    """What to type to resume a run."""
    if config.model == CUSTOM_MODULE:  # a network that only the caller's program can build
        return f"the same call with out={str(folder.path)!r}"
    return f"sonde resume {folder.path}"


@contextmanager
def in_one_line(assembly: Assembly, folder: RunFolder) -> Iterator[None]:
    """Raise what stops the body as an error that says where it happened and what to do about it.

    Raises: NonFinite, Interrupted, OutOfMemory, ConfigError; any other error as it is
    """
    try:
        yield
    except NonFiniteStep as trouble:
        raise not_finite(trouble, assembly.train, folder) from trouble
    except NonFinite as trouble:
        raise evaluated_not_finite(trouble, folder) from trouble
    except Interrupted as stop:
        again = words_to_go_on(folder, assembly.config)
        raise Interrupted(f"{stop}; resume with: {again}", signal_number=stop.signal_number) from None
    except (torch.OutOfMemoryError, RuntimeError) as trouble:
        if KEPT_GRAPH in str(trouble):
            raise ConfigError(
                "the loss reaches back into the graph of an earlier step, which is gone: what one step keeps for the next, such "
                "as a hidden state, must be kept as state.detach()"
            ) from trouble
        raise memory_or_itself(trouble, assembly.config.feed, assembly.device) from trouble
    except ValueError as trouble:
        raise one_row_or_itself(trouble, assembly.config.feed, made_by=_made_by(assembly)) from trouble


def not_finite(trouble: NonFiniteStep, source: Source, folder: RunFolder) -> NonFinite:
    """The step, the rows and the checkpoint to resume from; also written down as a finding, once the run's logs are closed."""
    rows, remedy = [int(row) for row in trouble.rows], trouble.remedy or REMEDY
    suspects, words = rows, "rows"
    if trouble.batch is not None and (found := _non_finite(trouble.batch)) is not None:
        name, bad = found
        suspects = [row for row, flag in zip(rows, bad.tolist(), strict=True) if flag]
        words = f"rows with a non-finite {name}"
    named = ", ".join(source.describe(row) for row in suspects[:4])
    more = f" and {len(suspects) - 4} more" if len(suspects) > 4 else ""
    evidence = f"step {trouble.step}: {trouble.what}; {words}: {named}{more}"
    note(folder, evidence, check="not finite", action=remedy, step=trouble.step)
    return NonFinite(
        f"step {trouble.step}, phase {trouble.phase!r}: {trouble.what}; {words}: {named}{more}; the weights were not "
        f"updated, {_last(folder, 'last good checkpoint')}; {remedy}"
    )


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
    """The same for non-finite outputs in an evaluation: its message, and where the last weights are."""
    note(folder, str(trouble), check="not finite", action=REMEDY)
    return NonFinite(f"{trouble}; {_last(folder, 'last checkpoint')}")


def note(folder: RunFolder, evidence: str, *, check: str, action: str, step: int | None = None) -> None:
    """Add an error to the findings of a run whose logs are closed."""
    add_findings(folder, [Finding(check=check, severity="error", evidence=evidence, action=action, step=step)])


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
def failure_noted(folder: RunFolder, begun: Callable[[], bool]) -> Iterator[None]:
    """Write why the body failed into the folder's findings, where `sonde runs` sees it; a stop that was requested is no failure.

    begun: whether a step was done; what is refused before that leaves the folder alone
    Raises: what the body raises
    """
    try:
        yield
    except (Interrupted, NonFinite):  # the latter is noted with its rows already
        raise
    except Exception as trouble:
        if begun():
            first = str(trouble).strip().split("\n")[0]
            note(
                folder,
                f"{type(trouble).__name__}: {first}",
                check="failed",
                action="fix it, then resume the run",
            )
        raise


@contextmanager
def fitting_shapes(assembly: Assembly, at_first: Callable[[], bool]) -> Iterator[None]:
    """Raise what stops the body while the first batch is computed as an error that names the shapes of its fields.

    at_first: whether no batch was computed yet
    Raises: DataError for errors that speak of sizes or types of numbers; any other error as it is
    """
    try:
        yield
    except (RuntimeError, ValueError, IndexError, TypeError, AttributeError) as trouble:
        if not at_first() or (unfit := unfitting(trouble, assembly.first, "the first batch")) is None:
            raise
        raise unfit from trouble


def unfitting(trouble: Exception, batch: Batch | None, what: str) -> DataError | None:
    """An error with the shapes of a batch's fields, where `trouble` speaks of sizes or types of numbers; None where it does not.

    what: the batch in words
    """
    first = str(trouble).strip().split("\n")[0].rstrip(".")
    if batch is not None and (said := next((words for torchs, words in CLASSES.items() if torchs in first), "")):
        held = ", ".join(f"{name} {in_words(field)}" for name, field in batch.fields.items())
        return DataError(f"{what} cannot be computed: {said}; the batch holds {held}")
    other = isinstance(trouble, torch.OutOfMemoryError | SondeError) or ONE_ROW in first
    if other or batch is None or not re.search(SPEAKS_OF_SHAPES, first, re.IGNORECASE):
        return None
    fields = ", ".join(f"{name} {in_words(field)}" for name, field in batch.fields.items())
    remedy = next((f"; {words}" for pattern, words in REMEDIES if re.search(pattern, first)), "")
    return DataError(f"{what} cannot be computed: {first}; the batch holds {fields}{remedy}")


@contextmanager
def steps_in_one_line(assembly: Assembly, at_first: Callable[[], bool]) -> Iterator[None]:
    """What a loop of the caller's own, which has no run folder, raises in one line.

    at_first: whether no step was done yet
    Raises: DataError, ConfigError; any other error as it is
    """
    try:
        with fitting_shapes(assembly, at_first):
            yield
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


def memory_or_itself(trouble: Exception, feed: FeedConfig, device: torch.device) -> Exception:
    """What to make smaller where `trouble` is an out-of-memory error; any other error as it is."""
    text = str(trouble)
    full = isinstance(trouble, torch.OutOfMemoryError) or "not enough memory" in text or "can't allocate memory" in text
    if not full:
        return trouble
    return OutOfMemory(
        f"out of memory on {device} with --batch-size {feed.batch_size} --accumulate {feed.accumulate}: "
        f"give --accumulate {feed.accumulate * 2} (the same update from smaller micro-batches) or --batch-size "
        f"{max(1, feed.batch_size // 2)}"
    )


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
