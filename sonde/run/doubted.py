"""What a run's own folder holds against what it makes: said in a line before its samples are used."""

from pathlib import Path

from sonde.core.findings import name_of
from sonde.report.folder import read_folder
from sonde.report.generating import useless

OUTCOME = "worse-than-baseline"


def doubt(folder: Path) -> str:
    """A line on why its samples are worth little: what a judge measured of them, or what its last checks found; "" for nothing.

    What was silenced is a note, and no doubt.
    """
    run = read_folder(folder)
    if why := useless(run):
        return f"{folder}: {why[:1].lower()}{why[1:]}, as its judge measured"
    for finding in run.findings:
        if name_of(finding) == OUTCOME and finding.get("severity") == "warning":
            return f"{folder} is worse than its baseline: {finding.get('evidence')}"
    return ""
