"""Openings of self-play, as openings.json has them; what a trained run leaves of its games."""

from pathlib import Path

import pytest

import sonde
from sonde.acting.self_play.games.open_spiel import rules_of
from sonde.core.errors import ConfigError
from sonde.core.files import read_json
from sonde.run.exhibited import openings
from sonde.run.played import play_of


def test_openings_are_counted_with_the_results_of_who_began() -> None:
    games = [(3, 2, 1), (3, 2, 1), (3, 2, -1), (3, 4, 0), (0, -1, -1)]
    found = openings("connect_four", games)
    assert found["games"] == 5
    assert found["board"] == {"look": "discs", "rows": 6, "columns": 7, "pieces": None}
    assert found["fields"] == "." * 42
    first, *rest = found["lines"]
    assert first["first"] == {"action": 3, "name": "x3", "to": 38, "start": None}
    assert first["second"] == {"action": 2, "name": "o2", "to": 37, "start": None}
    assert (first["games"], first["won"], first["drawn"], first["lost"]) == (3, 2, 0, 1)
    assert [line["second"] and line["second"]["name"] for line in rest] == ["o4", None]


def test_a_second_move_may_stand_on_the_first() -> None:
    [line] = openings("connect_four", [(3, 3, 0)])["lines"]
    assert (line["first"]["to"], line["second"]["to"]) == (38, 31)


def test_openings_that_are_turned_or_mirrored_count_as_one() -> None:
    corner = [(0, 1, 1), (2, 1, 0), (8, 7, -1), (6, 3, 1), (0, 3, 1)]  # a corner, and a field beside it
    far = [(2, 3, 1)]  # a corner, and a field that is not
    found = openings("tic_tac_toe", [*corner, *far, (4, -1, 0)], rules_of("tic_tac_toe").symmetries)
    lines = [
        (line["first"]["action"], line["second"] and line["second"]["action"], line["games"]) for line in found["lines"]
    ]
    assert lines == [(0, 1, 5), (0, 5, 1), (4, None, 1)]
    assert (found["lines"][0]["won"], found["lines"][0]["drawn"], found["lines"][0]["lost"]) == (3, 1, 1)
    assert found["alike"]
    assert found["games"] == 7


def test_in_connect_four_only_a_mirror_image_is_the_same() -> None:
    found = openings("connect_four", [(1, 2, 0), (5, 4, 0), (5, 2, 0)], rules_of("connect_four").symmetries)
    assert [(line["first"]["name"], line["second"]["name"], line["games"]) for line in found["lines"]] == [
        ("x1", "o2", 2),
        ("x1", "o4", 1),
    ]
    assert not openings("chess", [], rules_of("chess").symmetries)["alike"]


def test_a_run_leaves_games_openings_and_its_baseline(tmp_path: Path) -> None:
    run = sonde.train("game:tic_tac_toe", out=tmp_path / "run", steps=6, episodes=2, test_episodes=2, simulations=4,
                      batch_size=16, environments=8, opponents=("random",), quiet=True)  # fmt: skip
    found = run.evaluation("game:tic_tac_toe", play=play_of(episodes=3, sampled=None, log=None))
    assert found.rows == 3
    with pytest.raises(
        ConfigError, match="sampled= is for an environment, and game:tic_tac_toe is a game for two; leave it"
    ):
        run.evaluation("game:tic_tac_toe", play=play_of(episodes=3, sampled=True, log=None))
    folder = tmp_path / "run" / "evaluation" / "test"
    assert [game["network"] for game in read_json(folder / "played.json")["games"]] == [0, 1]
    held = read_json(folder / "openings.json")
    assert held["games"] == sum(line["games"] for line in held["lines"]) > 0
    policies = read_json(folder / "baseline.json")["policies"]
    assert [len(each["score"]) for each in policies] == [2, 2]
    best = max(sum(each["score"]) / 2 for each in policies)
    assert run.result["baseline"]["score"] == best
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "data-games=" in page
    assert "const plays =" in page
    assert "a random player" in page
