"""Films of the episodes of a run's last evaluation, for its report."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sonde.acting.config import EnvironmentConfig
from sonde.acting.evaluation.episodes import Episodes
from sonde.acting.evaluation.films import SECONDS, chosen, film
from sonde.acting.seeds import SeedRows
from sonde.core.damaged import DAMAGE
from sonde.core.errors import SondeError, first_line
from sonde.core.files import read_json, write_json
from sonde.core.pace import never
from sonde.core.progress import Tick
from sonde.run.build import Assembly

LABEL = "making films of episodes"


def make_films(
    assembly: Assembly,
    folder: Path,
    split: str,
    *,
    tick: Tick,
    seconds: float = SECONDS,
    leave_off: Callable[[], bool] = never,
) -> None:
    """Write films of the best, the median and the worst episode into `folder`/films, and films.json about them; where the
    environment cannot be drawn that says why. Nothing of a run that does not act, or is not to have films.

    folder: of the split's evaluation;  seconds: that they may take;  leave_off: says True where no more is to be filmed
    """
    source = assembly.evaluation_sources.get(split)
    rows = None if assembly.dataset is None else assembly.dataset.splits.get(split)
    if not isinstance(source, Episodes) or not isinstance(rows, SeedRows):
        return
    if not assembly.config.data.of(EnvironmentConfig).films:
        return
    if rows.rendered is None:
        _tell(folder, why='it draws no frames ("rgb_array" is not among the render_modes of its metadata)')
        return
    found: list[dict[str, Any]] = []
    until, why = time.perf_counter() + seconds, ""
    wanted = _wanted(folder, rows, source)
    try:
        (folder / "films").mkdir(exist_ok=True)
        for number, each in enumerate(wanted):
            tick(LABEL, number, len(wanted))
            if leave_off():
                why = "" if found else "the run was stopped before there was a film"
                break
            left = (until - time.perf_counter()) / (len(wanted) - number)
            if left <= 0:
                why = "" if found else "the time limit left no time for films"
                break
            found.append(
                film(rows.rendered, each, folder / "films" / f"{each.name}.mp4", seconds=left, leave_off=leave_off)
            )
    except SondeError as trouble:
        why = str(trouble)
    except Exception as trouble:  # of a renderer, or of what encodes: no film is worth a run's report
        why = f"{type(trouble).__name__}: {first_line(trouble)}"
    tick(LABEL, 1, 1)
    _tell(folder, films=found, why=why)


def _wanted(folder: Path, rows: SeedRows, source: Episodes) -> list[Any]:
    try:
        episodes: Mapping[str, Any] = read_json(folder / "episodes.json")
        return chosen(episodes["return"], episodes["length"], rows.seeds(), source.taken)
    except (FileNotFoundError, *DAMAGE):
        return []


def _tell(folder: Path, *, films: list[dict[str, Any]] | None = None, why: str = "") -> None:
    write_json(folder / "films.json", {"films": films or [], "why": why})
