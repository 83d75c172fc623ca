"""Targets given as an array: are they classes, labels or values, and what are they called?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from sonde.core.dataset import Dataset, Fact, TargetSpec
from sonde.core.errors import DataError
from sonde.core.natural_order import in_natural_order

TargetKind = Literal["class", "value"]  # what numbers may stand for
ONE_VALUE = "one value to predict"
FEW_VALUES = 1000  # more distinct numbers than this are no classes, even with --task classification
FEW_WHOLE = 20  # at most so many whole numbers as floats may be classes
IGNORED = -100  # what PyTorch's losses of classes leave out
LISTED = 8


@dataclass(frozen=True, kw_only=True)
class RawTarget:
    """Targets of one split as they were found.

    values: (n,) or (n, outputs): integers, booleans, text or floats (NaN where missing)
    place:  what an error calls them: "train-labels-idx1-ubyte.gz", "y"
    first:  number of the first row, as a person counts them there
    """

    values: np.ndarray
    place: str
    first: int = 0

    def row(self, index: int) -> str:
        """ "y row 17"."""
        return f"{self.place} row {index + self.first}"


def raw_target(values: Any, place: str) -> RawTarget:
    """Targets in the shape the rest expects: (n, 1) becomes (n,), objects become text.

    Raises: DataError for more than two axes, missing text or objects of mixed kinds
    """
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2):
        raise DataError(
            f"{place} has {array.ndim} axes {array.shape}; a target has one value or a row of values per row"
        )
    if array.dtype == object:
        array = _text(array, place)
    if array.dtype.kind not in "biufU":
        raise DataError(f"{place} holds {array.dtype}; a target is made of numbers, booleans or text")
    if array.ndim == 2 and array.dtype.kind == "U":
        raise DataError(f"{place} has {array.shape[1]} columns of text; give one")
    return RawTarget(values=array, place=place)


def unlabelled(rows: int) -> RawTarget:
    """The number of each row in the place of a target, for tasks that look at none; see `without_target`."""
    return raw_target(np.arange(float(rows)), "no labels")


def without_target(dataset: Dataset, target: TargetSpec) -> Dataset:
    """A dataset whose targets are `unlabelled`, with the spec that says so."""
    facts = [fact for fact in dataset.facts if fact.what != ONE_VALUE]  # about the numbers
    return replace(dataset, schema=replace(dataset.schema, target=target), facts=facts)


def infer(
    parts: Mapping[str, RawTarget],
    *,
    kind: TargetKind | None = None,
    task: str | None = None,
    one_class: bool = False,
    names: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> tuple[TargetSpec, Fact]:
    """What the targets of all splits together are; mean and std of values stay empty until the training rows are known.

    kind:    "class" or "value" wins over what the values look like
    task:    the one that is named, which asks for that kind
    one_class: whether training rows of a single class are enough
    names:   class names where the source has them: integers then must lie in 0..len(names)-1
    columns: what to call several outputs
    Raises: DataError for missing, constant or out-of-range targets, naming the row
    """
    train = parts["train"]
    for part in parts.values():
        _check(part, train)
    if train.values.ndim == 2:
        return _infer_outputs(parts, kind, names or columns)
    stored = train.values.dtype.kind
    everything = np.concatenate([part.values for part in parts.values()])
    if stored in "bU" or names:
        if kind == "value" and stored == "U":
            raise DataError(f"{train.place} holds text, which cannot be a regression target; leave --task {task} out")
        if kind != "value":
            return _classes(train, everything, names, one_class=one_class)
    if kind == "value" or (kind != "class" and not _class_like(everything)):
        return _values(train, f"--task {task}" if kind == "value" else "", columns)
    distinct = np.unique(everything)
    if len(distinct) > FEW_VALUES or (stored == "f" and (distinct != np.floor(distinct)).any()):
        raise DataError(
            f"{train.place} holds {len(distinct):,} distinct numbers, which are not classes; leave --task {task} out"
        )
    return _classes(train, everything, (), one_class=one_class)


def doubts(train: RawTarget, spec: TargetSpec, *, kind: TargetKind | None = None) -> list[str]:
    """What of targets may mean something else than they are taken for, each with the flag or change for the other reading.

    kind: as in `infer`: what was asked for is not doubted
    """
    values = train.values
    if kind is not None or values.ndim != 1 or values.dtype.kind not in "iuf":
        return []
    distinct = np.unique(values)
    few = len(distinct) <= min(FEW_WHOLE, len(values) // 3)
    if spec.has_values and values.dtype.kind == "f" and few and (distinct == np.floor(distinct)).all():
        numbers = ", ".join(f"{value:g}" for value in distinct[:LISTED]) + " …" * (len(distinct) > LISTED)
        return [
            f"{train.place} holds only the whole numbers {numbers}, as floats: they are taken as values; "
            "--task classification takes them as classes"
        ]
    if spec.has_classes and IGNORED in distinct and len(distinct) > 2:
        count = int((values == IGNORED).sum())
        return [
            f"{train.place}: {IGNORED} is taken as a class ({count:,} row{'s' * (count != 1)}); where it marks rows without one, "
            "as for PyTorch's losses, leave those rows out"
        ]
    return []


def by_name(part: RawTarget, names: Sequence[str], spec: TargetSpec) -> RawTarget:
    """Places among a source's own class names as names, where the spec knows any: its order may be another.

    Raises: DataError for a place that the source has no name for
    """
    if not spec.has_classes or part.values.dtype.kind not in "iu" or not set(names) & set(spec.names):
        return part
    return replace(part, values=np.array(names)[_codes(part, names)])


def encode(part: RawTarget, spec: TargetSpec) -> dict[str, np.ndarray]:
    """The fields `target` and, where the spec is masked, `mask` of one split.

    Raises: DataError naming the row of a class that the spec does not know, and of a target that is missing
    """
    if spec.has_classes:
        return {"target": _codes(part, spec.names)}
    values = part.values.astype(np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.shape[1] != len(spec.names):
        raise DataError(f"{part.place} has {values.shape[1]} outputs; the model has {len(spec.names)}")
    gaps = np.isnan(values)
    if gaps.any() and not spec.masked:
        row = int(np.flatnonzero(gaps.any(axis=1))[0])
        raise DataError(f"{part.row(row)} has no target (NaN), which the model was not trained for; leave the row out")
    scaled = (values - np.array(spec.mean)) / np.array(spec.std) if spec.has_values else values
    fields = {"target": np.nan_to_num(scaled).astype(np.float32)}
    return {**fields, "mask": (~gaps).astype(np.float32)} if spec.masked else fields


def standardised(spec: TargetSpec, part: RawTarget, train: np.ndarray) -> TargetSpec:
    """The spec with mean and std of value targets over the training rows.

    Raises: DataError when an output is the same in all of them
    """
    if not spec.has_values:
        return spec
    values = part.values[train].astype(np.float64)
    values = values[:, None] if values.ndim == 1 else values
    mean, std = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    for name, spread in zip(spec.names, std, strict=True):
        if not spread > 0:
            raise DataError(f"{part.place}: {name!r} is the same in every training row; there is nothing to learn")
    return replace(spec, mean=tuple(map(float, mean)), std=tuple(map(float, std)))


def listed(names: Sequence[str]) -> str:
    """Names in one line, the long tail counted.

    >>> listed(["a", "b"])
    'a, b'
    """
    return ", ".join(names[:LISTED]) + (f" … ({len(names)} in all)" if len(names) > LISTED else "")


def first_few(names: Sequence[str], most: int) -> str:
    """The first `most` names in one line.

    >>> first_few(["a", "b", "c"], 2)
    'a, b …'
    """
    return ", ".join(names[:most]) + " …" * (len(names) > most)


def _text(array: np.ndarray, place: str) -> np.ndarray:
    """Objects as text, or as numbers where all are numbers."""
    flat = array.ravel()
    for index, value in enumerate(flat):
        if value is None or value != value:
            raise DataError(
                f"{place} row {index // (array.shape[1] if array.ndim == 2 else 1)} has no target; leave the row out"
            )
    if all(isinstance(value, str) for value in flat):
        return array.astype(str)
    if all(isinstance(value, int | float | np.number) for value in flat):
        return np.array(array.tolist())
    raise DataError(f"{place} mixes text and numbers; give one kind")


def _check(part: RawTarget, train: RawTarget) -> None:
    """Raises: DataError for infinite values, rows without any target, and splits that differ in kind."""
    values = part.values
    if (values.dtype.kind == "U") != (train.values.dtype.kind == "U") or values.ndim != train.values.ndim:
        raise DataError(f"{part.place} holds {_kind(values)}, but {train.place} {_kind(train.values)}")
    if values.ndim == 2 and values.shape[1] != train.values.shape[1]:
        raise DataError(f"{part.place} has {values.shape[1]} outputs, but {train.place} {train.values.shape[1]}")
    if values.dtype.kind != "f":
        return
    rows = values if values.ndim == 2 else values[:, None]
    infinite = np.flatnonzero(np.isinf(rows).any(axis=1))
    if len(infinite):
        raise DataError(f"{part.row(int(infinite[0]))} has an infinite target; fix or leave out the row")
    missing = np.flatnonzero(np.isnan(rows).all(axis=1))
    if len(missing):
        raise DataError(
            f"{part.row(int(missing[0]))} has no target (NaN), as have {len(missing):,} rows in all; leave them out"
        )


def _infer_outputs(
    parts: Mapping[str, RawTarget], kind: TargetKind | None, columns: Sequence[str]
) -> tuple[TargetSpec, Fact]:
    """Targets with several outputs: one class each in one-hot form, labels, or values."""
    train = parts["train"]
    everything = np.concatenate([part.values for part in parts.values()]).astype(np.float64)
    outputs = everything.shape[1]
    names = tuple(columns) if len(columns) == outputs else tuple(str(i) for i in range(outputs))
    masked = bool(np.isnan(everything).any())
    gaps = f"; {int(np.isnan(everything).sum()):,} are missing and masked" if masked else ""
    binary = bool(np.isin(everything[~np.isnan(everything)], (0, 1)).all())
    if binary and kind != "value" and _one_hot(everything):
        spec = TargetSpec(kind="class", names=names)
        return spec, Fact(f"{outputs} classes", f"every row of {train.place} holds a single 1")
    if kind == "class" and not binary:
        raise DataError(
            f"{train.place} has {outputs} outputs that are not all 0 or 1; they can only be targets of regression"
        )
    if not binary or kind == "value":
        spec = TargetSpec(kind="value", names=names, masked=masked)
        return spec, Fact(f"{outputs} values to predict", f"{train.place} has {outputs} columns of numbers{gaps}")
    for column, name in enumerate(names):
        seen = train.values[:, column]
        if len(np.unique(seen[seen == seen])) < 2:
            raise DataError(f"{train.place}: label {name!r} is the same in every row; there is nothing to learn")
    spec = TargetSpec(kind="labels", names=names, masked=masked)
    return spec, Fact(f"{outputs} labels: {listed(names)}", f"{train.place} holds rows of 0 and 1{gaps}")


def _one_hot(values: np.ndarray) -> bool:
    """Whether every row of 0 and 1 holds a single 1."""
    return bool(((values == 1).sum(axis=1) == 1).all() and ((values == 0).sum(axis=1) == values.shape[1] - 1).all())


def _class_like(values: np.ndarray) -> bool:
    """Whether numbers are classes: integers, and at least two rows for each different one."""
    return values.dtype.kind in "iu" and len(np.unique(values)) <= min(FEW_VALUES, max(2, len(values) // 2))


def _values(train: RawTarget, requested: str, columns: Sequence[str]) -> tuple[TargetSpec, Fact]:
    _refuse_constant(train)
    kind = train.values.dtype.kind
    if requested:
        why = requested
    elif kind == "f":
        whole = (train.values == np.floor(train.values)).all()
        why = f"{train.place} holds real numbers" + ("; --task classification treats them as classes" if whole else "")
    else:
        why = f"{train.place} holds {len(np.unique(train.values)):,} distinct integers, too many for classes"
    name = columns[0] if len(columns) == 1 else "value"
    return TargetSpec(kind="value", names=(name,)), Fact(ONE_VALUE, why)


def _classes(
    train: RawTarget, everything: np.ndarray, names: Sequence[str], *, one_class: bool
) -> tuple[TargetSpec, Fact]:
    if not one_class:
        _refuse_constant(train)
    kind = train.values.dtype.kind
    if names:
        chosen, why = list(names), "class names from the data"
    elif kind == "U":
        chosen = in_natural_order(map(str, np.unique(everything)))
        why = f"names in {train.place}"
    else:
        distinct = np.unique(everything)
        chosen = [_class_name(value) for value in distinct]
        run = len(distinct) == int(distinct[-1]) - int(distinct[0]) + 1
        span = f"the integers {chosen[0]}-{chosen[-1]}" if run else f"{len(chosen)} distinct integers"
        why = "labels are true and false" if kind == "b" else f"labels are {span}"
    listing = f": {listed(chosen)}" if names or kind == "U" else ""
    return TargetSpec(kind="class", names=tuple(chosen)), Fact(f"{len(chosen)} classes{listing}", why)


def _class_name(value: Any) -> str:
    return str(bool(value)).lower() if isinstance(value, np.bool_) else str(int(value))


def _codes(part: RawTarget, names: Sequence[str]) -> np.ndarray:
    """(n,) int64 place of each target among `names`; integers are places themselves where the names are no numbers."""
    if part.values.ndim == 2 and part.values.shape[1] == len(names) and _one_hot(part.values):
        return part.values.argmax(axis=1)
    if part.values.ndim != 1:
        raise DataError(f"{part.place} has {part.values.shape[1]} outputs; the model predicts one class per row")
    known = {name: code for code, name in enumerate(names)}
    distinct, where = np.unique(part.values, return_inverse=True)
    if part.values.dtype.kind in "iuf" and not all(name.removeprefix("-").isdigit() for name in names):
        codes = [int(v) if 0 <= v < len(names) and v == int(v) else -1 for v in distinct]
    else:
        codes = [known.get(v if isinstance(v, str) else _class_name(v), -1) for v in map(_plain, distinct)]
    found = np.array(codes, dtype=np.int64)[where]
    strange = np.flatnonzero(found < 0)
    if len(strange):
        row = int(strange[0])
        value = _plain(part.values[row])
        raise DataError(
            f"{part.row(row)}: label {value!r} is out of range; the {len(names)} classes are {listed(names)}"
        )
    return found


def _plain(value: Any) -> Any:
    return value if isinstance(value, np.bool_) else value.item()


def _refuse_constant(train: RawTarget) -> None:
    if len(np.unique(train.values)) < 2:
        value = train.values[0]
        raise DataError(f"{train.place}: the target is {value} in every row; there is nothing to learn")


def _kind(values: np.ndarray) -> str:
    words = {"U": "text", "b": "booleans", "i": "integers", "u": "integers", "f": "real numbers"}[values.dtype.kind]
    return words if values.ndim == 1 else f"rows of {values.shape[1]} {words}"
