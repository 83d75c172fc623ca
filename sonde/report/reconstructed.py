"""The part of a report that shows what an autoencoder gives back: beside the inputs, by column, and along its code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sonde.core.units import count, counted
from sonde.report.additions import Section, grid
from sonde.report.distributions import spread_bars
from sonde.report.learning import Figure
from sonde.report.made import PICTURE, heard
from sonde.report.media import data_uri, picture_of

MOST = 20  # columns


def reconstructed_sections(found: Any, folder: Path) -> list[Section]:
    """Sections of evaluation/reconstructions.json, none where there is none. folder: evaluation/"""
    if not isinstance(found, Mapping):
        return []
    return [*_beside(found, folder), *_along(found.get("traversals"), folder), *_columns(found)]


def _beside(found: Mapping[str, Any], folder: Path) -> list[Section]:
    uri, number = data_uri(picture_of(folder, found.get("picture"))), int(found.get("number") or 0)
    if sounds := heard(found.get("cards"), folder):
        note = f"{counted(number, 'recording', 'recordings')} of the {found.get('split')} data, and what is given back of each."
        return [Section(name="reconstructions", title="Reconstructions", html=sounds, note=note)]
    if not uri:
        return []
    note = (
        f"{counted(number, 'input', 'inputs')} of the {found.get('split')} data, drawn at random, below each what is given back, "
        "and where the error lies (white where it is largest of all)."
    )
    return [Section(name="reconstructions", title="Reconstructions", html=PICTURE.format(uri, note), note=note)]


def _along(found: Any, folder: Path) -> list[Section]:
    uri = data_uri(picture_of(folder, found.get("picture"))) if isinstance(found, Mapping) else ""
    if not uri:
        return []
    numbers = ", ".join(str(place) for place in found.get("numbers") or [])
    note = (
        f"A row for each of the numbers of the code that vary most ({numbers}), from {found.get('deviations')} standard "
        "deviations below its mean to as many above, all others at their mean."
    )
    return [Section(name="traversals", title="What the code means", html=PICTURE.format(uri, note), note=note)]


def _columns(found: Mapping[str, Any]) -> list[Section]:
    columns = sorted(found.get("columns") or [], key=lambda each: -float(each["error"]))
    if not columns:
        return []
    entries = [(str(each["name"]), [float(each["error"])]) for each in columns[:MOST]]
    caption = (
        f"The mean error of {count(found.get('rows') or 0)} rows: of numbers squared, in variances of the column, of categories "
        "the cross-entropy in nats."
    )
    if len(columns) > len(entries):
        caption += f" The {len(entries)} worst of {count(len(columns))} columns."
    svg = spread_bars(entries, name="Error by column", unit="error")
    figure = Figure(title="Error by column", svg=svg, caption=caption)
    return [Section(name="reconstructions", title="Reconstructions", html=grid([figure]))]
