"""`report.html` with the figures of the run's task. Free of torch: a copied folder is drawn without it."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sonde.core.catalogue import load
from sonde.core.marks import shell_quoted
from sonde.modalities.catalogue import modality
from sonde.modalities.catalogue import names as modality_names
from sonde.report.folder import Makes, Reading, read_folder, respelled
from sonde.report.page import AddedBy, nothing, write_page
from sonde.run.keywords import in_keywords
from sonde.tasks.spec import TaskSpec
from sonde.tasks.table import names, spec


def write_report(folder: Path, *, renewed_within_s: float | None = None) -> Path:
    """Draw `folder`/report.html from the folder's files and return its path.

    renewed_within_s: seconds after which it will have been drawn anew while the run trains, where the run itself draws it
    Raises: RunFolderError when there is no run in `folder`, or it cannot be written to
    """
    run = as_shown(read_folder(Path(folder)))
    now = datetime.now().astimezone()
    again = None if renewed_within_s is None else now + timedelta(seconds=renewed_within_s)
    return write_page(replace(run, drawn=now, drawn_again_by=again), added_by(run), _follow(run))


def as_shown(run: Reading) -> Reading:
    """A run with what its task tells of it, and settings as whoever began it writes them: keywords where that was a program,
    else flags."""
    known, kind = _task_of(run), (run.schema.get("input") or {}).get("kind")
    if known is not None:
        judged = kind in modality_names() and bool(modality(str(kind)).made) and modality(str(kind)).judged
        makes = Makes(known.tells, known.likelihood, judged) if known.generates else None
        run = replace(run, units=known.units, values=known.values, makes=makes)
    if kind in modality_names():
        about = modality(str(kind))
        run = replace(run, row=load(about.row_of)(run.schema) if about.row_of else about.row)
    if known is not None and known.row is not None:
        run = replace(run, row=known.row)
    return respelled(run, in_keywords) if run.in_program else run


def _follow(run: Reading) -> list[str]:
    """Commands that use the run's network, on an input that there is where possible."""
    known, kind = _task_of(run), (run.schema.get("input") or {}).get("kind")
    if known is None or kind not in modality_names():
        return []
    word = modality(str(kind)).input_word
    file = _example(run, word)
    given = word if file is None else shell_quoted(str(file))
    return [text.format(run=shell_quoted(str(run.path)), input=given) for text in known.next_commands]


def _example(run: Reading, word: str) -> Path | None:
    """A file that the run can be tried on: its own table, or a row that it was evaluated on. word: what stands for an input"""
    source, kept = Path(str(run.data.get("source") or "")), run.path / "evaluation" / run.split / "worst"
    rows = (run.evaluated.get(run.split) or {}).get("worst") or [{}]
    of_data = source / str(rows[0].get("row") or "")
    found = {"TABLE": [source], "IMAGE": [of_data, kept / "0.png"], "RECORDING": [of_data, kept / "0.wav"]}.get(
        word, []
    )
    return next((file for file in found if file.is_file()), None)


def added_by(run: Reading) -> AddedBy:
    """The figures of the run's task; none for a task that is not in the table, such as a custom one."""
    known = _task_of(run)
    return load(known.figures) if known is not None and known.figures else nothing


def _task_of(run: Reading) -> TaskSpec | None:
    """The record of the run's task; None for one that is not in the table."""
    saved = run.config.get("settings")
    name = str(saved.get("task")) if isinstance(saved, dict) else ""
    return spec(name) if name in names() else None
