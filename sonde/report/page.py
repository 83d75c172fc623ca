"""`report.html`: one offline file drawn from a run folder, in any state the run may be in."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from sonde.core.errors import RunFolderError
from sonde.core.files import write_text
from sonde.core.findings import AT_A_TIME, WORST_FIRST, certainty_of, grouped, silencing
from sonde.core.units import count, number, share
from sonde.report.acting_curves import acting_figures
from sonde.report.additions import Additions, figure_html
from sonde.report.became import became_section
from sonde.report.cases import Cases, sections_of_cases
from sonde.report.episodes import episode_figures
from sonde.report.evaluated import (
    MOST_CLASSES,
    class_rows,
    confused_pairs,
    confusion_figure,
    evaluation_figures,
)
from sonde.report.features import features_section
from sonde.report.films import film_sections
from sonde.report.folder import Reading
from sonde.report.folds import fold_figures, folds_section
from sonde.report.inside import inside_section
from sonde.report.intact import drawn
from sonde.report.learning import Figure, learning_figures
from sonde.report.looked import looked_figures, seen_section
from sonde.report.made import made_sections
from sonde.report.overview import (
    class_balance,
    headline,
    key_figures,
    machine,
    metric_table,
    settings,
    split_table,
    time_parts,
)
from sonde.report.playing_curves import playing_figures
from sonde.report.readable import readable
from sonde.report.reconstructed import reconstructed_sections
from sonde.report.sample_quality import sample_quality_sections
from sonde.report.samples import reconstructions, samples_shown
from sonde.report.time_shares import time_shares
from sonde.report.verdict import verdict

if TYPE_CHECKING:
    from jinja2 import Environment, Template

MOST_LINES = 100  # of facts, warnings, findings and events
MOST_EVIDENCES = 5  # of one finding


AddedBy = Callable[[Mapping[str, Any]], Additions]
"""An evaluation's files by stem -> what the run's task shows of them."""


def nothing(details: Mapping[str, Any]) -> Additions:
    """What is shown of a task that has nothing of its own."""
    return Additions()


def write_page(run: Reading, added: AddedBy = nothing, follow: Sequence[str] = ()) -> Path:
    """Draw report.html in the run's folder and return its path. Raises: RunFolderError when it cannot be written to

    follow: commands that use the run's network
    """
    page = render(run, added, follow)
    path = run.path / "report.html"
    try:
        write_text(path, page)
    except OSError as error:
        raise RunFolderError(
            f"cannot write {path}: {error.strerror}; free disk space or check the folder's permissions"
        ) from None
    return path


@cache
def template() -> "Template":
    """The page's template, compiled once a process. Its blocks are the page's sections."""
    return environment().get_template("page.html")


def environment(*folders: Path) -> "Environment":
    """How templates are read, from further folders too: everything is escaped that was not made as markup."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader([*folders, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"count": count, "number": number, "share": share}
    found.filters["unbroken_flags"] = unbroken_flags
    found.globals["figure"] = figure_html
    parts = found.get_template("parts.html").module
    found.globals |= {name: getattr(parts, name) for name in ("finding", "section", "setting_rows")}
    return found


def unbroken_flags(command: str) -> Markup:
    """A command whose flags stay whole where a line is broken; what is copied from the page is unchanged.

    >>> unbroken_flags("sonde train --lr 1 <a>")
    Markup('sonde train <span class="flag">--lr</span> 1 &lt;a&gt;')
    """
    flag = Markup('<span class="flag">{}</span>')
    return Markup(" ").join(flag.format(word) if word.startswith("--") else word for word in command.split(" "))


def _files(*names: str) -> str:
    return "".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in names)


def render(run: Reading, added: AddedBy = nothing, follow: Sequence[str] = ()) -> str:
    """The page as HTML."""
    assets = {"css": _files("page.css", "cases.css"), "js": _files("page.js", "charts.js", "cases.js")}
    from jinja2 import TemplateError

    fixed, page = {name: Markup(text) for name, text in assets.items()}, template()
    return readable(drawn(run, lambda whole: page.render(**fixed, **context(whole, added, follow)), (TemplateError,)))


