"""A cross-validation on the page: a line for each fold with its own report, and the curves of all."""

import statistics
from collections.abc import Sequence

from markupsafe import Markup

from sonde.core.units import count, duration, is_share, metric, metric_name
from sonde.report.additions import Section
from sonde.report.captions import course, moved, sentence, short
from sonde.report.figures import Axis, Series, curves
from sonde.report.fitted import fitted
from sonde.report.folder import SPLITS, Reading
from sonde.report.learning import FEWEST, Figure, axis_of, metric_of, train_of, validation_of
from sonde.report.scale import Point

MOST_CURVES = 10


def folds_section(run: Reading) -> Section | None:
    """A table of the folds; None for a run that is no cross-validation."""
    if not run.folds:
        return None
    name = run.metric or next((fold.metric for fold in run.folds if fold.metric), "")
    split = _split(run.folds, name)
    heads = ["fold", f"{split} {metric_name(name)}".strip(), "rows", "epochs", "time", "fit", ""]
    number, words = Markup(' class="n"'), Markup(' class="words"')
    head = Markup("").join(
        Markup("<th{}>{}</th>").format(number if 0 < place < 5 else "", text) for place, text in enumerate(heads)
    )
    body = Markup("").join(
        Markup("<tr>{}{}</tr>\n").format(
            Markup("").join(
                Markup("<td{}>{}</td>").format(number if 0 < place < 5 else words if place else "", text)
                for place, text in enumerate(_cells(fold, split, name))
            ),
            _link(fold),
        )
        for fold in run.folds
    )
    html = Markup('<div class="scroll"><table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody></table></div>\n')
    note = "Each fold trained on the other parts of the rows, and was evaluated on its own part."
    return Section(name="folds", title="Folds", note=note, html=html.format(head, body))


def fold_figures(run: Reading) -> list[Figure]:
    """The curves of all folds over one another, with their mean."""
    name = run.metric or next((fold.metric for fold in run.folds if fold.metric), "")
    found = [
        _figure("Validation loss of the folds", "loss", run.folds, [validation_of(fold) for fold in run.folds]),
        _figure("Training loss of the folds", "loss", run.folds, [train_of(fold) for fold in run.folds]),
    ]
    if name and name not in ("loss", "log_loss"):
        scores = [metric_of(fold, name) for fold in run.folds]
        factor = 100 if is_share(name) else 1
        scaled = [[(x, None if y is None else factor * y) for x, y in points] for points in scores]
        label = metric_name(name) + (", %" if factor == 100 else "")
        found.insert(0, _figure(f"Validation {metric_name(name)} of the folds", label, run.folds, scaled))
    return [figure for figure in found if figure is not None]


def fits(run: Reading) -> str:
    """What the folds' curves say of over- and underfitting, in one sentence; "" where no fold has a result."""
    words: dict[str, int] = {}
    for fold in run.folds:
        if fold.result:
            word = fitted(fold).word.partition(" since ")[0]
            words[word] = words.get(word, 0) + 1
    told = [f"{word.lower()} in {number} of {len(run.folds)} folds" for word, number in words.items()]
    return sentence("; ".join(told))


def _figure(title: str, label: str, folds: Sequence[Reading], several: Sequence[Sequence[Point]]) -> Figure | None:
    kept = [points for points in several if sum(y is not None for _, y in points) >= FEWEST]
    if not kept:
        return None
    alone = len(kept) == 1
    shown = [Series(name="", points=points, colour=2, faint=not alone) for points in kept[:MOST_CURVES]]
    means = _mean(kept)
    if len(means) >= FEWEST and not alone:
        shown.append(Series(name="mean of the folds", points=means, colour=2, dots=len(means) <= 60))
    axis = axis_of(folds[0])
    figure = curves(shown, Axis(label=axis, zero=True), Axis(label=label), name=title)
    if alone:
        found = course(kept[0])
        caption = "" if found is None else sentence(f"of the only fold so far: {moved('it', found)}")
        return Figure(title=title, svg=figure, caption=caption)
    ends = [found.last for points in kept if (found := course(points)) is not None]
    spread = f"; standard deviation {short(statistics.stdev(ends))}" if len(ends) > 1 else ""
    caption = f"{len(kept)} folds and their mean; at the end from {short(min(ends))} to {short(max(ends))}{spread}."
    return Figure(title=title, svg=figure, caption=caption)


def _mean(several: Sequence[Sequence[Point]]) -> list[Point]:
    """At each place that all curves have, their mean."""
    by_place: dict[float, list[float]] = {}
    for points in several:
        for x, y in points:
            if y is not None:
                by_place.setdefault(round(x, 6), []).append(y)
    return [(x, statistics.fmean(ys)) for x, ys in sorted(by_place.items()) if len(ys) == len(several)]


def _split(folds: Sequence[Reading], name: str) -> str:
    scores = [fold.result.get("metrics") or {} for fold in folds]
    return next((s for s in SPLITS if any((each.get(s) or {}).get(name) is not None for each in scores)), "")


def _cells(fold: Reading, split: str, name: str) -> list[str]:
    number = fold.path.name.removeprefix("fold-")
    value = ((fold.result.get("metrics") or {}).get(split) or {}).get(name)
    rows, epochs = (fold.data.get("splits") or {}).get(split), fold.result.get("epochs")
    seconds = (fold.result.get("seconds") or {}).get("total")
    return [
        number,
        metric(name, value) if isinstance(value, int | float) else fold.state.condition,
        count(rows) if isinstance(rows, int) else "",
        f"{epochs:.1f}".removesuffix(".0") if isinstance(epochs, int | float) else "",
        duration(seconds) if isinstance(seconds, int | float) else "",
        fitted(fold).word if fold.result else "",
    ]


def _link(fold: Reading) -> Markup:
    """To the fold's own report, where there is one; relative, so that a copied folder keeps it."""
    if not (fold.path / "report.html").exists():
        return Markup("<td></td>")
    return Markup('<td><a href="{}/report.html">its report</a></td>').format(fold.path.name)
