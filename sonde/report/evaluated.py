"""The evaluation on held-out rows: confusion matrix, calibration, threshold curves, per-class scores, residuals, worst cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sonde.core.units import count, metric_name, number, share
from sonde.report.figures import Axis, Series, curves, heat_map, scatter
from sonde.report.learning import Figure
from sonde.report.media import PNG, data_uri, picture_of, png_size, sound_of

MOST_CLASSES = 25  # beyond, cells of a confusion matrix are too small to read
WIDE_FROM = 14  # classes; such a matrix gets the page's whole width
MOST_PAIRS = 12
MOST_TEXT = 400  # characters of a row's text
MOST_CLASS_ROWS = 200
MOST_OUTPUTS = 4
MOST_POINTS = 1000
PICTURES_BYTES = 900_000  # all of them: base64 adds a third, and the page must stay under 2 MB
OF_CLASSES = ("names", "precision", "recall", "f1", "support")  # columns that every per-class table has


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """A line of the per-class table. more: further scores by name."""

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    more: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Worst:
    """One of the rows with the highest loss. text: of a row of text; picture: a data URI; pixelated: drawn with hard edges."""

    row: str
    target: str
    prediction: str
    confidence: str
    loss: str
    text: str = ""
    sound: str = ""  # a data URI
    picture: str = ""
    pixelated: bool = False


def evaluation_figures(details: Mapping[str, Any], own: Sequence[Figure] = ()) -> list[Figure]:
    """The figures for one split's files, the confusion matrix aside. own: the task's own"""
    calibration = _calibration(details.get("calibration"))
    general = _threshold_curves(details.get("curve")) + _scatters(details.get("scatter"))
    return [*([calibration] if calibration else []), *own, *general]


def confused_pairs(details: Mapping[str, Any]) -> list[tuple[str, str, int, float]]:
    """(truth, prediction, count, share of the truth's rows) of the most frequent mistakes."""
    matrix = details.get("confusion")
    if not matrix:
        return []
    names, counts = matrix["names"], matrix["counts"]
    pairs = [
        (names[i], names[j], value, value / sum(row))
        for i, row in enumerate(counts)
        for j, value in enumerate(row)
        if i != j and value
    ]
    return sorted(pairs, key=lambda pair: -pair[2])[:MOST_PAIRS]


def class_rows(details: Mapping[str, Any]) -> tuple[list[ClassRow], int]:
    """(rows for the table, how many classes there are); of very many classes those with the lowest F1."""
    table = details.get("per_class")
    if not table:
        return [], 0
    columns = (table[name] for name in OF_CLASSES)
    others = {
        metric_name(name): values
        for name, values in table.items()
        if name not in OF_CLASSES and isinstance(values, list)
    }
    rows = [
        ClassRow(
            name=str(n),
            precision=p,
            recall=r,
            f1=f,
            support=s or 0,
            more={name: values[place] for name, values in others.items()},
        )
        for place, (n, p, r, f, s) in enumerate(zip(*columns, strict=False))
    ]
    if len(rows) <= MOST_CLASS_ROWS:
        return rows, len(rows)
    return sorted(rows, key=lambda row: row.f1 or 0.0)[:MOST_CLASS_ROWS], len(rows)


def worst_rows(
    details: Mapping[str, Any], folder: Path, *, stem: str = "worst", room: int = PICTURES_BYTES
) -> list[Worst]:
    """The rows with the highest (or, by `stem`, the lowest) loss with their pictures, as far as they fit into `room` bytes.

    folder: evaluation/<split>
    """
    left = room
    found = []
    for entry in (details.get(stem) or [])[:24]:
        content = picture_of(folder, entry.get("picture"))
        content = b"" if len(content) > left else content
        left -= len(content)
        sound = data_uri(sound_of(folder, entry.get("sound")))
        sound = "" if len(sound) > left else sound
        left -= len(sound)
        found.append(
            Worst(
                row=_text(entry.get("row", entry.get("index"))),
                target=_text(entry.get("target")),
                prediction=_text(entry.get("prediction")),
                confidence=share(entry["confidence"], 0) if entry.get("confidence") is not None else "",
                loss=number(entry.get("loss")),
                text=str(entry.get("text") or "")[:MOST_TEXT],
                sound=sound,
                picture=data_uri(content),
                pixelated=content.startswith(PNG) and max(png_size(content)) <= 96,
            )
        )
    return found


def _text(value: Any) -> str:
    """A target or prediction: class names as they are, numbers rounded, several outputs in a row."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value) or "none"
    if isinstance(value, float):
        return number(value, 4)
    return str(value)[:200]


def confusion_figure(details: Mapping[str, Any]) -> Figure | None:
    """The heat map; None where there is no matrix or it has too many classes to be read."""
    matrix = details.get("confusion")
    if not matrix or not 2 <= len(matrix["names"]) <= MOST_CLASSES:
        return None
    names = [str(name) for name in matrix["names"]]
    return Figure(
        title="Confusion matrix",
        svg=heat_map(names, matrix["counts"], name="Confusion matrix"),
        caption=f"Each row holds the {matrix.get('unit') or 'rows'} of one true class, each column those predicted "
        "as one class. The diagonal is correct; strong off-diagonal cells are confusions.",
        wide=len(names) > WIDE_FROM,
    )


def _calibration(bins: Any) -> Figure | None:
    if not bins or not any(bins["count"]):
        return None
    filled = [
        (c, a, n)
        for c, a, n in zip(bins["confidence"], bins["accuracy"], bins["count"], strict=True)
        if n and c is not None
    ]
    most = max(n for _, _, n in filled)
    series = [
        Series(name="", points=[(0.0, 0.0), (1.0, 1.0)], colour=0),
        Series(
            name="accuracy",
            points=[(c, a) for c, a, _ in filled],
            dots=True,
            radii=[2.0 + 6.0 * (n / most) ** 0.5 for _, _, n in filled],
        ),
    ]
    whole = _unit("confidence")
    figure = curves(series, whole, _unit("accuracy"), name="Calibration")
    caption = (
        "On the diagonal, predictions with a confidence of 80 % are correct 80 % of the time; below it the model is "
        "overconfident. Larger dots: more rows."
    )
    return Figure(title="Calibration", svg=figure, caption=caption)


def _threshold_curves(curve: Any) -> list[Figure]:
    if not curve:
        return []
    roc = [Series(name="", points=[(0.0, 0.0), (1.0, 1.0)], colour=0), _curve("model", curve["fpr"], curve["tpr"])]
    prc = [_curve("model", curve["recall"], curve["precision"])]
    return [
        Figure(
            title="ROC curve",
            svg=curves(roc, _unit("false positive rate"), _unit("true positive rate"), name="ROC"),
            caption="True positive rate over false positive rate as the threshold varies; the diagonal is random guessing.",
        ),
        Figure(
            title="Precision and recall",
            svg=curves(prc, _unit("recall"), _unit("precision"), name="Precision and recall"),
            caption="Precision over recall as the decision threshold varies.",
        ),
    ]


def _unit(label: str) -> Axis:
    return Axis(label=label, low=-0.02, high=1.02)


def _curve(name: str, xs: Sequence[float], ys: Sequence[float | None]) -> Series:
    return Series(name=name, points=[(x, y) for x, y in zip(xs, ys, strict=True) if x is not None])


def _scatters(table: Any) -> list[Figure]:
    figures = []
    columns = (table[part][:MOST_OUTPUTS] for part in ("names", "target", "prediction")) if table else ([], [], [])
    for name, targets, predictions in zip(*columns, strict=False):
        pairs = [(t, p) for t, p in zip(targets, predictions, strict=True) if t is not None and p is not None][
            :MOST_POINTS
        ]
        if len(pairs) < 2:
            continue
        few = len(pairs) * min(MOST_OUTPUTS, len(table["names"])) <= 2 * MOST_POINTS
        fit = scatter(
            pairs,
            Axis(label=f"{name}, true"),
            Axis(label="predicted"),
            name="Predicted over true",
            line="diagonal",
            titles=few,
        )
        rest = scatter(
            [(p, t - p) for t, p in pairs],
            Axis(label=f"{name}, predicted"),
            Axis(label="true − predicted"),
            name="Residuals",
            line="zero",
            titles=False,
        )
        figures += [
            Figure(
                title=f"{name}: predicted and true",
                svg=fit,
                caption=f"{count(len(pairs))} rows; on the diagonal prediction and truth are equal.",
            ),
            Figure(
                title=f"{name}: residuals",
                svg=rest,
                caption="They should scatter evenly around zero; a curve or a funnel is structure the model has not learned.",
            ),
        ]
    return figures
