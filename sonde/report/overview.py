"""A run in words and tables: headline, key figures, data, settings with their reasons, where the time went, the machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sonde.core.bounds import flag
from sonde.core.marks import shell_quoted
from sonde.core.records import RESUMED
from sonde.core.units import (
    ABSENT,
    TIME_PARTS,
    actions_in_words,
    best_place,
    count,
    counted,
    duration,
    mean_of_batches,
    metric,
    metric_name,
    rate,
    share,
    size,
)
from sonde.report.acted import against_each
from sonde.report.figures import bars, stacked_bar
from sonde.report.folder import SPLITS, Reading
from sonde.report.learning import most_memory
from sonde.report.metric_words import about
from sonde.report.taken import taken

MOST_CLASS_BARS = 40


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The first thing on the page. tone: "good" for a finished run, "open" for one without a result, "bad" for one that died."""

    value: str
    what: str
    sentences: list[str]
    tone: str


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A line of the configuration table."""

    flag: str
    value: str
    origin: str
    reason: str


def headline(run: Reading) -> Headline:
    """The main metric in words, its baseline, and how the run went."""
    split, value = _main(run)
    if not run.done:
        return _without_result(run)
    sentences = [_story(run), _best(run)]
    if split == "":
        broken = any(run.metric in (scores or {}) for scores in (run.result.get("metrics") or {}).values())
        value, what = (
            ("No number", f"{metric_name(run.metric)} is NaN or infinite on these rows")
            if broken
            else ("Not evaluated", _why_not(run))
        )
        return Headline(value=value, what=what, sentences=sentences[:1], tone="open")
    unbroken = [text.replace(" %", "\u00a0%") for text in sentences if text]  # percentages stay on one line
    what = metric_name(run.metric) + mean_of_batches(run.metric, run.result.get("batch_means") or ())
    if split == "train" and run.metric == "loss" and run.train_loss_of:
        what = f"{what}, {run.train_loss_of}"
    elif matches := (run.evaluated.get(split) or {}).get("matches"):
        what = f"{what}: the mean over {counted(len(matches), 'opponent', 'opponents')}, of the {split} {run.row[1]}"
        unbroken.insert(0, against_each(run, split))
    elif run.acts or run.result.get("actions"):
        decided = actions_in_words(run.result.get("actions"))
        what = f"mean {what} of the {split} {run.row[1]}{f', by {decided}' if decided else ''}"
    else:
        what = f"{what} on the {'training' if split == 'train' else split} data"
    return Headline(value=value, what=what, sentences=unbroken, tone="good")


def _why_not(run: Reading) -> str:
    """Why there is no figure."""
    if run.result.get("evaluated"):
        return f"the time limit ended the evaluation before one of its {run.row[1]} was over"
    return f"there were no {run.row[1]} to evaluate on"


def key_figures(run: Reading) -> list[tuple[str, str]]:
    """(name, value) of the key figures."""
    result, seconds = run.result, run.result.get("seconds") or {}
    found = [
        ("model", run.model),
        ("parameters", count(result["parameters"]) if result.get("parameters") is not None else ""),
        ("training time", duration(seconds["total"]) if seconds.get("total") else ""),
        *_speed(run),
        ("memory at most", size(most) if (most := most_memory(run)) else ""),
        (run.length, count(result.get("steps") or max(run.last_step, run.state.step))),
        ("machine", str(run.env.get("device") or run.plan.get("device") or "")),
    ]
    return [(name, str(value)) for name, value in found if value]


def _speed(run: Reading) -> list[tuple[str, str]]:
    """Rows that were trained on in a second; of a run that acts, steps of its environments, or games and moves, and how many
    there were."""
    result = run.result
    if isinstance(found := result.get("experience"), Mapping):
        steps, per_s = found.get("environment_steps"), found.get("per_s")
        return [
            ("environment steps", count(steps) if steps else ""),
            ("environment steps per second", rate(per_s) if per_s else ""),
        ]
    if isinstance(found := result.get("self_play"), Mapping):
        games, moves, per_s = (found.get(name) for name in ("games", "moves", "per_s"))
        return [
            ("games of self-play", count(games) if games else ""),
            ("moves of self-play", count(moves) if moves else ""),
            ("moves per second", rate(per_s) if per_s else ""),
        ]
    what = "positions" if run.plays else "rows"
    return [(f"{what} per second", rate(result["samples_per_s"]) if result.get("samples_per_s") else "")]


def metric_table(run: Reading) -> tuple[list[str], list[tuple[str, list[str], bool, str]]]:
    """(splits, rows of (metric, value per split, whether it is the main one, unit and direction)); the main metric first."""
    metrics = run.result.get("metrics") or {split: files.get("metrics") or {} for split, files in run.evaluated.items()}
    splits = [split for split in reversed(SPLITS) if metrics.get(split)]
    names = list(dict.fromkeys(name for split in splits for name in metrics[split]))[:60]
    names.sort(key=lambda name: name != run.metric)
    means = run.result.get("batch_means") or ()
    rows = [
        (
            metric_name(n) + mean_of_batches(n, means),
            [_value(n, metrics[s].get(n)) for s in splits],
            n == run.metric,
            about(run, n),
        )
        for n in names
    ]
    return splits, rows


def settings(run: Reading) -> tuple[list[Setting], list[Setting]]:
    """(settings that somebody or something chose, settings left at their default)."""
    origin, reasons = run.config.get("origin") or {}, run.config.get("reasons") or {}
    rows = [
        Setting(
            flag=str(name) if run.in_program else flag(str(name)),
            value=_plain(value),
            origin=_by_whom(run, str(origin.get(name, "default"))),
            reason=_plain(reasons.get(name)) if reasons.get(name) else "",
        )
        for name, value in (run.config.get("settings") or {}).items()
    ]
    order = {"typed": 0, "given": 0, "file": 1, "inferred": 2, "measured": 3, "recipe": 4}
    chosen = sorted((row for row in rows if row.origin in order), key=lambda row: order[row.origin])
    return chosen, [row for row in rows if row.origin not in order]


def _by_whom(run: Reading, origin: str) -> str:
    """Where a setting comes from: a program gives what is typed on a command line."""
    return "given" if origin == "typed" and run.in_program else origin


def split_table(run: Reading) -> list[tuple[str, str]]:
    """(split, rows); what a run that acts or plays is trained on has no end."""
    splits = {str(name): rows for name, rows in (run.data.get("splits") or {}).items() if isinstance(rows, int)}
    endless = run.acts or run.plays
    return [(name, "without end" if endless and name == "train" else count(rows)) for name, rows in splits.items()]


def class_balance(run: Reading) -> tuple[Markup | None, str]:
    """(bars of the training rows per class, a sentence about them)."""
    counts = (run.data.get("class_counts") or {}).get("train") or {}
    entries = [(str(name), float(value)) for name, value in counts.items() if isinstance(value, int | float)]
    if not entries:
        return None, ""
    most, least = max(entries, key=lambda e: e[1]), min(entries, key=lambda e: e[1])
    ratio = most[1] / least[1] if least[1] else None
    text = f"Most frequent: {most[0]} ({count(most[1])}); rarest: {least[0]} ({count(least[1])})"
    text += f", {ratio:.1f} times fewer." if ratio and ratio >= 1.05 else "."
    shown = entries if len(entries) <= MOST_CLASS_BARS else sorted(entries, key=lambda e: e[1])[:MOST_CLASS_BARS]
    if len(shown) < len(entries):
        text += f" The {len(shown)} rarest of {count(len(entries))} classes are shown."
    return bars(shown, name="Training rows per class"), text


def time_parts(run: Reading) -> tuple[Markup | None, list[tuple[str, str, str]]]:
    """(bar of where the time went, rows of (part, seconds, share))."""
    seconds = run.result.get("seconds") or {}
    spent = [(label, float(seconds[part])) for part, label in TIME_PARTS.items() if seconds.get(part) is not None]
    total = seconds.get("total") or sum(value for _, value in spent)
    if not spent or not total:
        return None, []
    rows = [
        (label, f"{value:,.2f} s" if total < 100 else f"{value:,.0f} s", share(value / total, 1))
        for label, value in spent
    ]
    pieces = [(label, value, f"{text}, {part}") for (label, value), (_, text, part) in zip(spent, rows, strict=True)]
    return stacked_bar(pieces, name="Time by part of the run"), rows


def machine(run: Reading) -> list[tuple[str, str]]:
    """(name, value) of the environment; the command last."""
    env = run.env
    git = env.get("git") or {}
    revision = str(git.get("revision") or "")[:12] + (" with local changes" if git.get("dirty") else "")
    memory = env.get("memory_bytes")
    command = env.get("command")
    found = [
        ("Sonde", env.get("sonde")),
        ("PyTorch", env.get("torch")),
        ("Python", env.get("python")),
        ("system", env.get("platform")),
        ("processor", env.get("processor")),
        ("cores", env.get("cores")),
        ("memory", size(memory) if isinstance(memory, int | float) else None),
        ("device", env.get("device")),
        ("project revision", revision if git else None),
        ("started", str(env.get("started") or "").replace("T", " ")),
        ("command", " ".join(shell_quoted(str(word)) for word in command) if isinstance(command, list) else command),
    ]
    return [(name, _plain(value)) for name, value in found if value]


def _main(run: Reading) -> tuple[str, str]:
    """(split, value as text) of the main metric on the best split that has it."""
    metrics = run.result.get("metrics") or {}
    for split in SPLITS:
        value = (metrics.get(split) or {}).get(run.metric)
        if value is not None:
            return split, metric(run.metric, value)
    return "", ABSENT


def _without_result(run: Reading) -> Headline:
    state, step = run.state, reached(run)
    of = f" of {count(run.ends_at)}" if run.ends_at else ""
    fold = f", fold {state.fold}" if state.fold else ""
    if state.condition == "running":
        text = f"The run is at step {count(step)}{of}{fold}; this page shows what was logged until it was drawn."
        if not step:
            text = "The run has not logged a step yet: it is starting."
        return Headline(value="No result yet", what="", sentences=[text], tone="open")
    words = {"interrupted": "Stopped", "failed": "Failed"}.get(state.condition, "Died")
    place = "after" if state.condition == "failed" and not state.failed_at else "at"
    told = "This page shows what was logged until then."
    value, what = f"{words} {place} step {count(step)}", f"{of}{fold}".strip(" ,")
    if state.fold and state.condition == "failed" and not step:
        value, what = f"{words} in fold {state.fold}", "before its first step"
    return Headline(
        value=value,
        what=what,
        sentences=[told],
        tone="open" if state.condition == "interrupted" else "bad",
    )


def reached(run: Reading) -> int:
    """How far a run without a result came: the step that failed, where an error names one, else the last one known."""
    return run.state.failed_at or max(run.state.step, run.last_step)


def _story(run: Reading) -> str:
    result = run.result
    source = run.data.get("source") or run.config.get("data") or "the data"
    if run.data.get("form") == "custom data":
        held = source in ("tuple", "list", "dict", "Tensor", "ndarray")
        source = "data in memory" if held else f"the caller's {source}"
    epochs, steps = result.get("epochs"), result.get("steps")
    length = ""
    if isinstance(epochs, int | float):
        length = (
            f"{round(epochs, 1 if epochs >= 10 else 2 if epochs >= 0.01 else 4):g} epoch{'s' if epochs != 1 else ''}"
        )
    if steps:
        done = taken(run)
        told = counted(steps, run.length.removesuffix("s"), run.length)
        length += f" ({told})" if length else f"{told} and {done}" if done else told
    seconds = (result.get("seconds") or {}).get("total")
    ended = {
        "stopped early": ", stopped early because validation no longer improved",
        "time limit": ", ended by the time limit",
        "reached": ", until it was as good as --stop-at asks for",
    }
    return (
        f"{run.model or 'The model'} was trained on {source}"
        + (f" in {result['folds']} folds" if result.get("folds") else "")
        + (f" for {length}" if length else "")
        + (f" in {duration(seconds)}" if seconds else "")
        + ended.get("time limit" if result.get("ended_by") == "time_limit" else str(result.get("status")), "")
        + "."
    )


def _best(run: Reading) -> str:
    best = run.result.get("best") or {}
    if best.get("epoch") is None:
        return ""
    text = f"The best checkpoint is from {best_place(run.result)}"
    if best.get("value") is not None and best.get("metric"):
        text += f" ({metric(best['metric'], best['value'])} validation {metric_name(best['metric'])}{_since(run)})"
    tested = (run.result.get("metrics") or {}).get("test")
    return text + (f"; the test split was evaluated {_times(run)}." if tested else ".")


def _times(run: Reading) -> str:
    """How often, as far as is known: a run that ended and was resumed has been tested before."""
    resumed = [line.get("details") or {} for line in run.events if line.get("event") == RESUMED]
    before = sum(isinstance(each, Mapping) and "after" in each for each in resumed)
    if not before:
        return "once, with this checkpoint"
    ends = (
        "once before, when the run had ended" if before == 1 else f"{before} times before, whenever the run had ended"
    )
    return f"with this checkpoint, and {ends}: what that led to, such as training further, is chosen by test rows"


def _since(run: Reading) -> str:
    """What the best checkpoint had when it was evaluated once more at the end, where that is another score."""
    best, scores = run.result["best"], (run.result.get("metrics") or {}).get("validation") or {}
    again = scores.get(best["metric"])
    if not isinstance(again, int | float) or metric(best["metric"], again) == metric(best["metric"], best["value"]):
        return ""
    part = (run.result.get("evaluated") or {}).get("validation") or {}
    on = f" on {part['rows']:,} of {part['of']:,} {run.row[1]}" if part.get("rows") and part.get("of") else ""
    return f" then, {metric(best['metric'], again)} at the end{on}"


def _value(name: str, value: Any) -> str:
    return metric(name, value) if isinstance(value, int | float) else ABSENT


def _plain(value: Any) -> str:
    """A setting's value as one would type it, at most 300 characters."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " ".join(_plain(item) for item in value)[:300] or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_plain(item)}" for name, item in value.items())[:300]
    return f"{value:g}"[:300] if isinstance(value, float) else str(value)[:300]
