"""Answers for the verdict's box to what is asked next of a finished run: the weakest class, which rows to check, whether it
was long enough, and what it cost. Each leads to the part of the page that shows more."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sonde.core.units import TIME_PARTS, count, duration, share
from sonde.report import acted
from sonde.report.captions import course, place
from sonde.report.cases import Case, anomalies_labelled, worst_rows
from sonde.report.evaluated import class_rows, confused_pairs
from sonde.report.fitted import FEWEST, cannot_learn, fitted, seen_once, still_improving
from sonde.report.folder import CUSTOM, Reading
from sonde.report.learning import axis_of, metric_of, validation_of

MOST_ROWS = 3  # that are named
MOST_ALIKE = 5  # classes with the lowest score, of more of which only some are named
MOST_NAME = 60  # characters of a class or a row
MOST_PARTS = 3  # of the time
SMALL_PART = 0.05  # of the time; less is not worth a word
LATE = 0.9  # of the way, from which a best evaluation stands at the end

OF_LINES = ("CSV table", "TSV table")  # forms of data whose rows have the numbers of their lines
TOO_SHORT = ("No", "Perhaps not", "Not known")  # answers to whether it was long enough

Line = tuple[str, str]
"""(question, answer)"""


def glance(run: Reading, *, learned: bool = True) -> list[Line]:
    """The lines of a finished run; a question that does not arise is left out.

    learned: whether the answers are worth something: of others nobody learns which rows are odd
    """
    details = run.evaluated.get(run.split, {})
    found = [
        ("Weakest class", weakest(details)),
        ("Rows to check", rows_to_check(details, run.split, str(run.data.get("form") or "")) if learned else ""),
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
    if worst.recall is not None and worst.precision is not None and worst.precision < worst.recall:
        text += f", but only {share(worst.precision, 0)} of those predicted as it are right{_mistaken(details, worst.name, 1)}"
    else:
        text += _mistaken(details, worst.name, 0)
    alike = [row.name for row in known if row.f1 == worst.f1]
    if len(alike) == len(known):
        text = f"All {len(known)} alike: F1 {share(worst.f1)}"
    elif always := _always(details):
        text = f"It predicts {_short(always)} for every one of the {unit}: no other class is ever found"
    elif len(alike) > MOST_ALIKE:
        text = f"{len(alike)} classes, such as {', '.join(map(_short, alike[:MOST_ALIKE]))}: F1 {share(worst.f1)}"
    elif len(alike) > 1:
        text = f"{', '.join(map(_short, alike[:-1]))} and {_short(alike[-1])}: F1 {share(worst.f1)} each"
    return _leading(f"{text}.", "per-class", "all classes")


def _mistaken(details: Mapping[str, Any], name: str, side: int) -> str:
    """What a class is most often taken for (side 0), or what is taken for it (side 1)."""
    pair = next((pair for pair in confused_pairs(details) if str(pair[side]) == name), None)
    if pair is None:
        return ""
    other, rows = _short(str(pair[1 - side])), count(pair[2])
    return f", most often taken for {other} ({rows})" if side == 0 else f", the others most often {other} ({rows})"


def _always(details: Mapping[str, Any]) -> str:
    """The class that is predicted for every row; "" where there are several."""
    table = details.get("confusion") or {}
    counts = table.get("counts") or []
    named = [str(name) for place, name in enumerate(table.get("names") or []) if any(row[place] for row in counts)]
    return named[0] if len(named) == 1 else ""


def rows_to_check(details: Mapping[str, Any], split: str = "", form: str = "") -> str:
    """The rows with the worst answers, among which mislabelled ones would be; "" where no rows were kept.

    split: that these rows are of, told because no others were looked at;  form: of the data, by which rows are numbered
    """
    if not details.get("worst") or anomalies_labelled(details):
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
    text = f"{told}: {why}, where {odd} rows tend to be.{_looked_at(split, form)}"
    return _leading(text, "worst", "all that were kept")


def _looked_at(split: str, form: str) -> str:
    """Among which rows one looked, and what their numbers mean.

    >>> _looked_at("test", "CSV table"), _looked_at("validation", "custom data"), _looked_at("", "")
    (' Only test rows were looked at; a header is row 1.', ' Only validation rows were looked at, and count from 0.', '')
    """
    if not split:
        return ""
    numbered = "; a header is row 1" if form in OF_LINES else ", and count from 0" if form == CUSTOM else ""
    return f" Only {split.replace('train', 'training')} rows were looked at{numbered}."


def long_enough(run: Reading, *, learned: bool = True) -> str:
    """Whether training went on for long enough, by where validation was best and what ended the run; "" where nothing tells."""
    word, why = _length(run, learned)
    return f"{word}: {why}." if word else ""


def fell_short(run: Reading, *, learned: bool = True) -> bool:
    """Whether more training may make it better, as far as `long_enough` can tell."""
    return _length(run, learned)[0] in TOO_SHORT


def _length(run: Reading, learned: bool) -> tuple[str, str]:
    """(the answer, why)"""
    result, found = run.result, course(validation_of(run))
    ended = _ended(run)
    if not learned and (why := cannot_learn(run)):
        return "Not for want of time", f"the checks warn of what more training does not cure ({why})"
    if run.acts:
        return acted.long_enough(run, ended, learned=learned)
    if still_improving(run):
        sure = any(f.get("name") == "still-improving" and f.get("severity") != "note" for f in run.findings)
        return "No" if sure else "Perhaps not", f"the loss was still falling when {ended}"
    if result.get("status") == "stopped early":
        return "Yes", "it stopped because validation no longer improved"
    seen = seen_once(run)
    if seen and (found is None or found.count < FEWEST or found.at >= found.last_at):
        return "No", f"{seen}, when {ended}"
    if found is None:
        return "", ""
    axis = axis_of(run)
    if found.count < FEWEST:
        times = "once" if found.count == 1 else "twice"
        return "Not known", f"validation was evaluated only {times} before {ended}"
    if found.at >= found.last_at:
        return "Perhaps not", f"validation loss was lowest at the last evaluation, when {ended}{_chosen(run)}"
    where = f"validation loss was lowest at {axis} {place(found.at)} of {place(found.last_at)}"
    if found.at > LATE * found.last_at and fitted(run).kind != "over":
        return "Perhaps not", f"{where}, shortly before {ended}{_chosen(run)}"
    word = "Yes" if learned else "Not for want of time"
    return word, f"{where} and did not get lower since{_chosen(run)}"


def _chosen(run: Reading) -> str:
    """Which log loss chose the checkpoint, where it was best at another evaluation than the loss, as of smoothed labels."""
    best, losses = run.result.get("best") or {}, metric_of(run, "loss")
    lowest = min(((y, x) for x, y in losses if y is not None), default=None)
    if best.get("metric") != "log_loss" or lowest is None or best.get("epoch") is None:
        return ""
    chosen = next((x for x, y in metric_of(run, "log_loss") if y == best.get("value")), None)
    if chosen is None or chosen == lowest[1]:
        return ""
    return f"; the log loss, which chose the checkpoint, was lowest at {axis_of(run)} {place(chosen)}"


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
