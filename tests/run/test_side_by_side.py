"""Under a time limit as many games stand side by side as learn something in it, and a run goes on with that number."""

from pathlib import Path
from typing import Any

import pytest

import sonde
from sonde.acting.self_play.source import SelfPlay
from sonde.core.config_file import read_config
from sonde.core.pace import Pace
from sonde.core.units import duration
from sonde.run.side_by_side import measured

SMALL: dict[str, Any] = {
    "steps": 2, "time_limit": "10m", "episodes": 2, "test_episodes": 2, "simulations": 4, "batch_size": 16, "hidden": (8,),
    "opponents": ["random"], "evaluate_every": "2 steps", "threads": 1,
}  # fmt: skip


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Games take longer than the limit to end where many go on at once."""
    monkeypatch.setattr(
        SelfPlay, "pace_of", lambda source, together, at_least_s=0.0: Pace(burst_s=1.0, first_s=10.0 * together)
    )


@pytest.mark.usefixtures("slow")
def test_fewer_games_are_played_where_many_would_end_too_late(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "run"
    sonde.train("game:tic_tac_toe", out=out, **SMALL)
    shown = " ".join(capsys.readouterr().out.split())
    assert "8 environments side by side" in shown
    assert "8 games side by side (environments=), of which about" in shown
    saved = read_config(out / "config.yaml")
    assert (saved.settings["environments"], saved.origin["environments"]) == (8, "measured")
    assert saved.reasons["environments"].startswith("8 games side by side")
    again = sonde.train("game:tic_tac_toe", out=out, **SMALL | {"steps": 4, "quiet": True})  # the same call, for longer
    assert again.result["steps"] == 4
    assert sonde.resume(out, steps=5, quiet=True).result["steps"] == 5
    assert read_config(out / "config.yaml").settings["environments"] == 8


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("given", [{"environments": 20}, {"time_limit": None}])
def test_a_number_that_is_given_and_a_run_without_a_limit_are_left_alone(given: dict[str, Any], tmp_path: Path) -> None:
    more = SMALL | {"simulations": 1, "random_moves": 0, "quiet": True} | given
    sonde.train(
        "game:tic_tac_toe", out=tmp_path / "run", **{name: each for name, each in more.items() if each is not None}
    )
    saved = read_config(tmp_path / "run" / "config.yaml")
    assert saved.settings["environments"] == given.get("environments", 128)
    assert saved.origin["environments"] != "measured"


def test_measuring_ends_where_it_takes_too_much_of_the_time() -> None:
    def pace_of(together: int, at_least_s: float) -> Pace:
        assert at_least_s <= 0.25
        return Pace(burst_s=1.0, first_s=float(together))

    assert list(measured(pace_of, 128, 1e6)) == [8, 16, 32, 64, 128]
    assert list(measured(pace_of, 128, 0.0)) == [8]
    assert list(measured(pace_of, 6, 1e6)) == [6]


@pytest.mark.parametrize(
    ("given", "told", "not_told"),
    [
        ({}, "8 games side by side (environments=), which come to their first update soonest", "fewer games"),
        ({"environments": 20}, "; fewer games side by side (environments=) come to it sooner", "soonest"),
    ],
)
def test_where_no_update_is_expected_one_time_is_told_and_a_remedy_that_is_one(
    given: dict[str, Any], told: str, not_told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Measuring once more may come to another time, and a run that goes on keeps its games side by side."""

    def pace_of(source: SelfPlay, together: int, at_least_s: float = 0.0) -> Pace:
        return Pace(burst_s=1.0, first_s=1e4 * (together if at_least_s or given else 7.0))

    monkeypatch.setattr(SelfPlay, "pace_of", pace_of)
    short = SMALL | given
    sonde.train("game:tic_tac_toe", out=tmp_path / "run", **short)
    shown = " ".join(capsys.readouterr().out.split())
    assert told in shown
    assert not_told not in shown
    first = duration(2e5 if given else 8e4)
    assert f"the first batch is expected after {first}, and" in shown
    sonde.train("game:tic_tac_toe", out=tmp_path / "run", **short | {"steps": 3, "time_limit": "11m"})
    assert "fewer games" not in capsys.readouterr().out
