"""What is found in a run: written down, quietly where that was asked for, and shown on its screen once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sonde.core.findings import Finding, hushed, silenced
from sonde.core.log_lines import parsed_line
from sonde.run.errors import add_findings
from sonde.run.job import Attempt


def tell(attempt: Attempt, found: Iterable[Finding], *, at_once: bool = True) -> None:
    """Write findings down, what is silenced as notes.

    at_once: whether they are shown now; the others are when the run ends
    """
    found = hushed(found, silenced(attempt.config.loop.silence))
    attempt.findings += found
    journal = None if attempt.training is None else attempt.training.journals.get("findings.jsonl")
    if journal is not None and journal.closed:
        add_findings(attempt.folder, found)
    elif journal is not None:  # what is found before there is one is written as soon as there is
        for finding in found:
            journal.write(finding.as_dict())
    if at_once:
        show(attempt, found)


def show(attempt: Attempt, found: Sequence[Finding]) -> None:
    """Print findings, which the end of the run then does not repeat."""
    if found:
        attempt.told |= {finding.evidence for finding in found}
        attempt.job.screen.findings([finding.as_dict() for finding in found])


def parted(attempt: Attempt) -> tuple[list[Finding], list[Finding]]:
    """(findings that the screen has not shown yet, those that it has), as the run ends."""
    told = [each.evidence in attempt.told for each in attempt.findings]
    both = list(zip(attempt.findings, told, strict=True))
    return [each for each, shown in both if not shown], [each for each, shown in both if shown]


def withdraw(file: Path, gone: Callable[[Mapping[str, Any]], bool]) -> None:
    """Blank the lines of findings.jsonl that hold no more. Their bytes stay, by which checkpoints know how far the file went."""
    with file.open("r+b") as held:
        place = 0
        for line in held.read().splitlines(keepends=True):
            found = parsed_line(line.rstrip(b"\n"))
            if found is not None and gone(found):
                held.seek(place)
                held.write(b" " * (len(line) - 1))
            place += len(line)
