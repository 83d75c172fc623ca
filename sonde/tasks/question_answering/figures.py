"""Questions with their contexts, in which the true and the predicted answer are marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from sonde.core.units import share
from sonde.report.additions import Additions, Section

MOST_PASSAGES = 8  # of each kind
AROUND = 400  # characters of a text that are kept before the first mark and behind the last


@dataclass(frozen=True, kw_only=True)
class Passage:
    """parts: pieces of the text end to end, each with how it is marked: "truth", "found", "both" or ""."""

    question: str
    caption: str
    row: str
    parts: list[tuple[str, str]]


NOTE = Markup(
    "Those with the highest loss first, then those with the lowest: "
    '<mark class="truth">truth</mark>, <mark class="found">prediction</mark>, <mark class="both">both</mark>.'
)


def additions(details: Mapping[str, Any]) -> Additions:
    """A section of marked texts."""
    html = Markup("").join(_passage_html(passage) for passage in passages(details))
    section = Section(name="passages", title="Answers in context", note=NOTE, html=html, last=True)
    return Additions(sections=[section] if html else [])


def _passage_html(passage: Passage) -> Markup:
    mark = Markup('<mark class="{}">{}</mark>')
    text = Markup("").join(mark.format(kind, part) if kind else part for part, kind in passage.parts)
    html = Markup(
        '<figure class="passage">\n<h3>{}</h3>\n<p>{}</p>\n<figcaption>{} <span class="dim">{}</span></figcaption>\n</figure>\n'
    )
    return html.format(passage.question, text, passage.caption, passage.row)


def passages(details: Mapping[str, Any]) -> list[Passage]:
    """The questions with the highest loss, then those with the lowest."""
    found = []
    for stem in ("worst", "best"):
        entries = [entry for entry in details.get(stem) or [] if isinstance(entry, Mapping) and entry.get("context")]
        found += [_passage(entry) for entry in entries[:MOST_PASSAGES]]
    return found


def marked(text: str, truth: Sequence[int], found: Sequence[int]) -> list[tuple[str, str]]:
    """A text cut where marks begin and end. truth, found: first character, and the one behind the last

    >>> marked("won in 1990 there", (7, 11), (4, 11))
    [('won ', ''), ('in ', 'found'), ('1990', 'both'), (' there', '')]
    """
    cuts = sorted({0, len(text), *truth, *found})
    parts = []
    for begin, end in pairwise(cuts):
        is_true, is_found = (span[0] <= begin and end <= span[1] for span in (truth, found))
        parts.append((text[begin:end], "both" if is_true and is_found else "truth" * is_true + "found" * is_found))
    return parts


def _passage(entry: Mapping[str, Any]) -> Passage:
    text = str(entry["context"])
    truth, found = (_inside(entry.get(name), len(text)) for name in ("truth", "found"))
    parts = marked(text, truth, found)
    return Passage(
        question=str(entry.get("question") or ""),
        caption=(
            f"prediction: {entry.get('prediction')!s:.200}; truth: {entry.get('target')!s:.200}; "
            f"F1 {share(entry.get('f1'), 0)}"
        ),
        row=str(entry.get("row") or entry.get("index")),
        parts=[
            (_shortened(part, first=place == 0, last=place == len(parts) - 1) if not mark else part, mark)
            for place, (part, mark) in enumerate(parts)
        ],
    )


def _inside(span: Any, length: int) -> tuple[int, int]:
    """A span within a text, (0, 0) where there is none: a copied folder may hold anything."""
    if not isinstance(span, Sequence) or len(span) != 2 or not all(isinstance(end, int) for end in span):
        return 0, 0
    begin, end = (min(max(0, place), length) for place in span)
    return (begin, end) if begin < end else (0, 0)


def _shortened(part: str, *, first: bool, last: bool) -> str:
    """An unmarked piece at the text's beginning or end, not longer than need be."""
    if first and len(part) > AROUND:
        return "… " + part[-AROUND:]
    return part[:AROUND] + " …" if last and len(part) > AROUND else part
