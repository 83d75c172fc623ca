"""Thresholds of finished runs that more normal rows exceed than was promised, or few anomalies."""

from collections.abc import Mapping
from typing import Any

from sonde.core.findings import Finding
from sonde.core.units import count, share
from sonde.metrics.intervals import wilson

HALF = 0.5  # of the anomalies
UNMEASURED = "reconstruction"  # the score whose network does not learn what the other one goes by
TIMES = 2.0  # of the promised rate: less is no reason to choose rows anew, however sure


def more_alarms_than_promised(metrics: Mapping[str, Any], scores: Mapping[str, Any], split: str) -> list[Finding]:
    """That normal rows are called anomalies surely more than twice as often as the rows promised that chose the threshold.

    metrics: of the rows that the run is judged on, with their `false_alarm_rate`;  scores: see `AnomalyMeter.details`
    """
    rate, promised, rows = metrics.get("false_alarm_rate"), scores.get("promised"), sum(scores.get("normal") or ())
    if rate is None or promised is None or split == "validation" or not rows:
        return []
    if wilson(rate * rows, rows).low <= TIMES * promised:
        return []
    return [
        Finding(
            check="more false alarms than promised",
            name="more-false-alarms",
            severity="warning",
            evidence=f"{share(rate, 1)} of the {count(rows)} normal {split} rows exceed the threshold, which the validation rows "
            f"let {share(promised, 1)} exceed at most: the {split} rows are further from the training rows than those are, as "
            "where rows overlap (windows of one series) or come from the same source, and are split at random",
            action="give validation rows that are as new as those to come (a validation split of their own: a later stretch of "
            "time, another source)" + ("; until then trust AUROC, not the threshold" if "auroc" in metrics else ""),
            certainty="certain",
        )
    ]


def few_anomalies_found(metrics: Mapping[str, Any], scores: Mapping[str, Any], split: str) -> list[Finding]:
    """That surely fewer than half of the known anomalies exceed the threshold. metrics, scores: as above"""
    rate, rows = metrics.get("detection_rate"), sum(scores.get("anomalous") or ())
    if rate is None or not rows or wilson(rate * rows, rows).high >= HALF:
        return []
    limit = share(float(scores.get("false_alarms") or 0), 1)
    beside, more = scores.get("beside"), "let more normal rows exceed the threshold (--false-alarms)"
    if beside is None and scores.get("score") == UNMEASURED:
        more += "; nothing here tells what --score neighbours finds, which learns otherwise: train with it too"
    elif beside is not None:
        more += f"; --score {beside['score']} finds {share(beside['detection_rate'][1], 1)} of them at as many"
    return [
        Finding(
            check="few anomalies found",
            name="few-anomalies-found",
            severity="warning",
            evidence=f"{share(rate, 1)} of the {count(rows)} known anomalies among the {split} rows exceed the threshold, which "
            f"{limit} of normal rows may",
            action=more,
            certainty="certain",
        )
    ]


def other_score_finds_more(scores: Mapping[str, Any], split: str) -> list[Finding]:
    """That the other score of the same network surely orders known anomalies better, or surely finds more of them.

    scores: see `AnomalyMeter.details`
    """
    beside = scores.get("beside")
    if beside is None:
        return []
    alone, missed = beside["alone"][1], beside["alone"][0]
    better = beside["gained"] is not None and beside["gained"][0] > 0
    if not better and not (alone > missed and wilson(alone, alone + missed).low > HALF):
        return []
    own, other = beside["auroc"]
    found, more = (share(each, 1) for each in beside["detection_rate"])
    optimistic = (
        "" if split == "validation" else f"; chosen by {split} rows, its score on them is no longer that of new rows"
    )
    return [
        Finding(
            check="other score finds more",
            name="other-score-finds-more",
            severity="warning",
            evidence=f"of the {count(sum(scores['anomalous']))} known anomalies among the {split} rows --score {beside['score']} "
            f"finds {more} with this network (AUROC {other:.4f}), and --score {scores['score']}, which was taken, {found} "
            f"(AUROC {own:.4f}), where {share(float(scores['false_alarms']), 1)} of the normal ones may be called anomalies",
            action=f"train with --score {beside['score']} (the same command with that; the network then learns nothing else)"
            f"{optimistic}",
            certainty="certain",
        )
    ]


def of_thresholds(metrics: Mapping[str, Mapping[str, Any]], details: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """What is to be said of a finished run's threshold and score. Both by split, the one that the run is judged on last;
    details: of the splits whose evaluation has scores (`AnomalyMeter.details`)"""
    split = next(reversed(list(metrics)), "")
    if "false_alarm_rate" not in metrics.get(split, {}) or split not in details:
        return []
    compared = [name for name in metrics if details.get(name, {}).get("beside") is not None]  # validation rows first
    other = other_score_finds_more(details[compared[0]], compared[0]) if compared else []
    found = more_alarms_than_promised(metrics[split], details[split], split)
    return found + other + few_anomalies_found(metrics[split], details[split], split)
