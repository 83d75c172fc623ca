"""What was looked at once a run had ended: columns that matter, where rows lie before the last layer, training inputs as fed."""

import statistics
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sonde.core.units import count, counted, metric_name, number, share
from sonde.report.distributions import Group, cloud, spread_bars
from sonde.report.figures import Axis
from sonde.report.learning import Figure
from sonde.report.media import PNG, data_uri, picture_of, png_size
from sonde.report.shots import Drawing, Shot, key, swatch

MOST_COLUMNS = 20
MOST_COLOURS = 10  # of classes; of more the eight most frequent have one, and the others grey
MOST_DRAWN = 2000  # points
FEWEST = 3
PARTS = 5  # of a target that is a number: fifths of the rows
SEEN_BYTES = 200_000
CARD = Markup(
    '<div class="card"><button class="enlarge" aria-label="enlarge {}">{}</button><p><b>{}</b></p>'
    '<p class="dim row">{}</p></div>'
)
SECTION = Markup(
    '<section id="seen"><h2>Training inputs as the network saw them</h2><p class="aside">{}</p>{}'
    '<div class="seen">{}</div></section>'
)
SMALL = 150  # pixels, up to which a picture is enlarged with hard edges


def looked_figures(looked: Mapping[str, Any], details: Mapping[str, Any]) -> list[Figure]:
    """Permutation importance and the map of embeddings. looked: files of evaluation/ by stem;  details: of the split's"""
    found = (_importance(looked.get("importance")), _embedding(looked.get("embedding"), details))
    return [figure for figure in found if figure is not None]


def _importance(found: Any) -> Figure | None:
    columns = [one for one in (found or {}).get("columns") or [] if one.get("drops")]
    if not columns:
        return None
    metric = metric_name(found["metric"])
    shown = columns[:MOST_COLUMNS]
    worse = "falls" if found.get("larger") else "rises"
    repeats = len(shown[0]["drops"])
    caption = (
        f"By how much the {metric} {worse} when a column's values are shuffled among {count(found['rows'])} "
        f"{found['split']} rows: the mean of {counted(repeats, 'shuffle', 'shuffles')}, with a line from the least to "
        "the most. Around 0: the network does not use it. Correlated columns share their importance."
    )
    if len(columns) > len(shown):
        caption += f" The {len(shown)} most important of {count(len(columns))} columns."
    title = "What the predictions depend on (permutation importance)"
    if len(shown) < FEWEST:
        told = "; ".join(f"{one['column']} {number(statistics.fmean(one['drops']))}" for one in shown)
        return Figure(title=title, svg=Markup(""), caption=f"{told}. {caption}")
    svg = spread_bars([(str(one["column"]), one["drops"]) for one in shown], name=title, unit=metric)
    return Figure(title=title, svg=svg, caption=caption)


def _embedding(found: Any, details: Mapping[str, Any]) -> Figure | None:
    if not found or len(found.get("x") or []) < FEWEST:
        return None
    points = list(zip(found["x"], found["y"], strict=True))[:MOST_DRAWN]
    of_classes = len(found["names"]) > 1
    colours, entries = _by_class(found) if of_classes else _by_value(found)
    wrong = _wrong(found, details) if of_classes else set()
    groups = [
        Group(
            name="",
            points=[
                point for place, point in enumerate(points) if (place in wrong) is crossed and colours[place] == colour
            ],
            colour=colour,
            crossed=crossed,
        )
        for crossed in (False, True)
        for colour in sorted(set(colours))
    ]
    first, second = found["explained"]
    axes = (Axis(label=f"1st component, {share(first, 0)}"), Axis(label=f"2nd component, {share(second, 0)}"))
    of_latent = bool(found.get("of_latent"))
    title = "Map of the latent space" if of_latent else "Embeddings: the rows before the last layer"
    svg = cloud([group for group in groups if group.points], *axes, name=title)
    legend = key([(swatch(f"var(--p{n})" if n < 10 else "var(--ink)", "dot"), text) for n, text in entries])
    if wrong:
        legend += key([(Markup('<b class="no">✗</b>'), " predicted wrongly, in the colour of its true class")])
    what = "The latent codes of" if of_latent else f"The input of {found['layer']} for"
    caption = (
        f"{what} {count(len(points))} {found['split']} rows, {count(found['dimensions'])} "
        "numbers each, seen along the two directions in which they vary most (PCA). "
    )
    if of_latent:
        caption += "The network was not told what the colours show."
    elif of_classes:
        caption += "Classes that lie apart are easy; where they overlap here, other directions may still separate them."
    else:
        caption += "Where the colour changes gradually, the layer orders the rows by their target."
    return Figure(title=title, svg=Markup("{}{}").format(legend, svg), caption=caption)


