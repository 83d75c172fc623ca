"""Thresholds of finished runs that more normal rows exceed than was promised, or few anomalies."""

from collections.abc import Mapping
from typing import Any

from sonde.core.findings import Finding
from sonde.core.units import count, share
from sonde.metrics.intervals import wilson

HALF = 0.5  # of the anomalies
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
    return [
        Finding(
            check="few anomalies found",
            name="few-anomalies-found",
            severity="warning",
            evidence=f"{share(rate, 1)} of the {count(rows)} known anomalies among the {split} rows exceed the threshold, which "
            f"{limit} of normal rows may",
            action="try the other --score (reconstruction, or neighbours), or let more normal rows exceed the threshold "
            "(--false-alarms)",
            certainty="certain",
        )
    ]
