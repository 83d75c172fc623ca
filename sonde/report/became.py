"""The part of a report that shows how samples became while the model trained: rows of pictures of the same noise."""

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


def became_section(found: Any, folder: Path) -> Section | None:
    """What became.json holds; None where there are no pictures. folder: where it lies"""
    if not isinstance(found, Mapping):
        return None
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
    note = f"The same {counted(int(found['number']), 'sample', 'samples')} again and again, from the same noise"
    if found.get("steps"):
        note += f" in {counted(int(found['steps']), 'step', 'steps')}, which are few"
    note += "; by the averaged weights where there are any."
    if classes := found.get("classes"):
        note += f" Classes: {', '.join(str(each)[:40] for each in classes)}."
    html = TABLE.format(Markup("").join(reversed(rows)))
    return Section(name="became", title="How samples became", html=html, note=note)
