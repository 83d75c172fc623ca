"""Rows for training and for evaluation: reproducible, stratified shares of rows, and views of some rows of a dataset."""

from collections.abc import Collection, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, Rows, TargetSpec
from sonde.core.errors import ConfigError, DataError
from sonde.core.seeds import derive
from sonde.data.rows import WithTruth, chunks

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "t10k": "test",
}
SPLITS_OF_A_DICT = {**SPLIT_NAMES, "eval": "validation", "evaluation": "validation"}
"""Those that a program may give its parts, as Hugging Face's Trainer calls what is evaluated while it trains."""
ORDER = ("train", "validation", "test")
READ_AT_ONCE = 4096  # rows
T = TypeVar("T")


@dataclass(frozen=True)
class SubsetRows:
    """Some rows of another `Rows`, in the order of `indices`."""

    rows: Rows
    indices: np.ndarray  # (n,) int64

    def __len__(self) -> int:
        return len(self.indices)

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """The fields of some rows, in the given order."""
        return self.rows.read(self.indices[indices])

    def describe(self, index: int) -> str:
        """Where the row came from, in the words of the rows it was taken from."""
        return self.rows.describe(int(self.indices[index]))

    def nbytes(self) -> int:
        """Bytes of these rows once packed."""
        return self.rows.nbytes() * len(self.indices) // max(1, len(self.rows))

    def targets(self) -> np.ndarray:
        """The `target` field of all rows, without their inputs."""
        return targets_of(self.rows)[self.indices]


def refuse_twice(names: Iterable[Any]) -> None:
    """Raises: DataError where two keys of a dict of splits name the same one, such as eval and validation"""
    known: dict[str, Any] = {}
    for name in names:
        split = SPLITS_OF_A_DICT.get(str(name).lower())
        if split is not None and split in known:
            raise DataError(f"{known[split]!r} and {name!r} are both {split} data; leave one of the two out")
        if split is not None:
            known[split] = name


def subset(rows: Rows, indices: np.ndarray) -> Rows:
    """`rows` at `indices`; a view of a view looks straight at what lies below."""
    if isinstance(rows, SubsetRows):
        return SubsetRows(rows.rows, rows.indices[indices])
    return rows if len(indices) == len(rows) and (np.diff(indices) == 1).all() else SubsetRows(rows, indices)


def targets_of(rows: Rows) -> np.ndarray:
    """The `target` field of all rows; nothing is decoded where the rows keep their targets apart."""
    known = getattr(rows, "targets", None)
    if known is not None:
        return known()
    return np.concatenate([rows.read(some)["target"] for some in chunks(rows, READ_AT_ONCE)])


def truth_of(rows: Rows, *, masked: bool) -> dict[str, np.ndarray]:
    """The fields `target` and, where some are missing, `mask` of all rows; windows of a series bring more, for baselines."""
    if isinstance(rows, WithTruth):
        return rows.truth()
    if not masked:
        return {"target": targets_of(rows)}
    pieces = [rows.read(some) for some in chunks(rows, READ_AT_ONCE)]
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in ("target", "mask")}


def in_order(found: Mapping[str, T]) -> dict[str, T]:
    """The splits there are: train, validation, test."""
    return {split: found[split] for split in ORDER if split in found}


def for_evaluation(parts: Mapping[str, T]) -> dict[str, T]:
    """What a trained model is evaluated on: the splits as they are, or a single one as the test split."""
    return dict(parts) if len(parts) > 1 else {"test": next(iter(parts.values()))}


def no_training_part(source: str, what: str, names: str) -> DataError:
    """The error for data that hold parts to evaluate on alone. what: "test images"; names: what would be trained on"""
    return DataError(
        f"{source} has only {what}, which are not trained on; add a training part, or name them {names} to train on "
        "them and keep a part of them for testing"
    )


def sizes_in_words(parts: Mapping[str, Sized]) -> str:
    """How many rows each split has, without its name where it is the only one.

    >>> sizes_in_words({"train": range(60_000), "test": range(10_000)}), sizes_in_words({"train": range(1797)})
    ('60,000 train + 10,000 test', '1,797')
    """
    if len(parts) == 1:
        return f"{len(next(iter(parts.values()))):,}"
    return " + ".join(f"{len(part):,} {split}" for split, part in parts.items())


def evenly_spaced(n: int, most: int) -> np.ndarray:
    """(min(n, most),) int64 places among 0..n-1: no draw, and no class is missed where rows are sorted by class."""
    return np.linspace(0, n - 1, min(n, most)).round().astype(np.int64)


def labels_of(rows: Rows) -> np.ndarray:
    """(n,) int64 class of each row of a dataset whose target is a class."""
    return targets_of(rows).astype(np.int64, copy=False)


