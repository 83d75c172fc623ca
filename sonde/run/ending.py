"""How a run that stops or fails ended: the last line of its metrics.jsonl, and a report that says so."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from signal import SIGINT

from sonde.core.errors import Interrupted, NonFinite, RunFolderError, SondeError, TimeOver
from sonde.core.run_state import FAILED, INTERRUPTED
from sonde.engine.json_lines import JsonLinesLog
from sonde.engine.loop import epoch_of
from sonde.run.errors import note
from sonde.run.job import Attempt
from sonde.run.report import write_report


@contextmanager
def ending_noted(attempt: Attempt) -> Iterator[None]:
    """Write how a body that raises ended into the attempt's folder, and draw its report.

    What is refused before the first step leaves no folder, and a run that could not be resumed stays as it was.
    Raises: what the body raises
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as trouble:
        refused = attempt.saved is not None and (attempt.training is None or not attempt.training.journals)
        if attempt.folder.config.exists() and not refused:
            with suppress(OSError, RunFolderError):  # of a full disk, which the error itself names
                _tell(attempt, trouble)
        raise


@contextmanager
def nothing_left(attempt: Attempt) -> Iterator[None]:
    """A new run that is refused, or fails before a step is done, leaves no folder, which would then refuse other settings."""
    try:
        yield
    except (NonFinite, Interrupted, TimeOver):
        raise  # the folder says which rows, or goes on
    except Exception:
        if attempt.saved is None and not attempt.again and not attempt.steps:
            attempt.folder.abandon()
        raise


def _tell(attempt: Attempt, trouble: BaseException) -> None:
    folder = attempt.folder
    if isinstance(trouble, Interrupted | KeyboardInterrupt):
        signal = trouble.signal_number if isinstance(trouble, Interrupted) else int(SIGINT)
        _write(attempt, INTERRUPTED, {"signal": signal})
    else:
        if attempt.steps and not isinstance(trouble, NonFinite):  # of which the rows are noted already
            note(folder, in_words(trouble), check="failed", action="fix it, then resume the run")
        _write(attempt, FAILED, {"why": in_words(trouble)})
    write_report(folder.path)


def _write(attempt: Attempt, event: str, details: dict[str, object]) -> None:
    """Add the event to metrics.jsonl, which a resumed run cuts back to where its checkpoint was written."""
    folder = attempt.folder
    length = folder.metrics.stat().st_size if folder.metrics.exists() else 0
    step, seconds = attempt.steps, round(attempt.assembly.clock.elapsed(), 4)
    epoch = {"epoch": epoch_of(attempt.assembly.train, step)} if step else {}
    with closing(JsonLinesLog(folder.metrics, keep_bytes=length)) as log:
        log.write({"kind": "event", "step": step, **epoch, "event": event, "details": details, "seconds": seconds})


def in_words(trouble: BaseException) -> str:
    """What was raised, in one line.

    >>> in_words(RuntimeError("no room")), in_words(ValueError())
    ('RuntimeError: no room', 'ValueError')
    """
    first = str(trouble).strip().split("\n")[0]
    return first if isinstance(trouble, SondeError) else f"{type(trouble).__name__}: {first}".removesuffix(": ")
