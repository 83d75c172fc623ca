"""How well a finished run did: its headline score, how far that may be off, and what it is beside a trivial answer."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sonde.core.units import OF_ONE, is_share, metric, metric_name, share
from sonde.metrics.intervals import LEVEL, Interval, wilson
from sonde.report.acted import further_sentences, games_of
from sonde.report.folder import SPLITS, Reading
from sonde.report.how_sure import Details, interval_beside_baseline, interval_in
from sonde.report.metric_words import direction, direction_in_words, unit
from sonde.report.plain_policies import beside_policies

LITTLE = 0.1  # of the baseline's errors; who takes away less has hardly learned
MORE_THAN_ONE = ("wer", "cer")  # percentages that may exceed 100 %

Against = Literal["better", "little", "unsure", "worse", "unknown"]
Beside = Literal["better", "alike", "worse", "unknown"]

MOST_WHAT = 240  # characters of what a baseline is


@dataclass(frozen=True, kw_only=True)
class Score:
    """The headline score on the split that a run is judged on.

    rows:     that it was evaluated on, None where that is not known;  whole: how many there are, where it was on a part
    interval: of LEVEL, None where nothing that was kept tells;  of: what it is of ("24 series"), where that is not rows
    beside_baseline: interval of the score less the baseline's on the same rows, where both were kept of each
    higher:   whether more is better, None where nobody knows
    baseline: of a trivial answer or a rule, None where there is none;  what: that answer, in words
    classical: of a model that is no network, fitted on the same rows;  called: what it is called
    difference: interval of the network's score less that model's, on the same rows
    """

    split: str
    name: str
    value: float
    rows: int | None
    whole: int | None
    interval: Interval | None
    higher: bool | None
    baseline: float | None
    what: str
    classical: float | None = None
    called: str = ""
    difference: tuple[float, float] | None = None
    of: str = ""
    beside_baseline: Interval | None = None

    @property
    def beside(self) -> Beside:
        """The network beside the classical model: better or worse by more than chance, or not told apart."""
        if self.difference is None or self.higher is None:
            return "unknown"
        low, high = self.difference if self.higher else (-self.difference[1], -self.difference[0])
        return "better" if low > 0 else "worse" if high < 0 else "alike"

    @property
    def against(self) -> Against:
        """Beside the baseline: better beyond chance, of these by little, not told from it, or worse."""
        if self.baseline is None or self.higher is None:
            return "unknown"
        around = self.interval or Interval(self.value, self.value)
        if self.beside_baseline is not None:
            around = Interval(self.baseline + self.beside_baseline.low, self.baseline + self.beside_baseline.high)
        low, high = around.low, around.high
        if not self.higher:  # so that more is better
            low, high = -high, -low
        other = self.baseline if self.higher else -self.baseline
        if high < other:
            return "worse"
        if low <= other:
            return "unsure"
        gone = self.errors_gone
        return "little" if gone is not None and gone < LITTLE else "better"

    @property
    def errors_gone(self) -> float | None:
        """Share of the baseline's errors that the model does not make; None where a perfect score is not known."""
        if self.baseline is None or self.higher is None:
            return None
        bounded = is_share(self.name) or self.name in OF_ONE or self.name == "r2"
        perfect = 1.0 if self.higher else 0.0
        missed = abs(perfect - self.baseline)
        if (self.higher and not bounded) or (not self.higher and min(self.baseline, self.value) < 0) or not missed:
            return None
        return 1 - abs(perfect - self.value) / missed


