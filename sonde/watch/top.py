"""The top of a run's page: its state in a word and in a sentence, the number that says most, and what to type next.

Which state a run is in tells `core.run_state`; what is said of one that ended without a result is the report's verdict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sonde.core.marks import shell_quoted
from sonde.core.units import count, duration, metric, metric_name
from sonde.report.folder import Reading
from sonde.report.metric_words import direction
from sonde.report.overview import headline, reached
from sonde.report.taken import taken
from sonde.report.verdict import CHECKPOINT, verdict

Light = Literal["starting", "running", "finished", "stopped", "failed"]
OF_FOLDS = "Each fold has a page of its own in the list of runs."


@dataclass(frozen=True, kw_only=True)
class Top:
    """The top of the page.

    light: the colour of its lamp;  value, what: the number that says most so far, and what it is of
    command, why: to type next, and what that does;  part: of the way that is done, 0 to 1, where it is known
    """

    light: Light
    title: str
    sentences: Sequence[str] = ()
    value: str = ""
    what: str = ""
    command: str = ""
    why: str = ""
    part: float | None = None


def top_of(run: Reading) -> Top:
    """What stands first on the page of a run."""
    if run.done:
        told = headline(run)
        return Top(light="finished", title=_ended(run), sentences=told.sentences, value=told.value, what=told.what)
    return _running(run) if run.state.condition == "running" else _gone(run)


def _ended(run: Reading) -> str:
    """How a run with a result came to its end."""
    if run.result.get("ended_by") == "time_limit":
        return "Finished at its time limit"
    status = str(run.result.get("status") or "finished")
    return "Finished" if status == "finished" else f"Finished: {status.removeprefix('stopped: ')[:200]}"


def _running(run: Reading) -> Top:
    if fold := run.state.fold:
        folds = (run.config.get("settings") or {}).get("folds")
        of, part = (
            (f" of {count(folds)}", (fold - 1) / folds) if isinstance(folds, int) and folds >= fold else ("", None)
        )
        return Top(light="running", title=f"Running fold {fold}{of}", sentences=[OF_FOLDS], part=part)
    if not run.last_step:
        return Top(light="starting", title="Starting", sentences=["No step was logged yet."])
    value, what = _so_far(run)
    planned, part = run.ends_at, None
    told = f"{run.length.removesuffix('s').title()} {count(run.last_step)}"
    if planned:
        part = min(1.0, run.last_step / planned)
        told += f" of {count(planned)}"
    batches = run.plan.get("batches_per_epoch")
    if batches:
        told += f", epoch {run.last_step / batches:.{1 if run.last_step >= batches else 2}f}"
        told += f" of {planned / batches:g}" if planned and planned % batches == 0 else ""
    done = taken(run)
    told += f", {done} so far" if done else ""
    sentences = [told + "."]
    if (left := _left_s(run, planned)) is not None:
        sentences.append(f"About {duration(left)} left.")
    return Top(light="running", title="Running", sentences=sentences, value=value, what=what, part=part)


def _left_s(run: Reading, planned: int | None) -> float | None:
    """Seconds to the planned end at the pace of the latest half of the lines."""
    lines = [line for line in run.steps if line.get("seconds") is not None]
    if not planned or len(lines) < 3 or run.last_step >= planned:
        return None
    first, last = lines[len(lines) // 2 - 1], lines[-1]
    steps, seconds = last["step"] - first["step"], last["seconds"] - first["seconds"]
    return (planned - last["step"]) * seconds / steps if steps > 0 and seconds > 0 else None


def _gone(run: Reading) -> Top:
    """A run without a result, whose process is no more."""
    state, told, (value, what) = run.state, verdict(run), _so_far(run)
    step = told.steps[0]
    light: Light = "stopped" if state.condition == "interrupted" else "failed"
    title = headline(run).value
    title += f" of fold {state.fold}" if state.fold and "fold" not in title else ""
    last = run.findings[-1] if run.findings and state.condition == "failed" else {}
    sentences = [told.because]
    if last.get("severity") == "error":
        title += f": {last.get('check')}"
        sentences.append(_sentence(str(last.get("action") or "")))
    elif state.condition == "killed":
        title += ": the process is gone"
        sentences.append(f"Its report.html was drawn before; sonde report {shell_quoted(str(run.path))} draws it anew.")
    if not (state.fold or reached(run)):
        title = "Ended before its first step was logged"
    if state.fold:
        return Top(
            light=light,
            title=title[:200],
            sentences=[told.because, OF_FOLDS],
            command=step.command,
            why="continues there",
        )
    kept = dict(told.lines)[CHECKPOINT]
    sentences.append(f"{CHECKPOINT}: {kept[:1].lower()}{kept[1:]}")
    return Top(
        light=light,
        title=title[:200],
        sentences=[text for text in sentences if text],
        value=value,
        what=what,
        command=step.command,
        why=step.why,
    )


def _so_far(run: Reading) -> tuple[str, str]:
    """The metric that is read first, at its latest evaluation and beside its best; else the training loss."""
    lines = [line for line in run.evaluations if line.get("split") == "validation" and line.get("metrics")]
    if lines:
        name = next(iter(lines[-1]["metrics"]))
        last = lines[-1]["metrics"][name]
        return metric(
            name, last
        ), f"{metric_name(name)} on the validation data{_beside_the_best(run, name, last, lines)}"
    losses = [line.get("loss") for line in run.steps if line.get("loss") is not None]
    return (metric("loss", losses[-1]), "training loss so far") if losses else ("", "")


def _beside_the_best(run: Reading, name: str, last: Any, lines: Sequence[Mapping[str, Any]]) -> str:
    """Whether the latest evaluation is the best so far, and else what that was; only when it was where better is not known."""
    values = [value for line in lines if isinstance(value := line["metrics"].get(name), int | float) and value == value]
    higher = direction(run, name)
    if higher is None or not values or not isinstance(last, int | float):
        return " at the last evaluation"
    best = max(values) if higher else min(values)
    return ", the best so far" if last == best else f" at the last evaluation; the best so far is {metric(name, best)}"


def _sentence(text: str) -> str:
    text = text.strip()[:600]
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
