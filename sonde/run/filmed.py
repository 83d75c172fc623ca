"""Films of the episodes of a run's last evaluation, for its report."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sonde.acting.config import EnvironmentConfig
from sonde.acting.evaluation.episodes import Episodes
from sonde.acting.evaluation.films import SECONDS, Wanted, chosen, film
from sonde.acting.seeds import SeedRows
from sonde.core.damaged import DAMAGE
from sonde.core.errors import SondeError, first_line
from sonde.core.files import read_json, write_json
from sonde.run.job import Attempt

LABEL = "making films of episodes"


def make_films(attempt: Attempt, split: str, *, seconds: float = SECONDS) -> None:
    """Write films of the best, the median and the worst episode of a split's last evaluation into films/ of its folder, and
    films.json about them; where the environment cannot be drawn that says why. Nothing of a run that does not act, or is not to
    have films.

    seconds: that they may take
    """
    assembly, folder = attempt.assembly, attempt.folder.evaluation / split
    source = assembly.evaluation_sources.get(split)
    rows = None if assembly.dataset is None else assembly.dataset.splits.get(split)
    if not isinstance(source, Episodes) or not isinstance(rows, SeedRows):
        return
    if not assembly.config.data.of(EnvironmentConfig).films:
        return
    tick, leave_off = attempt.job.screen.tick, lambda: bool(attempt.request)
    if rows.rendered is None:
        _tell(folder, why=rows.undrawn)
        return
    found: list[dict[str, Any]] = []
    until, why = time.perf_counter() + seconds, ""
    wanted = _wanted(attempt, folder, rows, source)
    try:
        (folder / "films").mkdir(exist_ok=True)
        for number, each in enumerate(wanted):
            tick(LABEL, number, len(wanted))
            if leave_off():
                why = "the run was stopped before"
                break
            left = (until - time.perf_counter()) / (len(wanted) - number)
            if left <= 0:
                why = "there was no time left"
                break
            found.append(
                film(rows.rendered, each, folder / "films" / f"{each.name}.mp4", seconds=left, leave_off=leave_off)
            )
    except SondeError as trouble:
        why = str(trouble)
    except Exception as trouble:  # of a renderer, or of what encodes: no film is worth a run's report
        why = f"{type(trouble).__name__}: {first_line(trouble)}"
    tick(LABEL, 1, 1)
    _tell(folder, films=found, why=why, among=(_number(folder), len(rows)))


def _wanted(attempt: Attempt, folder: Path, rows: SeedRows, source: Episodes) -> list[Wanted]:
    """Of validation, where the kept weights were evaluated in the course of training, as they acted then."""
    kept = folder.name == "validation" and attempt.meter_of_kept(attempt.steps) is not None
    taken = attempt.best_taken if kept else source.taken
    try:
        episodes: Mapping[str, Any] = read_json(folder / "episodes.json")
        return chosen(episodes["return"], episodes["length"], rows.seeds(), taken, episodes["index"])
    except (FileNotFoundError, *DAMAGE):
        return []


def _number(folder: Path) -> int:
    """Episodes that were over, among which those that are filmed were chosen."""
    try:
        return len(read_json(folder / "episodes.json")["return"])
    except (FileNotFoundError, *DAMAGE):
        return 0


def _tell(
    folder: Path, *, films: list[dict[str, Any]] | None = None, why: str = "", among: tuple[int, int] = (0, 0)
) -> None:
    """among: of how many episodes they are, and how many were to be played"""
    number = {"episodes": among[0], "of": among[1]} if films else {}
    write_json(folder / "films.json", {"films": films or [], "why": why, **number})
