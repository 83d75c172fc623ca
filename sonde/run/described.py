"""The facts of a caller's own data, as data.json holds them of data that Sonde reads itself: rows, fields, classes, values."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from sonde.core.batch import TARGET_NAMES, Batch
from sonde.core.nested import leaves
from sonde.core.seams import Source
from sonde.core.units import count, counted, number
from sonde.data.feed.held import chosen_rows, held_fields, taken
from sonde.run.build import Assembly

MOST_CLASSES = 200
MOST_FIELDS = 12


def described(assembly: Assembly, batch: Batch, held: Mapping[str, Any]) -> dict[str, Any]:
    """ "splits", "facts" and "class_counts" of a custom run, as far as they are known; held: what data.json holds."""
    sources: dict[str, Source] = {"train": assembly.train, **assembly.evaluation_sources}
    fields = {split: held_fields(source) for split, source in sources.items()}
    rows = {split: len(next(iter(parts.values()))) for split, parts in fields.items() if parts}
    facts = [{"what": what, "why": why} for what, why in (*_sizes(sources, rows), *_fields(batch))]
    classes: dict[str, dict[str, int]] = {}
    for split, parts in fields.items():
        target = next((parts[name] for name in TARGET_NAMES if name in parts), None)
        if target is None:
            continue
        values = taken(target, chosen_rows({"target": target}))
        counts = _classes(values)
        if counts:
            classes[split] = counts
        elif split == "train" and values.dtype.kind == "f" and values.size and np.isfinite(values).all():
            low, mean, high = (number(float(value), 4) for value in (values.min(), values.mean(), values.max()))
            facts.append({"what": f"targets from {low} to {high}, mean {mean}", "why": "of the training rows"})
    if "train" in classes:
        facts.append(
            {"what": counted(len(classes["train"]), "class", "classes"), "why": "the targets are whole numbers"}
        )
    return {"splits": rows, "facts": [*(held.get("facts") or []), *facts], "class_counts": classes}


def _sizes(sources: Mapping[str, Source], rows: Mapping[str, int]) -> list[tuple[str, str]]:
    """Rows of each split, or of what is read row by row the batches."""
    told = []
    for split, source in sources.items():
        if split in rows:
            told.append(f"{count(rows[split])} {split}")
        elif source.batches is not None:
            told.append(f"{counted(source.batches, 'batch', 'batches')} for {split}")
    known = "rows" if all(split in rows for split in sources) else "rows, or batches where rows are read one by one"
    return [(" + ".join(told), known)] if told else []


def _fields(batch: Batch) -> list[tuple[str, str]]:
    """What a row holds, a line for each field."""
    found = []
    for name, field in list(batch.fields.items())[:MOST_FIELDS]:
        for path, leaf in leaves(field, (name,)):
            if isinstance(leaf, Tensor):
                shape = "x".join(map(str, leaf.shape[1:])) or "a number"
                found.append((f"{'.'.join(map(str, path))}: {shape}", str(leaf.dtype).removeprefix("torch.")))
    return found[:MOST_FIELDS]


def _classes(values: np.ndarray) -> dict[str, int]:
    """Rows of each class, of targets that are a whole number each."""
    flat = values.reshape(len(values), -1)
    if values.dtype.kind not in "iu" or flat.shape[1] != 1:
        return {}
    names, counts = np.unique(flat, return_counts=True)
    return dict(zip(map(str, names.tolist()), counts.tolist(), strict=True)) if len(names) <= MOST_CLASSES else {}