def class_counts(rows: Rows, spec: TargetSpec) -> np.ndarray | None:
    """(classes,) rows of each class, or objects of each where boxes mark them; None for other targets."""
    if not (spec.has_classes or spec.has_boxes):
        return None
    found = targets_of(rows)[..., 0] if spec.has_boxes else targets_of(rows)
    return np.bincount(found[found >= 0].astype(np.int64), minlength=len(spec.names))


def split_rows(
    n: int,
    *,
    test: float,
    validation: float,
    labels: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    seed: int = 0,
    fold: tuple[int, int] = (0, 0),
) -> dict[str, np.ndarray]:
    """Rows 0..n-1 shared out: "train", and "validation" and "test" where their share is above 0; each sorted.

    test, validation: test is a share of all rows, validation a share of what test leaves
    labels: (n,) classes; each class keeps its share in every part (off by less than one row), and a row in train
    groups: (n,) keys of rows that stay together, such as a patient; then parts are within a group of their share, and
            `labels` are not looked at
    fold:   (k, parts): instead of a share drawn at random, the k-th (1-based) of so many parts of all rows is the test part,
            or where that has no share the validation part; (0, 0) for no parts
    Raises: DataError when there are fewer rows (or groups) than parts, or neither part has a share
    The parts depend on the rows' order, their labels or groups and the seed alone.

    >>> {name: len(rows) for name, rows in split_rows(100, test=0.2, validation=0.1).items()}
    {'train': 72, 'validation': 8, 'test': 20}
    """
    rng = np.random.default_rng(derive(seed, "split"))
    left = np.arange(n)
    parts: dict[str, np.ndarray] = {}
    shares = {"test": test, "validation": validation}
    if fold[0]:
        evaluated = next((name for name, share in shares.items() if share > 0), None)
        if evaluated is None:
            raise DataError("--folds has nothing to split: the data has its own validation and test rows; leave it out")
        parts[evaluated] = np.flatnonzero(_fold_of(n if labels is None else labels, groups, fold[1]) == fold[0] - 1)
        left = np.delete(left, parts[evaluated])
    for name, share in shares.items():
        if share <= 0 or name in parts:
            continue
        if groups is not None:
            held = _whole_groups(groups[left], share, rng)
        else:
            held = _draw(len(left) if labels is None else labels[left], share, rng)
        parts[name] = left[held]
        left = np.delete(left, held)
    return {name: {"train": left, **parts}[name] for name in ORDER if name == "train" or name in parts}


