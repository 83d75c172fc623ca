"""Answers for the verdict's box to what is asked next of a finished run: the weakest class, which rows to check, whether it
was long enough, and what it cost. Each leads to the part of the page that shows more."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sonde.core.units import TIME_PARTS, count, duration, share
from sonde.report.captions import course, place
from sonde.report.cases import Case, worst_rows
from sonde.report.evaluated import class_rows, confused_pairs
from sonde.report.fitted import FEWEST, fitted, still_improving
from sonde.report.folder import Reading
from sonde.report.learning import axis_of, validation_of

MOST_ROWS = 3  # that are named
MOST_ALIKE = 2  # classes with the lowest score, of more of which only some are named
MOST_NAME = 60  # characters of a class or a row
MOST_PARTS = 3  # of the time
SMALL_PART = 0.05  # of the time; less is not worth a word
LATE = 0.9  # of the way, from which a best evaluation stands at the end

Line = tuple[str, str]
"""(question, answer)"""


def glance(run: Reading, *, learned: bool = True) -> list[Line]:
    """The lines of a finished run; a question that does not arise is left out.

    learned: whether the answers are worth something: of others nobody learns which rows are odd
    """
    details = run.evaluated.get(run.split, {})
    found = [
        ("Weakest class", weakest(details)),
        ("Rows to check", rows_to_check(details) if learned else ""),
        ("Long enough", "" if run.folds else long_enough(run, learned=learned)),
        ("Cost", cost(run)),
    ]
    return [(question, answer) for question, answer in found if answer]


def weakest(details: Mapping[str, Any]) -> str:
    """The class with the lowest F1, and what it is taken for; "" of fewer than two classes."""
    rows, classes = class_rows(details)
    known = [row for row in rows if row.support and row.f1 is not None]
    if classes < 2 or len(known) < 2:
        return ""
    worst = min(known, key=lambda row: row.f1 or 0.0)
    unit = str((details.get("confusion") or details["per_class"]).get("unit") or "rows")
    text = f"{_short(worst.name)}: F1 {share(worst.f1)}"
    if worst.recall is not None:
        text += f", {share(worst.recall, 0)} of its {count(worst.support)} {unit} found"
    taken = next((pair for pair in confused_pairs(details) if str(pair[0]) == worst.name), None)
    if taken is not None:
        text += f", most often taken for {_short(str(taken[1]))} ({count(taken[2])})"
    alike = [row.name for row in known if row.f1 == worst.f1]
    if len(alike) == len(known):
        text = f"All {len(known)} alike: F1 {share(worst.f1)}"
    elif len(alike) > MOST_ALIKE:
        text = f"{len(alike)} classes, such as {', '.join(map(_short, alike[:MOST_ALIKE]))}: F1 {share(worst.f1)}"
    return _leading(f"{text}.", "per-class", "all classes")


def rows_to_check(details: Mapping[str, Any]) -> str:
    """The rows with the worst answers, among which mislabelled ones would be; "" where no rows were kept."""
    if not details.get("worst"):
        return ""
    entries = [{**entry, "picture": None, "sound": None} for entry in details["worst"]]
    cases = worst_rows({**details, "worst": entries}, Path())
    judged, values = any(case.right is not None for case in cases), bool(details.get("scatter"))
    kept = [case for case in cases if case.right is False] if judged else cases
    if not kept:
        return "None: no row that was kept is predicted wrongly."
    several = any(isinstance(entry.get("target"), list | Mapping) for entry in entries)  # too much for a line
    told = "; ".join(_row(case, in_full=(judged or values) and not several) for case in kept[:MOST_ROWS])
    why = "the most wrong predictions" if judged else "the largest errors" if values else "the highest losses"
    odd = "mislabelled" if judged or values else "corrupt"
    return _leading(f"{told}: {why}, where {odd} rows tend to be.", "worst", "all that were kept")


def long_enough(run: Reading, *, learned: bool = True) -> str:
    """Whether training went on for long enough, by where validation was best and what ended the run."""
    result, found = run.result, course(validation_of(run))
    ended = _ended(run)
    if still_improving(run):
        sure = any(f.get("name") == "still-improving" and f.get("severity") != "note" for f in run.findings)
        return f"{'No' if sure else 'Perhaps not'}: the loss was still falling when {ended}."
    if result.get("status") == "stopped early":
        return "Yes: it stopped because validation no longer improved."
    if found is None:
        return ""
    axis = axis_of(run)
    if found.count < FEWEST:
        times = "once" if found.count == 1 else "twice"
        return f"Not known: validation was evaluated only {times} before {ended}."
    if found.at >= found.last_at:
        return f"Perhaps not: validation loss was lowest at the last evaluation, when {ended}."
    where = f"validation loss was lowest at {axis} {place(found.at)} of {place(found.last_at)}"
    if found.at > LATE * found.last_at and fitted(run).kind != "over":
        return f"Perhaps not: {where}, shortly before {ended}."
    return f"{'Yes' if learned else 'Not for want of time'}: {where} and did not get lower since."


def cost(run: Reading) -> str:
    """How long it took on what, and the parts of the run that took most of it."""
    seconds = run.result.get("seconds") or {}
    spent = {label: float(seconds[part]) for part, label in TIME_PARTS.items() if _number(seconds.get(part))}
    total = float(seconds["total"]) if _number(seconds.get("total")) else sum(spent.values())
    if not total:
        return ""
    text = f"{duration(total)}{_computed_by(run)}"
    large = {
        label: value for label, value in spent.items() if value > SMALL_PART * total and label != TIME_PARTS["other"]
    }
    most = sorted(large.items(), key=lambda part: -part[1])[:MOST_PARTS]
    told = ", ".join(f"{share(value / total, 0)} {label}" for label, value in most)
    return _leading(text + (f": {told}." if told else "."), "time", "where the time went" if told else "")


def _row(case: Case, *, in_full: bool) -> str:
    """One row: where it stands, and what was answered or, of texts, its loss."""
    if not in_full:
        return f"{_short(case.row)} (loss {case.loss})"
    text = f"{_short(case.row)} (truth {_short(case.target)}, predicted {_short(case.prediction)}"
    return f"{text}, {case.confidence} confidence)" if case.confidence else f"{text})"


def _ended(run: Reading) -> str:
    kinds = {"time_limit": "the time limit ended it", "epochs": "its epochs ended", "steps": "its steps ended"}
    return kinds.get(str(run.result.get("ended_by")), "it ended")


def _computed_by(run: Reading) -> str:
    device = str(run.env.get("device") or run.plan.get("device") or "")
    threads, processor = run.plan.get("threads"), str(run.env.get("processor") or "")
    if device != "cpu":
        return f" on {device}" if device else ""
    of = f" of {_short(processor)}" if processor else ""
    return f" on {threads} thread{'s' * (threads != 1)}{of}" if isinstance(threads, int) else f" on the cpu{of}"


def _leading(text: str, where: str, words: str) -> str:
    """With a link to the part of the page that shows more."""
    return Markup('{} <a href="#{}">{}</a>').format(text, where, words) if words else text


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= MOST_NAME else one_line[: MOST_NAME - 1] + "…"


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
