"""The live page: the report's sections below a top that says what the run is doing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from sonde.core.marks import cut_words, visible
from sonde.core.units import count, duration, rate
from sonde.report.folder import Reading
from sonde.report.page import environment
from sonde.report.readable import readable
from sonde.report.taken import pace
from sonde.watch.resources import Look, facts
from sonde.watch.top import Top

if TYPE_CHECKING:
    from jinja2 import Template

HERE = Path(__file__).parent
REPORT = HERE.parent / "report"
# the report's order, but for what one looks at while a run trains
ORDER = (
    "top", "unreadable", "findings", "learning", "samples", "resources", "metrics", "evaluated", "inside", "data", "time",
    "settings", "machine",
)  # fmt: skip
STYLES = (REPORT / "page.css", REPORT / "cases.css", REPORT / "boards.css", HERE / "watch.css")
SCRIPTS = (*(REPORT / name for name in ("page.js", "charts.js", "boards.js", "played.js")), HERE / "watch.js")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A run in the list. key: its path below the folder of the runs, and its place in the page's address."""

    key: str
    status: str
    model: str = ""
    score: str = ""


@cache
def _template(name: str) -> "Template":
    return environment(HERE).get_template(name)


def top_html(run: Reading, top: Top) -> str:
    """State, the number that says most, and how far the run is."""
    return _block("top", name=run.path.resolve().name, top=top, keys=_keys(run))


def resources_html(run: Reading, looks: Sequence[Look]) -> str:
    """What a run that trains uses; empty while nothing is known."""
    return _block("resources", facts=facts(run, looks))


def runs_html(runs: Sequence[Listed], key: str) -> str:
    """The list of runs, of which one is shown."""
    return _block("runs", runs=runs, key=key)


def page_html(title: str, key: str, version: str, parts: dict[str, str]) -> str:
    """The whole page. version: of its parts, which a stream of changes begins at"""
    ordered = [(name, Markup(parts.get(name, ""))) for name in ORDER]  # of blocks, which escape
    runs = Markup(parts.get("runs", ""))
    return _template("watch.html").render(title=title, key=key, version=version, parts=ordered, runs_part=runs)


def title_of(name: str, top: Top) -> str:
    """What the browser's tab shows, the state first."""
    part = f"{100 * top.part:.0f} % " if top.part is not None else f"{top.title}: "
    return cut_words(visible(f"{part}{name}"))


def _block(block: str, **shown: object) -> str:
    page = _template("live.html")
    return readable("".join(page.blocks[block](page.new_context(shown))).strip())


def _keys(run: Reading) -> list[tuple[str, str]]:
    """(name, value) of what one wants to know beside the score."""
    lines = [line for line in run.steps if line.get("seconds") is not None]
    result = run.result if run.done else {}
    seconds = result.get("seconds") or {}
    total = seconds.get("total") or (lines[-1]["seconds"] if lines else None)
    what, per_s = pace(run, lines[-11:])
    losses = [line["loss"] for line in run.steps if line.get("loss") is not None]
    found = [
        ("model", run.model),
        (run.length, count(run.last_step) if run.last_step else ""),
        ("training time", duration(total) if total else ""),
        (f"{what} per second", "" if per_s is None else rate(per_s)),
        ("training loss", f"{losses[-1]:.4g}" if losses else ""),
        ("machine", run.env.get("device") or run.plan.get("device")),
    ]
    return [(name, str(value)[:200]) for name, value in found if value]
