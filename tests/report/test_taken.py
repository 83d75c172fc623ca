"""What a run that acts, or plays games, did so far and how fast, for its report and its live page."""

from dataclasses import replace
from pathlib import Path

import pytest

from sonde.report.folder import Reading, read_folder
from sonde.report.overview import headline, key_figures
from sonde.report.taken import pace, taken


def logged(run: Reading, **counts: int) -> Reading:
    """The same run, still without a result, whose log counts this from nothing to this in ten seconds."""
    lines = []
    for at in range(3):
        done = {name: number * at // 2 for name, number in counts.items()}
        lines.append({"step": 10 * at, "seconds": 5.0 * at, "rows": 640 * at, **done})
    return replace(run, steps=lines, result={})


@pytest.mark.parametrize(
    ("counts", "told", "speed"),
    [
        ({}, "", ("rows", 128.0)),
        ({"environment_steps": 4000}, "4,000 environment steps", ("environment steps", 400.0)),
        ({"games": 1, "moves": 100}, "1 game of self-play", ("moves", 10.0)),
    ],
)
def test_a_run_that_goes_on_is_measured_by_its_log(
    image_run: Path, counts: dict[str, int], told: str, speed: tuple[str, float]
) -> None:
    run = logged(read_folder(image_run), **counts)
    assert (taken(run), pace(run, run.steps)) == (told, speed)
    assert pace(run, run.steps[:1]) == (speed[0], None)
    assert run.length == ("updates" if counts else "steps")


def test_a_run_that_has_ended_is_measured_by_its_result(image_run: Path) -> None:
    run = read_folder(image_run)
    held = {**run.result, "epochs": None, "steps": 1200, "self_play": {"games": 3000.0, "moves": 21000, "per_s": 70.0}}
    played = replace(run, result=held, steps=[])
    assert (taken(played), pace(played, [])) == ("3,000 games of self-play", ("moves", 70.0))
    assert " for 1,200 updates and 3,000 games of self-play in " in headline(played).sentences[0]
    keys = dict(key_figures(played))
    assert (keys["games of self-play"], keys["moves of self-play"], keys["updates"]) == ("3,000", "21,000", "1,200")
    assert "rows per second" not in keys
    acted = replace(
        run, result={**held, "self_play": None, "experience": {"environment_steps": 1, "per_s": 9.0}}, steps=[]
    )
    assert (taken(acted), pace(acted, [])) == ("1 environment step", ("environment steps", 9.0))
