"""`report.html` with the figures of the run's task. Free of torch: a copied folder is drawn without it."""

from pathlib import Path

from sonde.core.catalogue import load
from sonde.report.folder import Reading, read_folder
from sonde.report.page import AddedBy, nothing, write_page
from sonde.tasks.table import names, spec


def write_report(folder: Path) -> Path:
    """Draw `folder`/report.html from the folder's files and return its path.

    Raises: RunFolderError when there is no run in `folder`, or it cannot be written to
    """
    run = read_folder(Path(folder))
    return write_page(run, added_by(run))


def added_by(run: Reading) -> AddedBy:
    """The figures of the run's task; none for a task that is not in the table, such as a custom one."""
    saved = run.config.get("settings")
    name = str(saved.get("task")) if isinstance(saved, dict) else ""
    figures = spec(name).figures if name in names() else ""
    return load(figures) if figures else nothing