def share_out(
    n: int,
    brought: Collection[str],
    config: DataConfig,
    *,
    labels: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """`split_rows` as the settings ask, with nothing for splits that the data `brought`."""
    test, validation = shares(brought, config)
    return split_rows(n, test=test, validation=validation, labels=labels, groups=groups, fold=config.part)


def shares(brought: Collection[str], config: DataConfig) -> tuple[float, float]:
    """(test, validation) shares to hold back of the training rows: none for splits that the data `brought`.

    Raises: ConfigError for a share that was typed of a split that the data bring
    """
    typed = {"test": config.test or 0.0, "validation": config.validation}
    for split, usual in (("test", 0.0), ("validation", DataConfig.validation)):
        if split in brought and typed[split] not in (0.0, usual):
            raise ConfigError(
                f"--{split} {typed[split]:g} has no effect: the data have {split} rows of their own; leave it out"
            )
    return 0.0 if "test" in brought else config.test_share, 0.0 if "validation" in brought else config.validation


def drawn_from_train(whole: Mapping[str, Rows], indices: Mapping[str, np.ndarray]) -> dict[str, Rows]:
    """The splits that the data brings, and in place of train and of those it does not bring rows of its train split."""
    return {
        split: whole[split] if split in whole and split != "train" else subset(whole["train"], indices[split])
        for split in ORDER
        if split in whole or split in indices
    }


def hold_back(
    rows: int,
    brought: Collection[str],
    config: DataConfig,
    *,
    called: str,
    labels: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> tuple[dict[str, np.ndarray], list[Fact]]:
    """Of so many rows to train on: those that stay in train, and those that go to splits that the data does not bring.

    brought: the splits there are;  called: the rows, where there are too few of them ("t.csv has 2 training rows")
    labels:  (rows,) classes; each keeps its share
    groups:  (rows,) of what stays together, instead of classes keeping their share
    Raises: DataError for too few rows
    """
    shares = {"test": config.test_share, "validation": config.validation}
    if rows < 3 and any(share > 0 for split, share in shares.items() if split not in brought):
        raise DataError(f"{called}, too few to split; add more")
    parts = share_out(rows, brought, config, labels=labels, groups=groups)
    indices = {split: found for split, found in parts.items() if len(found)}
    held = [split for split in ("validation", "test") if split in indices]
    how = "whole groups; none is in two splits" if groups is not None else ""
    facts = held_back_facts(
        {split: len(indices[split]) for split in held}, held, stratified=labels is not None, how=how
    )
    if config.label_fraction < 1:
        before = indices["train"]
        indices["train"] = before[thin(len(before) if labels is None else labels[before], config.label_fraction)]
        facts.append(fraction_fact(len(indices["train"]), len(before), labels is not None))
    return indices, facts


def thin(labels: np.ndarray | int, fraction: float, *, seed: int = 0) -> np.ndarray:
    """Sorted rows to keep so that `fraction` of each class is left, at least one row of each.

    labels: (n,) classes, or the number of rows where there are none
    """
    n = labels if isinstance(labels, int) else len(labels)
    if fraction >= 1:
        return np.arange(n)
    dropped = _draw(labels, 1 - fraction, np.random.default_rng(derive(seed, "split", 1)))
    return np.delete(np.arange(n), dropped)


def thinned(dataset: Dataset, config: DataConfig) -> Dataset:
    """The dataset with `--label-fraction` of its training rows, stated in its facts."""
    if config.label_fraction >= 1:
        return dataset
    rows = dataset.splits["train"]
    classes = dataset.schema.target.has_classes
    chosen = thin(labels_of(rows) if classes else len(rows), config.label_fraction)
    splits: Mapping[str, Rows] = {**dataset.splits, "train": subset(rows, chosen)}
    return replace(dataset, splits=splits, facts=[*dataset.facts, fraction_fact(len(chosen), len(rows), classes)])


def fraction_fact(chosen: int, rows: int, classes: bool) -> Fact:
    """How many training rows `--label-fraction` left."""
    return Fact(
        f"{chosen:,} of {rows:,} training rows", "--label-fraction" + (", same share of every class" if classes else "")
    )


def _fold_of(labels: np.ndarray | int, groups: np.ndarray | None, parts: int) -> np.ndarray:
    """(n,) which of `parts` each row is in: the same for every k. Classes are spread evenly, groups stay whole."""
    rng = np.random.default_rng(derive(0, "split", 2))
    n = labels if isinstance(labels, int) else len(labels)
    keys = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
    if keys.max(initial=-1) + 1 < parts:
        what = "rows" if groups is None else "groups"
        raise DataError(
            f"--folds {parts} needs as many {what}, and there are {keys.max(initial=-1) + 1}; use fewer folds"
        )
    shuffled = rng.permutation(n)
    found = np.empty(n, np.int64)
    if groups is None:
        ordered = shuffled if isinstance(labels, int) else shuffled[np.argsort(labels[shuffled], kind="stable")]
        found[ordered] = np.arange(n) % parts
        return found
    sizes = np.bincount(keys)
    filled, place = np.zeros(parts, np.int64), np.empty(len(sizes), np.int64)
    for key in np.argsort(-sizes, kind="stable"):  # the largest first, each into the part that holds least
        place[key] = filled.argmin()
        filled[place[key]] += sizes[key]
    return place[keys]


def _draw(labels: np.ndarray | int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Rows to take away: round(share * n) in all, one at least, every class by its share."""
    n = labels if isinstance(labels, int) else len(labels)
    wanted = min(max(1, round(share * n)), n - 1) if n > 1 else 0
    if isinstance(labels, int):
        return np.sort(rng.permutation(n)[:wanted])
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    quota = _quota(counts, share, wanted, rng)
    # rows in a random order within their class: the first `quota` of each class are taken
    shuffled = rng.permutation(n)
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    taken = [by_class[start : start + number] for start, number in zip(starts, quota, strict=True)]
    return np.sort(np.concatenate(taken))


def _quota(counts: np.ndarray, share: float, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """Rows to take per class by the largest remainder, never a class's last; ties fall at random."""
    exact = counts * share
    quota = np.minimum(np.floor(exact).astype(np.int64), counts - 1)
    rest = exact - quota
    order = np.lexsort((rng.random(len(counts)), -rest))
    for index in order:
        if quota.sum() >= wanted:
            break
        if rest[index] > 1e-9 and quota[index] < counts[index] - 1:
            quota[index] += 1
    return quota


def _whole_groups(groups: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Rows of randomly drawn groups, as long as a further group brings their number nearer to the share; of two groups, one.

    Where every group is more than twice the share, it is one of the smallest: a part without rows is of no use to anybody.
    """
    names, codes, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < 2:
        return np.arange(0)
    wanted, taken, rows = share * len(groups), [], 0
    for group in rng.permutation(len(names)):
        if abs(rows + counts[group] - wanted) <= abs(rows - wanted) and len(taken) < len(names) - 1:
            taken.append(group)
            rows += counts[group]
    return np.flatnonzero(np.isin(codes, taken or [counts.argmin()]))


def held_back_facts(sizes: Mapping[str, int], drawn: Sequence[str], *, stratified: bool, how: str = "") -> list[Fact]:
    """How many training rows were kept for validation and testing, and how they were chosen; by default at random."""
    how = how or "random" + (", same share of every class" if stratified else "")
    return [
        Fact(f"{sizes[name]:,} of the training rows kept for {'testing' if name == 'test' else name}", how)
        for name in drawn
    ]
