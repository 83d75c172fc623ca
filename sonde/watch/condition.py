"""What state a run is in, in a word and in a sentence: from its files, and from whether its process is alive."""

from dataclasses import dataclass
from typing import Any, Literal

from sonde.core.files import parsed_json
from sonde.core.run_folder import RunFolder
from sonde.core.units import count, duration, metric, metric_name
from sonde.report.folder import Reading
from sonde.report.overview import headline

State = Literal["starting", "running", "finished", "stopped", "failed"]
OF_FOLDS = "Each fold has a page of its own in the list of runs."
CALLERS_NETWORK = "custom"  # a model that only the caller's program can build, and resume


@dataclass(frozen=True, kw_only=True)
class Condition:
    """The top of the page.

    value, what: the number that says most so far, and what it is of;  command: to type next
    part: of the way that is done, 0 to 1, where it is known
    """

    state: State
    title: str
    sentences: tuple[str, ...] = ()
    value: str = ""
    what: str = ""
    command: str = ""
    part: float | None = None


def condition(run: Reading, *, alive: bool) -> Condition:
    """The state of a run. alive: whether a process trains in its folder."""
    goes_on = alive and run.last_step > (run.result.get("steps") or run.last_step)  # resumed after it had finished
    if run.result and not goes_on:
        told = headline(run)
        return Condition(
            state="finished", title=_ended(run), sentences=tuple(told.sentences), value=told.value, what=told.what
        )
    return _running(run) if alive else _gone(run)


def _ended(run: Reading) -> str:
    """How a run with a result came to its end."""
    if run.result.get("ended_by") == "time_limit":
        return "Finished at its time limit"
    status = str(run.result.get("status") or "finished")
    return "Finished" if status == "finished" else f"Finished: {status.removeprefix('stopped: ')[:200]}"


def _running(run: Reading) -> Condition:
    if (fold := _fold(run)) is not None:
        folds = (run.config.get("settings") or {}).get("folds")
        of, part = (
            (f" of {count(folds)}", (fold - 1) / folds) if isinstance(folds, int) and folds >= fold else ("", None)
        )
        return Condition(state="running", title=f"Running fold {fold}{of}", sentences=(OF_FOLDS,), part=part)
    if not run.last_step:
        return Condition(state="starting", title="Starting", sentences=("No step was logged yet.",))
    value, what = _so_far(run)
    planned, part = run.plan.get("steps"), None
    told = f"Step {count(run.last_step)}"
    if planned:
        part = min(1.0, run.last_step / planned)
        told += f" of {count(planned)}"
    batches = run.plan.get("batches_per_epoch")
    if batches:
        told += f", epoch {run.last_step / batches:.{1 if run.last_step >= batches else 2}f}"
        told += f" of {planned / batches:g}" if planned and planned % batches == 0 else ""
    sentences = [told + "."]
    if (left := _left_s(run, planned)) is not None:
        sentences.append(f"About {duration(left)} left.")
    return Condition(state="running", title="Running", sentences=tuple(sentences), value=value, what=what, part=part)


def _left_s(run: Reading, planned: int | None) -> float | None:
    """Seconds to the planned end at the pace of the latest half of the lines."""
    lines = [line for line in run.steps if line.get("seconds") is not None]
    if not planned or len(lines) < 3 or run.last_step >= planned:
        return None
    first, last = lines[len(lines) // 2 - 1], lines[-1]
    steps, seconds = last["step"] - first["step"], last["seconds"] - first["seconds"]
    return (planned - last["step"]) * seconds / steps if steps > 0 and seconds > 0 else None


def _fold(run: Reading) -> int | None:
    """The last fold that a cross-validation has begun; None of another run."""
    places = (
        folder.name.removeprefix("fold-") for folder in run.path.glob("fold-*") if (folder / "config.yaml").exists()
    )
    return max((int(place) for place in places if place.isdecimal()), default=None)


def _gone(run: Reading) -> Condition:
    """A run without a result, whose process is no more."""
    if (fold := _fold(run)) is not None:
        said = (OF_FOLDS, "Go on with:")
        return Condition(state="failed", title=f"Ended in fold {fold}", sentences=said, command=_command(run))
    last = run.findings[-1] if run.findings else {}
    saved, value, what = saved_step(run), *_so_far(run)
    way_on: dict[str, Any] = {"value": value, "what": what, "command": _command(run)}
    kept = (
        f"Saved at step {count(saved)}; continue from there with:"
        if saved
        else "No checkpoint was saved; start it again with:"
    )
    if last.get("severity") == "error":
        step = run.last_step if last.get("step") is None else last["step"]
        place = f" at step {count(step)}" if step else ""
        said = (_sentence(str(last.get("evidence") or "")), _sentence(str(last.get("action") or "")), kept)
        return Condition(state="failed", title=f"Died{place}: {last.get('check')}"[:200], sentences=said, **way_on)
    if not run.last_step:
        said = "The process is gone; the terminal it ran in shows why."
        return Condition(state="failed", title="Ended before its first step was logged", sentences=(said,))
    if saved is not None and saved >= run.last_step:
        return Condition(state="stopped", title=f"Stopped at step {count(saved)}", sentences=(kept,), **way_on)
    said = (
        "Its process is gone and left no error message: it was killed (by a person, or out of memory), or the machine "
        "went down."
    )
    title = f"Died at step {count(run.last_step)}: the process is gone"
    return Condition(state="failed", title=title, sentences=(said, kept), **way_on)


def _command(run: Reading) -> str:
    own = (run.config.get("settings") or {}).get("model") == CALLERS_NETWORK
    return f"the same call with out={str(run.path)!r}" if own else f"sonde resume {run.path}"


def saved_step(run: Reading) -> int | None:
    """The step of the last checkpoint; None where there is none, or what stands there is none."""
    try:
        content = (RunFolder(run.path).checkpoints / "last" / "state.json").read_bytes()
        step = parsed_json(content.partition(b"\n")[2])["state"]["progress"]["step"]  # below the line that seals it
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return step if isinstance(step, int) else None


def _so_far(run: Reading) -> tuple[str, str]:
    """The metric that is read first, at its latest evaluation; else the training loss."""
    lines = [line for line in run.evaluations if line.get("split") == "validation" and line.get("metrics")]
    if lines:
        name = next(iter(lines[-1]["metrics"]))
        return metric(name, lines[-1]["metrics"][name]), f"{metric_name(name)} on the validation data so far"
    losses = [line.get("loss") for line in run.steps if line.get("loss") is not None]
    return (metric("loss", losses[-1]), "training loss so far") if losses else ("", "")


def _sentence(text: str) -> str:
    text = text.strip()[:600]
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
