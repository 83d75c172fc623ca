"""Facts about rows in memory before they are trained on: holes, stand-ins for holes, rows trained on and judged, labels that
contradict one another, classes that one part lacks.

Everything is counted on at most `feed.held.MOST_ROWS` rows; each function takes arrays (n, …) and changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sonde.core.findings import Finding, Severity, of_split
from sonde.core.units import share
from sonde.data.duplicates import digests, pairs_by_chance, quick_keys, repeated, same_groups

SPLIT_FIRST = "split first, and repeat (oversample) training rows alone"
STAND_INS = (
    -999.0,
    -9999.0,
    -99999.0,
    -9999999.0,
    9999.0,
    99999.0,
    -99.0,
)  # what surveys and sensors write for "missing"
OFTEN = 0.05  # share of a column from which a number that stands apart is taken for a stand-in
APART = 5.0  # distance of a stand-in from the column's other numbers, in their range
MOST_COLUMNS = 2000
ENOUGH = 0.01  # of the judged rows; fewer copies hardly change a score
MEETING_BY_CHANCE = 0.5  # expected pairs of equal rows from which on equal rows say nothing
CONTRADICTED = 0.05  # share of rows
MOST_CLASSES = 1000
MANY = (
    0.3  # of the judged rows are copies, from which it is said where rows repeat within training too: texts repeat less
)
FEWEST_ROWS = 30  # different ones, from which it is seen whether their numbers are fine
OFF_GRID = 10  # times as close as on a grid must the closest numbers of a column be
WIDE = 16  # columns, of which halves are looked at
DENSE = 0.1  # share of numbers that are not 0: rows of pixels have 0.2 and more, those of word counts 0.01
NEARLY_ALL = 0.99  # of the different rows
OF_PIXELS = 0.8  # of the columns have the same end as those that are constant
LOOKED_AT = 5000  # rows
EXPECTED = 10  # rows of a class that a part should hold if it were drawn at random: none then has a chance of 5e-5
LISTED = 5


def not_finite(name: str, rows: np.ndarray, describe: Callable[[int], str]) -> tuple[str, np.ndarray]:
    """(where NaN and infinities stand in words, the numbers of their rows); ("", empty) where there are none."""
    if rows.dtype.kind not in "fc":
        return "", np.array([], dtype=np.int64)
    with np.errstate(all="ignore"):
        total = rows.sum(dtype=np.float64 if rows.dtype.kind == "f" else None)  # in one pass, without a copy
    if np.isfinite(total):
        return "", np.array([], dtype=np.int64)
    bad = ~np.isfinite(rows.reshape(len(rows), -1))
    found = np.flatnonzero(bad.any(axis=1))
    if not len(found):  # a sum beyond double precision
        return "", found
    column = int(np.flatnonzero(bad[found[0]])[0])
    value = rows.reshape(len(rows), -1)[found[0], column]
    where = "" if rows.ndim < 2 else f", column {column}" if rows.ndim == 2 else f", entry {_place(column, rows.shape)}"
    columns = np.flatnonzero(bad.any(axis=0))
    spread = f" in {len(columns):,} columns" if rows.ndim == 2 and len(columns) > 1 else ""
    first = f"{value} in {describe(int(found[0]))}{where}"
    return f"{len(found):,} of {len(rows):,} rows of {name} hold NaN or infinity{spread}: {first}", found


def _place(entry: int, shape: Sequence[int]) -> str:
    return str([int(each) for each in np.unravel_index(entry, shape[1:])])


def stand_ins(name: str, rows: np.ndarray) -> list[Finding]:
    """A number such as -999 that fills part of a column (n, columns) and lies far from all others in it."""
    if rows.ndim != 2 or not 0 < rows.shape[1] <= MOST_COLUMNS or rows.dtype.kind not in "fi":
        return []
    said = []
    for column in range(rows.shape[1]):
        values = rows[:, column]
        for number in STAND_INS:
            here = values == number
            others = values[~here & np.isfinite(values)]
            if here.mean() <= OFTEN or not len(others):
                continue
            low, high = float(others.min()), float(others.max())
            if min(abs(number - low), abs(number - high)) > APART * max(high - low, 1e-9) and not low <= number <= high:
                said.append((column, number, float(here.mean()), low, high))
    if not said:
        return []
    column, number, part, low, high = said[0]
    more = f", and {len(said) - 1} more columns are alike" if len(said) > 1 else ""
    return [
        Finding(
            check="numbers that stand for missing ones",
            name="stand-in-values",
            severity="warning",
            where=f"column {column}",
            evidence=f"{name}: column {column} is {number:g} in {share(part, 0)} of the rows and between {low:g} and "
            f"{high:g} in all others{more}: it seems to mark a missing value",
            action="replace it by the column's median, and add a column that says where the value was missing",
            step=0,
        )
    ]


def judged_and_trained(
    train: np.ndarray, judged: np.ndarray, split: str, *, batch: int, all_rows: tuple[int, int]
) -> list[Finding]:
    """Rows of a part that is judged which are trained on too, unless rows meet as often within what is trained on.

    Numbers so fine that only copying makes rows equal are told in any case: rows that were oversampled before they were split.

    batch: rows of one; where all that is trained on fits into it, learning it by heart is meant;  all_rows: of both parts
    """
    if train.shape[1:] != judged.shape[1:] or not train[:1].size or not len(judged):
        return []
    keys = quick_keys(train)
    maybe = judged[np.isin(quick_keys(judged), keys)]
    there = set(digests(train[np.isin(keys, quick_keys(maybe))]))
    again = sum(key in there for key in digests(maybe))
    part, twice = again / len(judged), len(repeated(train)) / len(train)
    if again <= max(1, ENOUGH * len(judged)):
        return []
    repeat = part <= 2 * twice + ENOUGH or _by_chance(train)
    if repeat and not (part >= MANY and fine(train)):
        return []
    some = "" if all_rows == (len(train), len(judged)) else f" (looked for among {len(train):,} training rows)"
    return [
        copied_rows(
            split,
            again,
            f"{len(judged):,} {split} rows",
            part,
            SPLIT_FIRST
            if repeat
            else "remove the copies before splitting; keep related rows (of one patient, one day) in one split",
            severity="warning" if len(train) > batch else "note",
            beside=f"{some}, value for value (within train {share(twice, 0)} occur more than once)",
            step=0,
        )
    ]


def copied_rows(
    split: str,
    again: int,
    of: str,
    part: float,
    action: str,
    *,
    severity: Severity = "warning",
    beside: str = "",
    step: int | None = None,
) -> Finding:
    """Rows of a split that are trained on too. of: the rows that were compared, in words;  part: share of them;
    beside: where and how they were found"""
    return Finding(
        check=f"{split} rows in training",
        name=of_split("validation-rows-in-training", split),
        severity=severity,
        where=split,
        evidence=f"{again:,} of {of} ({share(part, 0)}) are also in train{beside}, so their scores measure memorisation",
        action=action,
        step=step,
    )


def _by_chance(rows: np.ndarray) -> bool:
    """Whether rows of few numbers are coarse enough to be equal without having been copied."""
    some = rows[:: max(1, len(rows) // 5000)].reshape(len(rows[:: max(1, len(rows) // 5000)]), -1)
    pairs = pairs_by_chance(list(some[:, :64].T))  # of these columns alone; more make it rarer
    return some.shape[1] <= 64 and pairs * (len(rows) / len(some)) ** 2 >= MEETING_BY_CHANCE


def fine(rows: np.ndarray) -> bool:
    """Whether rows are of numbers so fine that equal ones are copies, however many there are.

    Two columns that nearly tell all different rows apart and lie on no grid do that (ages, and what is computed of them, lie on
    one), and so do many columns, hardly any of them 0 throughout, of which each half tells them apart, as pixels do.
    """
    if rows.dtype.kind != "f" or not np.isfinite(rows).all() or (rows == np.rint(rows)).all():
        return False
    flat = rows[:LOOKED_AT].reshape(min(len(rows), LOOKED_AT), -1)
    flat = flat[np.unique(quick_keys(flat), return_index=True)[1]]  # different rows
    if len(flat) < FEWEST_ROWS or _by_chance(flat):
        return False
    if sum(_is_fine(column) for column in flat[:, :64].T) >= 2:
        return True
    if flat.shape[1] < WIDE or (flat != 0).mean() < DENSE:
        return False
    return all(len(np.unique(quick_keys(flat[:, half::2]))) >= NEARLY_ALL * len(flat) for half in (0, 1))


def _is_fine(column: np.ndarray) -> bool:
    """Whether the numbers of different rows differ mostly, and not by multiples of some step: the closest two of n that are
    drawn from a density are about range / n² apart, and of a grid range / n."""
    values = np.unique(column)
    if len(values) < max(FEWEST_ROWS, len(column) / 2):
        return False
    return float(np.diff(values).min()) * OFF_GRID * len(values) < float(values[-1] - values[0])


def contradictions(rows: np.ndarray, labels: np.ndarray) -> list[Finding]:
    """Equal rows with different labels, where rows are too fine to meet by chance."""
    if labels.ndim != 1 or labels.dtype.kind not in "iub" or len(rows) != len(labels) or not rows[:1].size:
        return []
    again = repeated(rows)
    same = [again[group] for group in same_groups(digests(rows[again]))]
    groups = [group for group in same if len(np.unique(labels[group])) > 1]
    count = sum(map(len, groups))
    if count < max(2, ENOUGH * len(rows)) or _by_chance(rows):
        return []
    first = groups[0][:LISTED]
    named = ", ".join(f"row {row} is {labels[row]}" for row in first)
    return [contradicting_rows(count, len(rows), named, step=0)]


def contradicting_rows(count: int, rows: int, named: str, step: int | None = None) -> Finding:
    """Training rows with the inputs of another and another label. named: some of them, in words"""
    return Finding(
        check="equal rows with different labels",
        name="labels-disagree",
        severity="warning" if count > CONTRADICTED * rows else "note",
        evidence=f"{count:,} of {rows:,} training rows ({share(count / rows, 0)}) have the same inputs as another row "
        f"with another label ({named}): no network can get them all right",
        action="check which labels are right, or add the columns in which these rows differ",
        step=step,
    )


def constant_columns(name: str, rows: np.ndarray) -> list[Finding]:
    """Columns (n, columns) with the same number in every row: a note, as they do no harm."""
    if rows.ndim != 2 or len(rows) < 10 or not 1 < rows.shape[1] <= 200 or rows.dtype.kind != "f":
        return []
    same = np.flatnonzero((rows == rows[:1]).all(axis=0))
    if not len(same) or len(same) == rows.shape[1]:  # of all columns the doctor speaks
        return []
    if rows.shape[1] >= WIDE and _is_ground(rows, same):
        return []
    listed = ", ".join(map(str, same[:LISTED])) + (f" and {len(same) - LISTED} more" if len(same) > LISTED else "")
    return [
        Finding(
            check="constant columns",
            name="constant-columns",
            severity="note",
            where=f"column {same[0]}",
            evidence=f"{name}: {len(same)} of {rows.shape[1]} columns are the same in every training row ({listed})",
            action="nothing: they do no harm; but check columns whose values should differ: they may have been read or "
            "filled in wrong",
            step=0,
        )
    ]


def _is_ground(rows: np.ndarray, same: np.ndarray) -> bool:
    """Whether constant columns of rows are what pixels at a picture's border are: as low as all others get, or as high."""
    low, high = rows.min(axis=0), rows.max(axis=0)
    others = np.delete(np.arange(rows.shape[1]), same)
    if len(np.unique(rows[0, same])) > 1:
        return False
    return any((ends[others] == rows[0, same[0]]).mean() >= OF_PIXELS for ends in (low, high))


