"""The part of a report that shows what an autoencoder gives back: beside the inputs, by column, and along its code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sonde.core.units import count, counted, number
from sonde.report.additions import Section, grid
from sonde.report.distributions import spread_bars
from sonde.report.figures import Axis, Series, curves
from sonde.report.learning import Figure
from sonde.report.made import PICTURE, heard
from sonde.report.media import data_uri, picture_of

MOST = 20  # columns
FEWEST = 3  # points of a curve


def reconstructed_sections(found: Any, folder: Path) -> list[Section]:
    """Sections of evaluation/reconstructions.json, none where there is none. folder: evaluation/"""
    if not isinstance(found, Mapping):
        return []
    return [*_beside(found, folder), *_along(found.get("traversals"), folder), *_columns(found), *_bottleneck(found)]


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


def _bottleneck(found: Mapping[str, Any]) -> list[Section]:
    curve = found.get("bottleneck")
    if not isinstance(curve, Mapping) or len(curve.get("numbers") or []) < FEWEST:
        return []
    numbers = [float(each) for each in curve["numbers"]]
    series = [
        Series(name=name, points=[*zip(numbers, map(float, curve[key]), strict=True)], colour=colour, dots=True)
        for name, key, colour in (("this code, cut", "error", 1), ("PCA of the inputs", "pca", 2))
    ]
    title = "Error by the size of the code"
    svg = curves(series, Axis(label="numbers kept", log=True), Axis(label="mean squared error", zero=True), name=title)
    caption = (
        f"How badly {count(curve['rows'])} rows of the {found.get('split')} data are given back when this run's code is cut "
        f"to the first of its principal directions (the whole code: {number(curve['whole'])}), beside as many principal "
        f"components of the inputs. Both were fitted on {count(curve['fitted'])} training rows. It shows how this code spreads "
        "what it knows, not what a shorter one can do: for that train others (--latent)."
    )
    return [Section(name="bottleneck", title=title, html=grid([Figure(title=title, svg=svg, caption=caption)]))]