def score_of(run: Reading) -> Score | None:
    """The headline score of a finished run; None for one without."""
    split = next((s for s in SPLITS if _number(_metrics(run, s).get(run.metric)) is not None), "")
    value = _number(_metrics(run, split).get(run.metric))
    if value is None:
        return None
    found = run.result.get("baseline") or {}
    baseline = _number(found.get(run.metric)) if split != "train" else None
    interval, of = _interval(run, split, value)
    part = (run.result.get("evaluated") or {}).get(split) or {}
    rows = part.get("rows") or games_of(run, split) or _rows(run, split)
    if interval is None and run.metric == "accuracy" and rows and _one_class_a_row(run, split):
        interval = wilson(round(value * rows), rows)
    details = _details(run, split)
    beside = None if baseline is None else interval_beside_baseline(details, run.metric, value - baseline)
    if beside is None and baseline is not None and len(details) == 1:
        beside = beside_policies(details[0], run.metric, value - baseline)
    return Score(
        split=split,
        name=run.metric,
        value=value,
        rows=rows,
        whole=part.get("of"),
        interval=interval,
        of=of,
        beside_baseline=beside,
        higher=direction(run, run.metric),
        baseline=baseline,
        what=str(found.get("what") or "a prediction that ignores the input")[:MOST_WHAT],
        **_classical(run),
    )


def _classical(run: Reading) -> dict[str, Any]:
    found = run.result.get("classical") or {}
    value, ends = _number(found.get(run.metric)), found.get("difference")
    if value is None:
        return {}
    known = tuple(map(float, ends)) if isinstance(ends, list) and len(ends) == 2 else None
    return {"classical": value, "called": str(found.get("what"))[:120], "difference": known}


def measured_on(run: Reading, score: Score | None) -> list[str]:
    """On how much it was measured, where a time limit left no time for all of it, and of which splits on nothing."""
    parts = run.result.get("evaluated") or {}
    told = []
    if score is not None and score.rows is not None and score.whole:
        part = f"{score.rows:,} of its {score.whole:,} {score.split} {run.row[1]}"
        told.append(f"It was measured on {part}: the time limit left no time for more.")
    none = [split for split in SPLITS if split in parts and not parts[split].get("rows")]
    if none:
        told.append(f"The time limit left no time for one of its {' and '.join(none)} {run.row[1]}.")
    return told


def sentences(run: Reading, score: Score) -> list[str]:
    """The score with its rows, interval, direction and baseline."""
    text = f"{metric(score.name, score.value)} {metric_name(score.name)}"
    split = "training" if score.split == "train" else score.split
    where = f"{split} data"
    if score.rows is not None:
        of = f" of {score.whole:,}" if score.whole else ""
        where = f"{score.rows:,}{of} {split} {run.row[score.rows != 1]}"
    meaning = "; ".join(each for each in (unit(run, score.name), direction_in_words(run, score.name)) if each)
    told = [f"{text} on {where}" + (f" ({meaning})" if meaning else "")]
    if score.split == "train" and score.name == "loss" and run.train_loss_of:  # no evaluation of the rows
        told = [f"{text}, {run.train_loss_of}" + (f" ({meaning})" if meaning else "")]
    if score.interval is not None:
        of = f" (of {score.of})" if score.of else ""
        told.append(f"{LEVEL:.0%} interval {span(score.name, score.interval)}{of}".replace("%", "\u00a0%", 1))
    if score.baseline is not None:
        told.append(f"baseline ({score.what}): {metric(score.name, score.baseline)}")
    told += further_sentences(run, score.name, score.split)
    if score.classical is not None:
        words = {
            "better": ", worse than the network by more than chance",
            "worse": ", better than the network by more than chance",
            "alike": ", not distinguishable from the network on these rows",
            "unknown": "",
        }
        told.append(f"{score.called}: {metric(score.name, score.classical)}{words[score.beside]}")
    told += _own_units(run, score) + _accuracy(run, score)
    if score.split == "validation" and run.chosen:
        told.append(f"these {run.row[1]} also chose the best checkpoint, so new {run.row[1]} may do a little worse")
    return told