def context(run: Reading, added: AddedBy, follow: Sequence[str] = ()) -> dict[str, Any]:
    """What the template shows."""
    details = run.evaluated.get(run.split, {})
    splits, metrics = metric_table(run)
    chosen, defaults = settings(run)
    balance, balance_text = class_balance(run)
    bar, spent = time_parts(run)
    rows, classes = class_rows(details)
    own = added(details)
    restored = reconstructions(details, run.path / "evaluation" / run.split) if run.split and not run.folds else None
    found: dict[str, Any] = {
        "name": run.path.resolve().name,
        "due": _due(run),
        "headline": headline(run),
        "verdict": verdict(run, follow),
        "keys": key_figures(run),
        "splits": splits,
        "metrics": metrics,
        **_in_turn(_findings(run)),
        "learning": _learning(run),
        "folds": folds_section(run),
        "inside": inside_section(run),
        "split": _named(run.split),
        "judged": _judged(run),
        "matrix": confusion_figure(details),
        "unit": str((details.get("confusion") or details.get("per_class") or {}).get("unit") or "rows"),
        "evaluated": [
            *evaluation_figures(details, own.figures),
            *episode_figures(details, run.values),
            *looked_figures(run.looked, details),
        ],
        "sections": [*own.sections, *([restored] if restored else [])],
        "samples": samples_shown(run.samples, run.path / "samples", added(run.samples.get("files") or {})),
        "made": [
            *film_sections(details, run.path / "evaluation" / run.split),
            *made_sections(details, run.path / "evaluation" / run.split),
            *filter(None, [became_section(run.looked.get("became"), run.path / "evaluation")]),
            *reconstructed_sections(run.looked.get("reconstructions"), run.path / "evaluation"),
            *sample_quality_sections(run),
        ],
        "pairs": confused_pairs(details),
        "many_classes": classes if classes > MOST_CLASSES else 0,
        "class_rows": rows,
        "num_classes": classes,
        "seen": seen_section(run.looked, run.path / "evaluation", own.drawing),
        "cases": _cases(run, details, own) if own.cases and run.split else [],
        "features": features_section(run.features, run.path / "evaluation"),
        "form": str(run.data.get("form") or ""),
        "source": str(run.data.get("source") or run.config.get("data") or ""),
        "facts": [fact for fact in run.data.get("facts") or [] if isinstance(fact, Mapping)][:MOST_LINES],
        "warnings": _warnings(run),
        "split_rows": split_table(run),
        "row_words": run.row[1],
        "balance": balance,
        "balance_text": balance_text,
        "plan": [str(line)[:400] for line in run.plan.get("lines") or []][:MOST_LINES],
        "events": [_event(line) for line in run.events][:MOST_LINES],
        "time_bar": bar,
        "time_rows": spent,
        "chosen": chosen,
        "defaults": defaults,
        "machine": machine(run),
        "unreadable": run.unreadable[:MOST_LINES],
    }
    files = dict.fromkeys(name for each in own.sections for name in each.files)
    more = {
        f"more_{kind}": Markup(_files(*(name for name in files if name.endswith(f".{kind}")))) for kind in ("css", "js")
    }
    return {**found, **more, "links": contents(found)}


