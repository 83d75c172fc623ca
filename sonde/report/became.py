"""The part of a report that shows how samples became while the model trained: pictures, or rows of a table, of the same noise."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sonde.core.units import count, counted
from sonde.report.additions import Section
from sonde.report.media import data_uri, picture_of

MOST_BYTES = 400_000  # of all pictures
ROW = Markup('<tr><th>{}</th><td><img src="{}" alt="samples after {}"></td></tr>\n')
TABLE = Markup('<table class="became"><tbody>\n{}</tbody></table>\n')
LINE = Markup("<tr>{}{}</tr>\n")
STEP = Markup('<th rowspan="{}">{}</th>')
LINES = Markup(
    '<div class="scroll"><table class="rows"><thead><tr><th></th>{}</tr></thead><tbody>\n{}</tbody></table></div>\n'
)
MOST_NAME, MOST_STEPS = 40, 8  # characters of a column's name; steps whose rows are shown


def became_section(found: Any, folder: Path) -> Section | None:
    """What became.json holds; None where there are no pictures. folder: where it lies"""
    if not isinstance(found, Mapping):
        return None
    if found.get("names"):
        return _of_rows(found)
    left, rows = MOST_BYTES, list[Markup]()
    for each in reversed(found.get("pictures") or []):  # the latest first, which are never left out
        picture = picture_of(folder, each.get("picture"))
        if not picture or len(picture) > left:
            continue
        left -= len(picture)
        step = f"step {count(int(each['step']))}"
        rows.append(ROW.format(step, data_uri(picture), step))
    if not rows:
        return None
    html = TABLE.format(Markup("").join(reversed(rows)))
    return Section(name="became", title="How samples became", html=html, note=_note(found, "sample"))


def _of_rows(found: Mapping[str, Any]) -> Section | None:
    """Of a table: the same rows at several steps, evenly over those that are kept."""
    entries = [each for each in found.get("pictures") or [] if each.get("rows")]
    if not entries:
        return None
    last = len(entries) - 1
    chosen = sorted({round(place * last / max(1, MOST_STEPS - 1)) for place in range(MOST_STEPS)})
    names = found["names"]
    head = Markup("").join(Markup("<th>{}</th>").format(str(name)[:MOST_NAME]) for name in names)
    lines = Markup("")
    for each in (entries[place] for place in chosen):
        rows = each["rows"]
        first = STEP.format(len(rows), f"step {count(int(each['step']))}")
        for place, row in enumerate(rows):
            cells = Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row[: len(names)])
            lines += LINE.format("" if place else first, cells)
    return Section(name="became", title="How samples became", html=LINES.format(head, lines), note=_note(found, "row"))


def _note(found: Mapping[str, Any], what: str) -> str:
    note = f"The same {counted(int(found['number']), what, f'{what}s')} again and again, from the same noise"
    if found.get("steps"):
        note += f" in {counted(int(found['steps']), 'step', 'steps')}, which are few"
    note += "; by the averaged weights where there are any."
    if classes := found.get("classes"):
        note += f" Classes: {', '.join(str(each)[:40] for each in classes)}."
    return note
