"""The part of a report that shows inputs which the model has made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sonde.core.units import count, counted
from sonde.report.additions import Section
from sonde.report.made_rows import made_rows_html
from sonde.report.media import data_uri, picture_of

# who asked their system for less motion sees the frames beside one another first
MOVING = Markup(
    '<p><picture><source media="(prefers-reduced-motion: reduce)" srcset="{still}">'
    '<img class="made" src="{moving}" alt="{alt}"></picture></p>\n'
    '<p class="aside">Frame by frame, a row for each of the first clips:</p>\n'
    '<p><img class="made" src="{still}" alt="frames of the first samples"></p>\n'
)
PICTURE = Markup('<p><img class="made" src="{}" alt="{}"></p>\n')


def made_sections(details: Mapping[str, Any], folder: Path) -> list[Section]:
    """One section with the picture of samples.json, or with rows beside real ones; none where there is neither.

    folder: of the evaluation's files
    """
    found = details.get("samples")
    if not isinstance(found, Mapping):
        return []
    if isinstance(found.get("compared"), Mapping):
        note = f"{count(found['number'])} new rows that the best checkpoint made{_how(found)}, beside "
        note += f"{count(found['real_rows'])} {found['split']} rows."
        html = made_rows_html(found["compared"], str(found["split"]))
        return [Section(name="samples", title="Samples", html=html, note=note)]
    uri = data_uri(picture_of(folder, found.get("picture")))
    if not uri:
        return []
    note = f"New inputs that the best checkpoint made, not chosen by hand{_how(found)}."
    classes = found.get("classes")
    if isinstance(classes, list) and 1 < len(classes) <= 12:
        note += f" A column for each class: {', '.join(map(str, classes))}."
    alt, still = f"{found.get('number')} samples", data_uri(picture_of(folder, found.get("stills")))
    html = MOVING.format(moving=uri, still=still, alt=alt) if still else PICTURE.format(uri, alt)
    return [Section(name="samples", title="Samples", html=html, note=note)]


def _how(found: Mapping[str, Any]) -> str:
    steps = found.get("steps")
    if not isinstance(steps, int) or not steps:
        return f" (seed {found.get('seed')})"
    return f" ({counted(steps, 'step', 'steps')} of sampler {found.get('sampler')}, seed {found.get('seed')})"