def _by_class(found: Mapping[str, Any]) -> tuple[list[int], list[tuple[int, str]]]:
    names = [str(name)[:30] for name in found["names"]]
    most = MOST_COLOURS if len(names) <= MOST_COLOURS else 8
    common = sorted(n for n, _ in Counter(found["target"]).most_common(most))
    colour = {place: n + 1 for n, place in enumerate(common)}
    entries = [(colour[place], names[place]) for place in common]
    if len(set(found["target"])) > len(common):
        entries.append((0, "other classes"))
    return [colour.get(place, 0) for place in found["target"]], entries


def _by_value(found: Mapping[str, Any]) -> tuple[list[int], list[tuple[int, str]]]:
    edges = statistics.quantiles(found["target"], n=PARTS)
    ends = [number(edge) for edge in edges]
    texts = [f"up to {ends[0]}", *(f"{a} to {b}" for a, b in zip(ends, ends[1:], strict=False)), f"above {ends[-1]}"]
    return [1 + sum(value > edge for edge in edges) for value in found["target"]], [
        (n + 1, f"{found['names'][0]} {text}" if not n else text) for n, text in enumerate(texts)
    ]


def _wrong(found: Mapping[str, Any], details: Mapping[str, Any]) -> set[int]:
    """Places of the points that were answered wrongly, as far as answers.json holds them."""
    answers = details.get("answers") or {}
    pairs = zip(answers.get("target") or [], answers.get("prediction") or [], strict=False)
    index = answers.get("index")
    mistakes = {index[n] if index else n for n, (target, prediction) in enumerate(pairs) if target != prediction}
    return {place for place, row in enumerate(found.get("index") or []) if row in mistakes}


def seen_section(looked: Mapping[str, Any], folder: Path, drawing: Drawing | None) -> Markup:
    """The first training inputs as the network was fed them; empty where none are kept. folder: evaluation/"""
    found = looked.get("seen") or {}
    left, cards = SEEN_BYTES, []
    for entry in found.get("rows") or []:
        content = picture_of(folder, entry.get("picture"))
        if not content or len(content) > left:
            continue
        left -= len(content)
        row, label = str(entry.get("row"))[:200], str(entry.get("label") or "")[:80]
        pixelated = content.startswith(PNG) and max(png_size(content)) <= SMALL
        shown = Markup('<img class="{}" src="{}" alt="{}">').format(
            "pixels" if pixelated else "", data_uri(content), row
        )
        if drawing is not None and entry.get("truth") and entry.get("size"):
            rows, columns = entry["size"]
            shot = Shot(uri=data_uri(content), size=(int(columns), int(rows)), name=row, pixelated=pixelated)
            shown = Markup('<span class="panel">{}</span>').format(drawing.draw(shot, entry))
        cards.append(CARD.format(row, shown, label, row))
    if not cards:
        return Markup("")
    note = (
        f"The first of the first training batch, changed as --augment {found.get('augment')} says; only the range of "
        "the values was restored for display."
    )
    return SECTION.format(note, drawing.legend if drawing is not None else "", Markup("").join(cards))