def less_than_baseline(score: Score) -> str:
    """By how much the network is better: in errors only where the score counts them; "" where a perfect score is not known."""
    gone = score.errors_gone
    if gone is None:
        return ""
    much, than = share(gone, 0).replace(" %", "\u00a0%"), " than guessing" * score.what.startswith("guessing")
    if is_share(score.name) or score.name == "exact_match":
        return f"{much} fewer errors{than}"
    name = metric_name(score.name)
    return f"{much} of the way from there to a perfect {name}" if score.higher else f"{much} less {name}{than}"


def span(name: str, interval: Interval) -> str:
    """An interval as one reads it.

    >>> span("accuracy", Interval(0.91, 0.95)), span("rmse", Interval(3.5, 4.25))
    ('91.00 to 95.00 %', '3.500 to 4.250')
    """
    low, high = metric(name, interval.low), metric(name, interval.high)
    return f"{low.removesuffix(' %')} to {high}"


def log_loss_of_rows(run: Reading) -> tuple[float, Interval] | None:
    """The validation log loss of the best checkpoint and its interval; None where no rows tell it."""
    value = _number(_metrics(run, "validation").get("log_loss"))
    interval = None if value is None else interval_in(_details(run, "validation"), "log_loss", value)[0]
    return None if value is None or interval is None else (value, interval)


def _interval(run: Reading, split: str, value: float) -> tuple[Interval | None, str]:
    """The headline's, and what it is of where that is not the rows."""
    interval, of = interval_in(_details(run, split), run.metric, value)
    return interval, "" if of.endswith((" row", " rows", f" {run.row[1]}")) else of


def _details(run: Reading, split: str) -> list[Details]:
    """What was kept of an evaluation; of a cross-validation of those of all folds."""
    return [part.evaluated.get(split) or {} for part in run.folds or [run]]


def _one_class_a_row(run: Reading, split: str) -> bool:
    """Whether a confusion matrix of rows was kept."""
    table = (run.evaluated.get(split) or {}).get("confusion")
    return isinstance(table, dict) and table.get("unit", "rows") == "rows"


def _own_units(run: Reading, score: Score) -> list[str]:
    """A forecaster's errors in the units of the data."""
    scores, baseline = _metrics(run, score.split), run.result.get("baseline") or {}
    mae, other = _number(scores.get("raw_mae")), _number(baseline.get("raw_mae"))
    if mae is None:
        return []
    beside = "" if other is None else f" ({score.what}: {metric('raw_mae', other)})"
    names = (run.schema.get("target") or {}).get("names") or []
    of = f" of {str(names[0])[:40]}" if len(names) == 1 else ""
    around, of_what = interval_in(_details(run, score.split), "raw_mae", mae)
    sure = "" if around is None else f" (95\u00a0% interval {span('raw_mae', around)}, of {of_what})"
    return [f"in the data's own units a forecast{of} is off by {metric('raw_mae', mae)} on average{sure}{beside}"]


def _accuracy(run: Reading, score: Score) -> list[str]:
    """Of classes whose score is another: what share of the answers is right, which everybody asks first."""
    table = (run.evaluated.get(score.split) or {}).get("confusion") or {}
    if score.name == "accuracy" or not _one_class_a_row(run, score.split) or "accuracy" in _metrics(run, score.split):
        return []
    counts = table["counts"]
    rows = sum(map(sum, counts))
    right = sum(row[place] for place, row in enumerate(counts))
    most = max(map(sum, counts)) / rows if rows else 0.0
    return [f"accuracy {share(right / rows)} (the commonest class alone: {share(most)})"] if rows else []


def _metrics(run: Reading, split: str) -> Mapping[str, Any]:
    return (run.result.get("metrics") or {}).get(split) or {}


def _rows(run: Reading, split: str) -> int | None:
    """How many rows a split has, or all folds together judge."""
    counts = [(part.data.get("splits") or {}).get(split) for part in run.folds or [run]]
    whole = [rows for rows in counts if isinstance(rows, int)]
    return sum(whole) if whole and len(whole) == len(counts) else None


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None
