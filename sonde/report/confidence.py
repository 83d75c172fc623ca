"""How far a classifier's confidence is to be trusted: calibration, right and wrong answers, ROC, precision-recall."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from sonde.core.units import count, counted, share
from sonde.report.distributions import Bar, histogram
from sonde.report.figures import Axis, Series, curves
from sonde.report.learning import Figure

FEWEST = 3  # points, below which a sentence says more than a picture
MOST_CURVES = 4  # solid colours of the palette
RIGHT, WRONG = 1, 2  # their colours


def confidence_figures(bins: Any) -> list[Figure]:
    """From calibration.json: calibration, and the confidence of right and of wrong answers."""
    if not bins or not any(bins["count"]):
        return []
    filled = [
        (low, high, c, a, n)
        for low, high, c, a, n in zip(
            bins["edges"], bins["edges"][1:], bins["confidence"], bins["accuracy"], bins["count"], strict=False
        )
        if n and c is not None
    ]
    return [_calibration(filled), _confidence(filled)]


def _calibration(filled: Sequence[tuple[float, float, float, float, int]]) -> Figure:
    title = "Calibration"
    if len(filled) < FEWEST:
        parts = [
            f"at a confidence of {share(c, 0)}, {share(a, 0)} of {counted(n, 'row', 'rows')}" for *_, c, a, n in filled
        ]
        return Figure(title=title, svg=Markup(""), caption=f"Correct {'; '.join(parts)}: too few bins for a curve.")
    most = max(n for *_, n in filled)
    series = [
        Series(name="", points=[(0.0, 0.0), (1.0, 1.0)], colour=0),
        Series(
            name="accuracy",
            points=[(c, a) for *_, c, a, _ in filled],
            dots=True,
            radii=[2.0 + 6.0 * (n / most) ** 0.5 for *_, n in filled],
        ),
    ]
    figure = curves(series, _unit("confidence"), _unit("accuracy"), name=title)
    caption = (
        "On the diagonal, predictions with a confidence of 80 % are correct 80 % of the time; below it the model is "
        "overconfident. Larger dots: more rows."
    )
    return Figure(title=title, svg=figure, caption=caption)


def _confidence(filled: Sequence[tuple[float, float, float, float, int]]) -> Figure:
    """Right answers upwards and wrong ones downwards, each as shares of their own number: so rare mistakes are seen too."""
    title = "Confidence of correct and wrong predictions"
    hits = [round(a * n) for *_, a, n in filled]
    right, wrong = sum(hits), sum(n for *_, n in filled) - sum(hits)
    if right + wrong < FEWEST:
        return Figure(
            title=title, svg=Markup(""), caption=f"Only {counted(right + wrong, 'row was', 'rows were')} evaluated."
        )
    bars = []
    for (low, high, _, _, n), hit in zip(filled, hits, strict=True):
        where = f"confidence {share(low, 0)} to {share(high, 0)}"
        for amount, whole, colour, said in ((hit, right, RIGHT, "correct"), (n - hit, wrong, WRONG, "wrong")):
            if amount:
                height = 100 * amount / whole * (1 if colour == RIGHT else -1)
                told = f"{where}: {count(amount)} of {count(whole)} {said} predictions"
                bars.append(Bar(low=low, high=high, height=height, colour=colour, title=told))
    svg = histogram(bars, Axis(label="confidence"), Axis(label="% of its kind: correct up, wrong down"), name=title)
    sure = sum(n - hit for (low, _, _, _, n), hit in zip(filled, hits, strict=True) if low >= 0.86)
    caption = f"Upwards the {count(right)} correct predictions, downwards the {count(wrong)} wrong ones, each in % of its kind."
    if wrong:
        caption += f" {count(sure)} of the wrong ones were given with a confidence above 87 %."
    return Figure(title=title, svg=svg, caption=caption)


def threshold_figures(details: Mapping[str, Any]) -> list[Figure]:
    """ROC and precision-recall of each class against the others, from roc.json; of earlier runs those of two classes."""
    classes = (details.get("roc") or {}).get("classes") or []
    if not classes:
        return _earlier(details.get("curve"), details)
    shown = sorted(classes, key=lambda one: one["auroc"])[:MOST_CURVES]
    of = int(details["roc"].get("of") or len(classes))
    return [_roc(shown, of), _precision(shown, of)]


def _roc(shown: Sequence[Mapping[str, Any]], of: int) -> Figure:
    title = "ROC curve"
    told = []
    for one in shown:
        area, low, high = _areas(one["auroc"], *one["interval"])
        told.append(f"“{one['name']}” {area} ({low} to {high})")
    caption = f"Area under the curve, with its 95 % interval: {', '.join(told)}. {_positive(shown, of)}"
    if all(len(one["fpr"]) + 1 < FEWEST for one in shown):
        return Figure(title=title, svg=Markup(""), caption=caption)
    diagonal = Series(name="", points=[(0.0, 0.0), (1.0, 1.0)], colour=0)
    series = [_curve(one, "fpr", "tpr", place, start=(0.0, 0.0)) for place, one in enumerate(shown)]
    figure = curves([diagonal, *series], _unit("false positive rate"), _unit("true positive rate"), name=title)
    return Figure(title=title, svg=figure, caption=f"{caption} On the diagonal: guessing.")


def _precision(shown: Sequence[Mapping[str, Any]], of: int) -> Figure:
    title = "Precision and recall"
    told = [
        f"“{one['name']}” {_areas(one['average_precision'])[0]} "
        f"(guessing {one['positives'] / (one['positives'] + one['negatives']):.3f})"
        for one in shown
    ]
    caption = f"Average precision: {', '.join(told)}. {_positive(shown, of)}"
    if all(len(one["fpr"]) < FEWEST for one in shown):
        return Figure(title=title, svg=Markup(""), caption=caption)
    series = [_curve(one, "tpr", "precision", place) for place, one in enumerate(shown)]
    figure = curves(series, _unit("recall"), _unit("precision"), name=title)
    return Figure(title=title, svg=figure, caption=caption)


def _areas(*values: float) -> list[str]:
    """Three digits, and five where three would make one of them look faultless.

    >>> _areas(0.8751, 0.81, 0.92), _areas(0.99962, 0.985, 1.0)
    (['0.875', '0.810', '0.920'], ['0.99962', '0.98500', '1'])
    """
    digits = 5 if any(0.9945 < value < 1 for value in values) else 3
    return ["1" if value == 1 else f"{value:.{digits}f}" for value in values]


def _positive(shown: Sequence[Mapping[str, Any]], of: int) -> str:
    """What counts as positive."""
    if of == 1:
        one = shown[0]
        return f"Positive: “{one['name']}” ({count(one['positives'])} of {count(one['positives'] + one['negatives'])} rows)."
    which = "Each class" if of <= len(shown) else f"Of {count(of)} classes the {len(shown)} with the lowest score; each"
    return f"{which} as the positive one, against all others."


def _curve(one: Mapping[str, Any], x: str, y: str, place: int, *, start: tuple[float, float] | None = None) -> Series:
    points = [*([start] if start else []), *zip(one[x], one[y], strict=True)]
    return Series(name=str(one["name"]), points=points, colour=place + 1)


def _earlier(curve: Any, details: Mapping[str, Any]) -> list[Figure]:
    if not curve:
        return []
    names = (details.get("confusion") or {}).get("names") or []
    positive = f" Positive: {names[1]}." if len(names) == 2 else ""
    roc = [Series(name="", points=[(0.0, 0.0), (1.0, 1.0)], colour=0), _plain(curve["fpr"], curve["tpr"])]
    prc = [_plain(curve["recall"], curve["precision"])]
    return [
        Figure(
            title="ROC curve",
            svg=curves(roc, _unit("false positive rate"), _unit("true positive rate"), name="ROC"),
            caption=f"True positive rate over false positive rate; the diagonal is random guessing.{positive}",
        ),
        Figure(
            title="Precision and recall",
            svg=curves(prc, _unit("recall"), _unit("precision"), name="Precision and recall"),
            caption=f"Precision over recall as the decision threshold varies.{positive}",
        ),
    ]


def _plain(xs: Sequence[float], ys: Sequence[float | None]) -> Series:
    return Series(name="model", points=[(x, y) for x, y in zip(xs, ys, strict=True) if x is not None])


def _unit(label: str) -> Axis:
    return Axis(label=label, low=-0.02, high=1.02)
