"""The page of a comparison: one offline HTML file."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup

from sonde.comparison.curves import COLOURS, curve_figures, keys_of
from sonde.comparison.differences import Difference
from sonde.comparison.members import Member
from sonde.comparison.over_seeds import lines_of, seeds_columns, seeds_rows, seeds_told
from sonde.comparison.return_curves import missing, return_figures
from sonde.comparison.rows import cost_columns, cost_rows, metric_rows, score_rows
from sonde.comparison.settings import MOST, beside_settings, differing
from sonde.comparison.told import findings_of, named, told_once
from sonde.comparison.units import Family, by_unit
from sonde.comparison.words import cautions, headline, how_sure, judged_on, problem, summary, title
from sonde.core.errors import RunFolderError
from sonde.core.files import write_text
from sonde.core.units import metric_name
from sonde.report import figures
from sonde.report.additions import figure_html
from sonde.report.readable import readable

if TYPE_CHECKING:
    from jinja2 import Template

MOST_COLUMNS = 8  # units in the table of all metrics

Differences = Mapping[str, Difference]
Spelling = Callable[[str], str]


def write_page(
    path: Path,
    families: Sequence[Family],
    found: Sequence[Differences],
    members: Sequence[Member],
    *,
    spelling: Spelling = str,
) -> None:
    """Write the page. spelling: of settings, for who reads it. Raises: RunFolderError when it cannot be written"""
    page = render(families, found, members, beside=path.parent, spelling=spelling)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, page)
    except OSError as error:
        raise RunFolderError(f"cannot write {path}: {error.strerror}; give --out a file you may write") from None


def render(
    families: Sequence[Family],
    found: Sequence[Differences],
    members: Sequence[Member],
    *,
    beside: Path,
    spelling: Spelling = str,
) -> str:
    """The page as HTML. found: of each family the differences from its best; beside: the folder that it will lie in"""
    here, report = Path(__file__).parent, Path(figures.__file__).parent
    css = "".join(place.read_text(encoding="utf-8") for place in (report / "page.css", here / "compare.css"))
    js = "".join((report / name).read_text(encoding="utf-8") for name in ("page.js", "charts.js", "curves.js"))
    page = _template().render(
        css=Markup(css),
        js=Markup(js),
        headline=title(families, found),
        total=len(members),
        cautions=[spelling(text) for text in cautions(families, members)],
        families=[_context(family, each, beside, spelling) for family, each in zip(families, found, strict=True)],
    )
    return readable(page)


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["figure"] = figure_html
    environment.filters["capitalize_first"] = lambda text: text[:1].upper() + text[1:]
    return environment.get_template("compare.html")


def _context(family: Family, found: Differences, beside: Path, spelling: Spelling) -> dict[str, Any]:
    keys, members = keys_of(family), family.members
    settings = [*beside_settings(members), *differing(members)]
    wide = len(family.scored) <= MOST_COLUMNS
    told, more = told_once(members)
    seeds = seeds_rows(family)
    return {
        "problem": problem(family),
        "judged_on": judged_on(family),
        "headline": headline(family, found),
        "summary": summary(family, found),
        "metric": metric_name(family.metric) or "score",
        "split": family.split,
        "first": {True: "highest", False: "lowest", None: "first"}[family.higher],
        "scores": [
            {**vars(row), "colour": keys[row.name][1], "link": _link(unit.members, beside)}
            for row, unit in zip(score_rows(family, found), family.units, strict=True)
        ],
        "how_sure": spelling(how_sure(family, found)),
        "scored": [unit.name for unit in family.scored],
        "metrics": metric_rows(family) if wide else [],
        "seeds": lines_of(seeds),
        "seeds_columns": seeds_columns(family) if seeds else (),
        "seeds_told": seeds_told(family) if seeds else "",
        "figures": return_figures(family) if family.acts else curve_figures(family),
        "no_figures": spelling(missing(family)),
        "legend": [(name, key, colour) for name, (key, colour) in keys.items() if colour],
        "greys": max(0, len(keys) - COLOURS),
        "settings": [(_column(name, spelling), by_unit(family, texts)) for name, texts in settings[:MOST]],
        "more_settings": max(0, len(settings) - MOST),
        "runs": [unit.name for unit in family.units],
        "cost_columns": cost_columns(family),
        "costs": cost_rows(family),
        "findings": [replace(each, evidence=spelling(each.evidence), action=spelling(each.action)) for each in told],
        "more_findings": more,
        "without": named([member.name for member in members if not findings_of(member)[0]]),
    }


def _column(name: str, spelling: Spelling) -> str:
    """A setting's name at the head of its column, as it is spelled before a colon: without a sign of equality."""
    return spelling(f"{name}:").removesuffix(":")


def _link(members: Sequence[Member], beside: Path) -> str:
    """The report of a single run, from where the page lies."""
    report = members[0].reading.path / "report.html"
    if len(members) > 1 or not report.is_file():
        return ""
    return quote(os.path.relpath(report.resolve(), beside.resolve()).replace(os.sep, "/"), safe="/")
