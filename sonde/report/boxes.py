"""Detections over a picture: truth and answers in two colours, what is wrong marked by words as well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sonde.core.units import number
from sonde.report.shots import NORMAL, Drawing, Shot, image, key, panel, swatch

TRUTH, ANSWER = "#4be3ff", "#ffb31a"  # each lies on a dark line, and is seen on light and dark pictures
LINE, LETTER = 2.0, 12.5  # pixels, where a picture is as wide as NORMAL
MATCH = 0.5  # IoU from which a box counts as found, as in the scores
MOST_BOXES = 60
MISSED, WRONG = "missed", "✗"


def boxes() -> Drawing:
    """Of detection: truth and answers in two colours; what was missed, and what is not there, marked by words."""
    marks = (
        f"“{MISSED}”: an object without a prediction; “{WRONG}”: a prediction without an object (IoU below {MATCH:g}), named "
        "where there is room"
    )
    legend = key(
        [
            (swatch(TRUTH, "dashed"), "truth"),
            (swatch(ANSWER, "line"), "prediction, with its score"),
            (Markup(""), marks),
        ]
    )
    return Drawing(draw=_boxed, legend=legend)


def _boxed(shot: Shot, entry: Mapping[str, Any]) -> Markup:
    width, height = shot.size
    rows, columns = entry.get("size") or (height, width)
    across, down = width / max(1, columns), height / max(1, rows)
    unit = width / NORMAL
    truth = [Box.of(each, across, down) for each in list(entry.get("truth") or [])[:MOST_BOXES]]
    answers = [Box.of(each, across, down) for each in list(entry.get("objects") or [])[:MOST_BOXES]]
    found, right = matched(truth, answers)
    parts = [box.outline(TRUTH, unit, dashed=True) for box in truth]
    parts += [box.outline(ANSWER, unit) for box in answers]
    labels = _Labels(shot.size, unit)
    told = f"{MISSED} " if "objects" in entry else ""  # of training data there are no answers
    for box, hit in zip(truth, found, strict=True):
        if not hit:
            labels.add(box, told + box.name, TRUTH)
    surest = sorted(zip(answers, right, strict=True), key=lambda answer: (not answer[1], -(answer[0].score or 0.0)))
    for box, hit in surest:
        sure = "" if box.score is None else f" {number(box.score, 2)}"
        labels.add(box, f"{'' if hit else WRONG + ' '}{box.name}{sure}", ANSWER, crowded=hit)
    return panel(shot, [image(shot), *parts, *labels.drawn])


@dataclass(frozen=True)
class Box:
    """An object in a picture, in its pixels; the score of an answer."""

    name: str
    left: float
    top: float
    right: float
    bottom: float
    score: float | None = None

    @staticmethod
    def of(entry: Mapping[str, Any], across: float, down: float) -> "Box":
        """An entry of "truth" or "objects", stretched by as much as the picture was."""
        left, top, right, bottom = (float(side) for side in entry["box"])
        score = entry.get("score")
        sides = (left * across, top * down, right * across, bottom * down)
        return Box(str(entry["name"])[:40], *sides, None if score is None else float(score))

    def outline(self, colour: str, unit: float, *, dashed: bool = False) -> Markup:
        """On a dark line, which is seen where the colour is not."""
        place = Markup('x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"').format(
            self.left, self.top, max(0.0, self.right - self.left), max(0.0, self.bottom - self.top)
        )
        dashes = Markup(' stroke-dasharray="{:.1f} {:.1f}"').format(7 * unit, 4 * unit) if dashed else ""
        return Markup(
            '<rect {0} fill="none" stroke="#10141a" stroke-opacity=".6" stroke-width="{1:.2f}"/>'
            '<rect {0} fill="none" stroke="{2}" stroke-width="{3:.2f}"{4}/>'
        ).format(place, (LINE + 2) * unit, colour, LINE * unit, dashes)


class _Labels:
    """Names of boxes: dark letters on the box's colour, where there is room beside those that are there already."""

    def __init__(self, size: tuple[int, int], unit: float) -> None:
        self.size, self.letter, self.high = size, LETTER * unit, 1.35 * LETTER * unit
        self.taken: list[Box] = []
        self.drawn: list[Markup] = []

    def add(self, box: Box, text: str, colour: str, *, crowded: bool = True) -> None:
        """Above the box, in its upper or lower corner, or below it: the first place that is free.

        crowded: whether it is written above all others where none is free; else the box stays without its name
        """
        width = 0.65 * self.letter * len(text) + 0.5 * self.letter
        tops = (box.top - self.high, box.bottom, box.top, box.bottom - self.high)
        places = [self._place(x, y, width) for y in tops for x in (box.left, box.right - width)]
        free = [place for place in places if all(overlap(place, one) == 0 for one in self.taken)]
        if not free and not crowded:
            return
        chosen = (free or places)[0]
        self.taken.append(chosen)
        self.drawn.append(
            Markup(
                '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}"/>'
                '<text class="mark-text" x="{:.1f}" y="{:.1f}" style="font-size:{:.1f}px">{}</text>'
            ).format(
                chosen.left, chosen.top, width, self.high, colour,
                chosen.left + 0.25 * self.letter, chosen.top + 0.74 * self.high, self.letter, text,
            )
        )  # fmt: skip

    def _place(self, x: float, y: float, width: float) -> Box:
        x = max(0.0, min(x, self.size[0] - width))
        y = max(0.0, min(y, self.size[1] - self.high))
        return Box("", x, y, x + width, y + self.high)


def matched(truth: Sequence[Box], answers: Sequence[Box]) -> tuple[list[bool], list[bool]]:
    """(which true boxes were found, which answers hit one): the surest answer first takes the true box of its class that it
    overlaps most, from an IoU of MATCH on, as the scores count.
    """
    found, right = [False] * len(truth), [False] * len(answers)
    for place in sorted(range(len(answers)), key=lambda n: -(answers[n].score or 0.0)):
        free = [n for n, box in enumerate(truth) if not found[n] and box.name == answers[place].name]
        best = max(free, key=lambda n: overlap(truth[n], answers[place]), default=None)
        if best is not None and overlap(truth[best], answers[place]) >= MATCH:
            found[best] = right[place] = True
    return found, right


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    if across <= 0 or down <= 0:
        return 0.0
    sizes = ((box.right - box.left) * (box.bottom - box.top) for box in (one, other))
    return across * down / (sum(sizes) - across * down)