def lacking_classes(train: np.ndarray, judged: np.ndarray, split: str) -> list[Finding]:
    """Class numbers (n,) that are judged and never trained on, and that are trained on and never judged."""
    if any(each.ndim != 1 or each.dtype.kind not in "iu" or not len(each) for each in (train, judged)):
        return []
    known, others = _counted(train), _counted(judged)
    if max(len(known), len(others)) > MOST_CLASSES:
        return []
    return classes_apart(known, others, split)


def classes_apart(train: Mapping[int, int], judged: Mapping[int, int], split: str) -> list[Finding]:
    """The same of rows by class. A class without judged rows counts where a part drawn at random would hold ten."""
    rows, found = sum(judged.values()), []
    if not rows or not train:
        return []
    if new := {key: count for key, count in judged.items() if count and not train.get(key)}:
        found.append(
            Finding(
                check="classes that are not trained on",
                name="class-without-training-rows",
                severity="warning",
                where=f"class {min(new)}",
                evidence=f"{sum(new.values()):,} of {rows:,} {split} rows are of {_listed(new)}, which no training row "
                "has: they can only be predicted wrong",
                action=f"add training rows of {_them(new)}, or leave these rows out; split so that each class is in "
                "both splits (stratified)",
                step=0,
            )
        )
    total = sum(train.values())
    if gone := {k: n for k, n in train.items() if not judged.get(k) and n / total * rows >= EXPECTED}:
        named = f"{_listed(gone)} ({sum(gone.values()):,} of {total:,} training rows)"
        way = f"draw both splits from the same rows at random (stratified), or add rows of {_them(gone)}"
        found.append(class_without_rows(split, named, len(gone) > 1, way, f"class {min(gone)}", step=0))
    return found


def class_without_rows(
    split: str, named: str, several: bool, action: str, where: str, step: int | None = None
) -> Finding:
    """Classes that are trained on and have no row in a split that is evaluated. named: the classes, in words"""
    return Finding(
        check=f"class without {split} rows",
        name=of_split("class-without-validation-rows", split),
        severity="warning",
        where=where,
        evidence=f"{split} has no row of {named}, so its scores say nothing about {'them' if several else 'it'}",
        action=action,
        step=step,
    )


def _them(several: Mapping[int, int]) -> str:
    return "them" if len(several) > 1 else "it"


def _counted(labels: np.ndarray) -> dict[int, int]:
    values, counts = np.unique(labels, return_counts=True)
    return {int(v): int(n) for v, n in zip(values, counts, strict=True) if v >= 0}  # below 0 stands for none


def _listed(classes: Mapping[int, int]) -> str:
    names = sorted(classes)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"class{'es' if len(names) > 1 else ''} {', '.join(map(str, names[:LISTED]))}{more}"
