"""Translations with the lowest and the highest BLEU, and attention maps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sonde.core.units import number
from sonde.report.additions import Additions, Section, grid
from sonde.report.learning import Figure
from sonde.tasks.translation.attention_map import attention_map

MOST_TEXT = 400  # characters of a sentence
MOST_MAPS = 4


@dataclass(frozen=True, kw_only=True)
class Case:
    """One sentence. score: its BLEU, 0 to 100."""

    row: str
    source: str
    truth: str
    prediction: str
    score: str


@dataclass(frozen=True, kw_only=True)
class Translations:
    """What the page shows of a translator."""

    worst: Sequence[Case]
    best: Sequence[Case]
    maps: Sequence[Figure]


HEADINGS = (
    ("Lowest BLEU", "The rows with the lowest sentence BLEU (100: identical to the reference)."),
    ("Highest BLEU", "The rows with the highest sentence BLEU."),
)


def additions(details: Mapping[str, Any]) -> Additions:
    """A section of sentences and maps, in place of the rows with the highest and the lowest loss."""
    found = translations(details)
    if found is None:
        return Additions()
    html = Markup("").join(
        _table(*heading, cases) for heading, cases in zip(HEADINGS, (found.worst, found.best), strict=True)
    )
    if found.maps:
        html += Markup("<h3>Attention</h3>\n") + grid(found.maps)
    return Additions(sections=[Section(name="translations", title="Translations", html=html)], cases=False)


def _table(title: str, note: str, cases: Sequence[Case]) -> Markup:
    row = Markup('<tr title="{}"><td>{}</td><td>{}</td><td>{}</td><td class="n">{}</td></tr>\n')
    rows = Markup("").join(row.format(case.row, case.source, case.truth, case.prediction, case.score) for case in cases)
    return Markup(
        '<h3>{}</h3>\n<p class="aside">{}</p>\n<div class="scroll"><table>\n'
        '<thead><tr><th>source</th><th>truth</th><th>prediction</th><th class="n">BLEU</th></tr></thead>\n'
        "<tbody>\n{}</tbody></table></div>\n"
    ).format(title, note, rows)


def translations(details: Mapping[str, Any]) -> Translations | None:
    """Of one split's files; None for other tasks."""
    worst = details.get("worst") or []
    if not worst or "bleu" not in worst[0]:
        return None
    maps = [_figure(entry) for entry in (details.get("attention") or [])[:MOST_MAPS]]
    return Translations(worst=_cases(worst), best=_cases(details.get("best") or []), maps=maps)


def _cases(entries: Sequence[Mapping[str, Any]]) -> list[Case]:
    return [
        Case(
            row=str(entry.get("row", entry.get("index"))),
            source=str(entry.get("text") or "")[:MOST_TEXT],
            truth=str(entry.get("target"))[:MOST_TEXT],
            prediction=str(entry.get("prediction"))[:MOST_TEXT],
            score=number(entry.get("bleu")),
        )
        for entry in entries
    ]


def _figure(entry: Mapping[str, Any]) -> Figure:
    return Figure(
        title=f"Row {int(entry['index']) + 1}",
        svg=attention_map(entry["source"], entry["said"], entry["weights"]),
        caption="Each row is a generated token, with its attention over the source tokens.",
    )
