"""What is wrong with the rows that a caller gave, as far as these are in memory: said before the first step."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sonde.core.batch import TARGET_NAMES, Batch
from sonde.core.findings import Finding, of_split
from sonde.core.seams import Source, Task
from sonde.data import facts
from sonde.data.feed.held import chosen_rows, held_fields, taken
from sonde.diagnose.structure import Answer
from sonde.run.build import Assembly

OF_CLASSES = (F.cross_entropy, F.nll_loss, nn.CrossEntropyLoss, nn.NLLLoss)


def given_facts(assembly: Assembly, answer: Answer | None) -> list[Finding]:
    """Facts about the rows of a custom run.

    answer: of the network to some rows, where it gives one: holes among the inputs that it copes with are no fault
    """
    sources: dict[str, Source] = {"train": assembly.train, **assembly.evaluation_sources}
    held = {split: fields for split, source in sources.items() if (fields := held_fields(source))}
    rows = {split: chosen_rows(fields) for split, fields in held.items()}
    parts = {
        split: {name: taken(field, rows[split]) for name, field in fields.items()} for split, fields in held.items()
    }
    found: list[Finding] = []
    for split, part in parts.items():
        describe = partial(_describe, sources[split], rows[split])
        found += _holes(split, part, rows[split], held[split], answer, describe)
    train = parts.get("train")
    if train is None:
        return found
    inputs, target = _inputs(train), next((train[name] for name in TARGET_NAMES if name in train), None)
    for name in inputs:
        found += facts.stand_ins(name, train[name]) + facts.constant_columns(name, train[name])
    classes = _takes_classes(assembly.task)
    if len(inputs) == 1:
        (name,) = inputs
        for split, part in parts.items():
            if split == "train" or name not in part:
                continue
            sizes = (_rows(held["train"]), _rows(held[split]))
            batch = assembly.config.feed.batch_size
            again = facts.judged_and_trained(train[name], part[name], split, batch=batch, all_rows=sizes)
            found += [replace(each, name=of_split(each.name, split)) for each in again]
        if classes and target is not None and train[name].dtype.kind == "f":
            found += facts.contradictions(train[name], target)
    for split, part in parts.items():
        judged = next((part[name] for name in TARGET_NAMES if name in part), None)
        if classes and split != "train" and target is not None and judged is not None:
            lacking = facts.lacking_classes(target, judged, split)
            found += [replace(each, name=of_split(each.name, split)) for each in lacking]
    return found


def _describe(source: Source, rows: np.ndarray, place: int) -> str:
    return source.describe(int(rows[place]))


def _holes(
    split: str,
    part: Mapping[str, np.ndarray],
    rows: np.ndarray,
    fields: Mapping[str, Any],
    answer: Answer | None,
    describe: Callable[[int], str],
) -> list[Finding]:
    """A finding where inputs are not finite and the network's answer to such a row is not either."""
    for name in _inputs(part):
        words, places = facts.not_finite(name, part[name], describe)
        if not words or (answer is not None and _copes(answer, fields, rows[places[:2]])):
            continue
        return [
            Finding(
                check="not finite inputs",
                name="not-finite-inputs",
                severity="warning",
                where=describe(int(places[0])),
                evidence=f"{split}: {words}",
                action="fix these rows or leave them out: a missing number can become its column's median, "
                f"{name}.nan_to_num(0) puts 0 there",
                step=0,
            )
        ]
    return []


def _copes(answer: Answer, fields: Mapping[str, Any], rows: np.ndarray) -> bool:
    """Whether what the network answers to rows with holes is finite."""
    chosen = torch.from_numpy(np.ascontiguousarray(rows))
    some = {name: torch.from_numpy(np.ascontiguousarray(taken(field, rows))) for name, field in fields.items()}
    floats = {name: part.float() if part.dtype is torch.float64 else part for name, part in some.items()}
    output = answer(Batch(floats, chosen))
    return isinstance(output, Tensor) and output.is_floating_point() and bool(output.isfinite().all())


def _inputs(part: Mapping[str, np.ndarray]) -> list[str]:
    return [name for name, field in part.items() if name not in TARGET_NAMES and field.dtype.kind in "biufc"]


def _rows(fields: Mapping[str, Any]) -> int:
    return min((len(field) for field in fields.values()), default=0)


def _takes_classes(task: Task) -> bool:
    """Whether the loss is one of torch's that take class numbers as targets."""
    loss = getattr(task, "_loss", None)
    loss = loss.func if isinstance(loss, partial) else loss
    return any(loss is each for each in OF_CLASSES[:2]) or isinstance(loss, OF_CLASSES[2:])