def contents(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(id, title) of the page's parts that are there, in their order."""
    judged = found["matrix"] or found["evaluated"] or found["pairs"] or found["class_rows"]
    early, late = (
        [(each.name, each.title) for each in found["sections"] if each.last is last] for last in (False, True)
    )
    fixed = [
        *((each.name, each.title, True) for each in found["made"] if each.name == "films"),
        ("findings", "Findings", found["findings"] or found["remarks"]),
        ("metrics", "Scores", found["metrics"]),
        ("folds", "Folds", found["folds"]),
        ("learning", "Curves", found["learning"]),
        ("samples", "Samples", found["samples"]),
        ("inside", "Inside", found["inside"]),
        ("evaluated", "Evaluation", judged),
        ("per-class", "Classes", found["class_rows"]),
        *((name, title, True) for name, title in early),
        *((each.name, each.title, True) for each in found["cases"]),
        *((name, title, True) for name, title in late),
        ("features", "Features", found["features"]),
        ("data", "Data", found["facts"] or found["split_rows"]),
        ("time", "Time", found["time_rows"] or found["plan"] or found["events"]),
        ("settings", "Settings", found["chosen"] or found["defaults"]),
        ("machine", "Machine", found["machine"]),
    ]
    return [(name, title) for name, title, there in fixed if there]


def _judged(run: Reading) -> str:
    if run.folds:
        return f"On the {run.split} data of all folds"
    return f"On the {_named(run.split)} {run.row[1] if run.acts or run.plays else 'data'}"


def _learning(run: Reading) -> list[Figure]:
    if run.folds:
        return fold_figures(run)
    if run.plays:
        return playing_figures(run)
    return acting_figures(run) if run.acts else [*learning_figures(run), *time_shares(run)]


def _due(run: Reading) -> str:
    """When the page of a run that trains should have been drawn anew, in milliseconds since 1970; "" where it will not be."""
    running = run.state.condition == "running"
    return "" if run.drawn_again_by is None or not running else f"{1000 * run.drawn_again_by.timestamp():.0f}"


def _named(split: str) -> str:
    return "training" if split == "train" else split


def _cases(run: Reading, details: Mapping[str, Any], own: Additions) -> list[Cases]:
    # those of a cross-validation lie in the folders of its folds
    folder = run.path if run.folds else run.path / "evaluation" / run.split
    return sections_of_cases(details, folder, split=_named(run.split), drawing=own.drawing)


def _findings(run: Reading) -> list[dict[str, Any]]:
    """Worst first, of these causes first; the same finding at several steps stands once, with what was seen at each."""
    diagnosis = [str(name) for name in run.result.get("diagnosis") or []]
    found = []
    kept = [each for each in run.findings if not _told(run, each)]
    for severity, check, same in grouped(kept, diagnosis):
        first, *others = _evidences(same)
        steps = [finding["step"] for finding in same if finding.get("step") is not None]
        place = f"step {count(steps[-1])}" if steps else ""
        beside = [f"{len(same)} times, last at {place}" if len(same) > 1 and place else place]
        beside += [str(same[-1].get("where") or "")[:200], certainty_of(same[-1])]
        left = len(others) - MOST_EVIDENCES + 1
        more = others if left <= 0 else [*others[: MOST_EVIDENCES - 1], f"and {count(left)} more, in findings.jsonl"]
        found.append(
            {
                "severity": severity if severity in WORST_FIRST else "note",
                "check": check,
                "evidence": first,
                "more": more,
                "action": str(same[-1].get("action") or "")[:600],
                "place": ", ".join(text for text in beside if text),
                "silence": str(same[-1].get("silence") or silencing(same[-1]))[:200],
            }
        )
    return found[:MOST_LINES]


def _told(run: Reading, finding: Mapping[str, Any]) -> bool:
    """Whether it is the error that ended the run, with which the verdict begins."""
    evidence = re.sub(r"^fold \d+: ", "", str(finding.get("evidence")))
    return run.state.condition == "failed" and finding.get("check") == "failed" and evidence == run.state.why


def _evidences(same: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was seen, the latest first, each once; with its step where there are several."""
    told: dict[str, str] = {}
    for finding in reversed(same):
        text, step = str(finding.get("evidence") or "")[:600], finding.get("step")
        told.setdefault(text, f"step {count(step)}: " if step is not None else "")
    if len(told) == 1:
        return list(told)
    return [text if text.startswith(step) else f"{step}{text}" for text, step in told.items()]


def _warnings(run: Reading) -> list[str]:
    """What was odd about the data, unless it stands among the findings."""
    said = {str(finding.get("evidence")) for finding in run.findings}
    return [str(text)[:400] for text in run.data.get("warnings") or [] if str(text) not in said][:MOST_LINES]


def _in_turn(found: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Errors and the first warnings; further warnings, which may go away with these; notes."""
    warnings = [item for item in found if item["severity"] == "warning"]
    return {
        "findings": [item for item in found if item["severity"] == "error"] + warnings[:AT_A_TIME],
        "further": warnings[AT_A_TIME:],
        "remarks": [item for item in found if item["severity"] == "note"],
    }


def _event(line: Mapping[str, Any]) -> tuple[str, str, str]:
    """(step, event, details)."""
    details = line.get("details") or {}
    text = (
        ", ".join(f"{name} {value}" for name, value in details.items())
        if isinstance(details, Mapping)
        else str(details)
    )
    return count(line.get("step") or 0), str(line.get("event"))[:200], text[:400]
