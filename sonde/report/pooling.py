"""The evaluations of a cross-validation's folds as one, each row of which was judged once; and what the checks found in them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sonde.core.files import plain

MOST_ROWS = 1000  # of a scatter
MOST_CASES = 24
GRID = 100  # points of a mean curve

Details = Mapping[str, Any]  # of one evaluation: file stem -> content


def pooled(parts: Sequence[tuple[str, Mapping[str, Details]]]) -> dict[str, dict[str, Any]]:
    """By split, what the folds' evaluations come to together.

    parts: (name of the fold's folder, split -> its evaluation) of each fold; a split, or a file, that some lack is left out
    """
    splits = [split for split in parts[0][1] if all(split in evaluated for _, evaluated in parts)] if parts else []
    return {split: _of_split(split, [(name, evaluated[split]) for name, evaluated in parts]) for split in splits}


def _of_split(split: str, parts: Sequence[tuple[str, Details]]) -> dict[str, Any]:
    details = [each for _, each in parts]
    found = {
        "confusion": _confusion([each.get("confusion") for each in details]),
        "calibration": _calibration([each.get("calibration") for each in details]),
        "scatter": _scatter([each.get("scatter") for each in details]),
        "curve": _curve([each.get("curve") for each in details]),
        "worst": _cases(split, parts, "worst", reverse=True),
        "best": _cases(split, parts, "best", reverse=False),
    }
    if found["confusion"]:
        found["per_class"] = _per_class(found["confusion"])
    return {stem: content for stem, content in found.items() if content}


def together(found: Sequence[tuple[int, Sequence[Mapping[str, Any]]]]) -> list[dict[str, Any]]:
    """The findings of all folds, each of which says in which fold it was seen, and how many saw the same.

    found: (number of the fold, its findings)
    """
    seen: dict[tuple[str, str], list[int]] = {}
    for number, findings in found:
        for each in findings:
            numbers = seen.setdefault((str(each.get("severity")), str(each.get("check"))), [])
            numbers += [number] if number not in numbers else []
    return [
        {
            **each,
            "where": _folds(seen[str(each.get("severity")), str(each.get("check"))]),
            "evidence": f"fold {number}: {each.get('evidence')}",
        }
        for number, findings in found
        for each in findings
    ]


def _folds(numbers: Sequence[int]) -> str:
    """Folds, in words.

    >>> _folds([2]), _folds([1, 2, 3])
    ('fold 2', 'folds 1, 2 and 3')
    """
    *first, last = map(str, numbers)
    return f"folds {', '.join(first)} and {last}" if first else f"fold {last}"


def _same(tables: Sequence[Any], key: str) -> bool:
    return all(isinstance(table, dict) and table[key] == tables[0][key] for table in tables)


def _confusion(tables: Sequence[Any]) -> dict[str, Any] | None:
    """The sum, where the classes are the same."""
    if not all(tables) or not _same(tables, "names"):
        return None
    rows = zip(*(table["counts"] for table in tables), strict=True)
    counts = [[sum(cells) for cells in zip(*row, strict=True)] for row in rows]
    return {**tables[0], "counts": counts}


def _per_class(table: Mapping[str, Any]) -> dict[str, Any]:
    """Precision, recall and F1 of a confusion matrix."""
    counts = table["counts"]
    support, predicted = [sum(row) for row in counts], [sum(column) for column in zip(*counts, strict=True)]
    right = [row[place] for place, row in enumerate(counts)]
    found = {
        "names": table["names"],
        "precision": [hits / of if of else None for hits, of in zip(right, predicted, strict=True)],
        "recall": [hits / of if of else None for hits, of in zip(right, support, strict=True)],
        "f1": [
            2 * hits / (of + got) if of + got else None for hits, of, got in zip(right, support, predicted, strict=True)
        ],
        "support": support,
    }
    return {**found, "unit": table["unit"]} if table.get("unit") else found


def _calibration(tables: Sequence[Any]) -> dict[str, Any] | None:
    """Means of the bins, weighted by their rows."""
    if not all(tables) or not _same(tables, "edges"):
        return None
    counts = [table["count"] for table in tables]
    whole = [sum(bins) for bins in zip(*counts, strict=True)]
    means = {
        name: [
            sum(n * (value or 0.0) for n, value in zip(numbers, values, strict=True)) / total if total else None
            for numbers, values, total in zip(
                zip(*counts, strict=True), zip(*(table[name] for table in tables), strict=True), whole, strict=True
            )
        ]
        for name in ("confidence", "accuracy")
    }
    return {"edges": tables[0]["edges"], **means, "count": whole}


def _scatter(tables: Sequence[Any]) -> dict[str, Any] | None:
    """Rows of all folds behind one another, an equal share of each."""
    if not all(tables) or not _same(tables, "names"):
        return None
    each = max(1, MOST_ROWS // len(tables))
    columns = {
        part: [
            [value for table in tables for value in table[part][place][:each]]
            for place in range(len(tables[0]["names"]))
        ]
        for part in ("target", "prediction")
    }
    return {"names": tables[0]["names"], **columns}


def _curve(tables: Sequence[Any]) -> dict[str, Any] | None:
    """Curves averaged at equal false positive rates, and at equal recalls (Fawcett 2006, Pattern Recognition Letters 27, 8.1)."""
    import numpy as np

    if not all(tables):
        return None
    grid = np.linspace(0.0, 1.0, GRID)
    means = {}
    for x, y in (("fpr", "tpr"), ("recall", "precision")):
        curves = []
        for table in tables:
            points = sorted((a, b) for a, b in zip(table[x], table[y], strict=True) if a is not None and b is not None)
            if not points:
                return None
            curves.append(np.interp(grid, [a for a, _ in points], [b for _, b in points]))
        means |= {x: grid.tolist(), y: np.mean(curves, axis=0).tolist()}
    return plain(means)


def _cases(split: str, parts: Sequence[tuple[str, Details]], stem: str, *, reverse: bool) -> list[dict[str, Any]]:
    """The rows with the highest or the lowest loss of all folds; their pictures lie in the folds' folders."""
    found = []
    for name, details in parts:
        for each in details.get(stem) or []:
            beside = {key: f"{name}/evaluation/{split}/{each[key]}" for key in ("picture", "sound") if each.get(key)}
            found.append({**each, **beside})
    known = [each for each in found if isinstance(each.get("loss"), int | float)]
    return sorted(known, key=lambda each: each["loss"], reverse=reverse)[:MOST_CASES]
