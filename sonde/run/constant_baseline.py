"""The trivial baseline of a network of the caller's own: one answer for all rows, judged by her metrics and her loss."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError, NonFinite
from sonde.core.seams import RuleBaseline, abilities_of, rewinds
from sonde.data.feed.held import unchanged_fields
from sonde.engine import random_state
from sonde.engine.evaluate import checked_meter, evaluation_mode
from sonde.metrics.directions import higher_is_better
from sonde.run.build import Assembly
from sonde.run.some_rows import some_rows


def constant_baseline(assembly: Assembly, split: str) -> dict[str, Any]:
    """Its metrics on a split, and "what" it predicts; of several answers that of the best first metric.

    The training rows are those in memory, or some of a map-style Dataset's (`some_rows`). Empty where there are neither, where
    the rows to evaluate come only once, and where it is not known what outputs mean. Metrics that are no number for one answer
    to all, such as a correlation, are left out; where one fails on it, there is no baseline.
    """
    source, known = assembly.evaluation_sources[split], unchanged_fields(assembly.train) or some_rows(assembly.train)
    ability = abilities_of(assembly.task).constant_baselines
    if not known or not rewinds(source) or ability is None:
        return {}
    position = source.state_dict()
    try:
        with random_state.apart(assembly.device), evaluation_mode(assembly.task.modules), torch.no_grad():
            batches = iter(source)
            first = next(batches, None)
            rules = ability(known, first) if first is not None else []
            found = [] if first is None or not rules else _scores(assembly, rules, [first], batches)
    except (ConfigError, NonFinite):  # a metric, or the loss, that cannot be told of one answer to all
        return {}
    finally:
        source.load_state_dict(position)
    return _best(assembly, [each for each in found if len(each) > 1])


def _scores(
    assembly: Assembly, rules: Sequence[RuleBaseline], begun: Sequence[Batch], batches: Any
) -> list[dict[str, Any]]:
    meters = [checked_meter(assembly.task) for _ in rules]
    for some in (begun, batches):
        for batch in some:
            for rule, meter in zip(rules, meters, strict=True):
                meter.update(rule.evaluate(batch), batch.index)
    return [
        {**{name: value for name, value in meter.compute().items() if math.isfinite(value)}, "what": rule.name}
        for rule, meter in zip(rules, meters, strict=True)
    ]


def _best(assembly: Assembly, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The one that is hardest to beat by the metric that a person reads first, where its direction is known."""
    if not found:
        return {}
    name, objective = next(iter(found[0])), assembly.objective
    larger = higher_is_better(name)
    if objective is not None and objective.metric == name:
        larger = objective.mode == "max"
    if larger is None or any(name not in each for each in found):
        return found[0]
    return (max if larger else min)(found, key=lambda each: each[name])
