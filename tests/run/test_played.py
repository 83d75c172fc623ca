"""What a run that acted is compared with."""

import signal
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from sonde.acting.seeds import SeedRows
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.plain import plain_players
from sonde.core.errors import DataError
from sonde.core.files import read_json, write_json
from sonde.core.playing import Playing, SearchPlan
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Abilities
from sonde.engine.clock import Clock
from sonde.engine.signals import StopRequest
from sonde.run import played
from sonde.run.played import (
    difference_of_returns,
    experience_of,
    experience_taken,
    matched_baseline,
    played_baseline,
    sure_of,
    while_played,
    without_baseline,
)
from tests.acting.small_environments import Corridor


def rows(make, number: int = 4) -> SeedRows:
    return SeedRows(make=make, encode=np.asarray, split="test", number=number)


class Long(Corridor):
    """Steps that cost nothing, `length` of them."""

    def __init__(self, length: int) -> None:
        super().__init__(1)
        self._length = length

    def _shown(self) -> np.ndarray:
        return np.zeros(1, np.float32)


def test_all_policies_are_kept_and_the_better_one_is_the_baseline(tmp_path: Path) -> None:
    found = played_baseline(rows(Corridor), tmp_path, seed=0)
    assert found == {"return": 3.0, "length": 3.0, "policy": "a random policy", "what": "a random policy"}
    held = read_json(tmp_path / "baseline.json")
    assert [each["what"] for each in held["policies"]] == ["a random policy", "always action 0"]
    assert held["policies"][0]["return"] == [3.0] * 4


def test_fewer_episodes_than_there_are_seeds_are_said(tmp_path: Path) -> None:
    found = played_baseline(rows(lambda: Long(9_000), number=4), tmp_path, seed=0)
    assert found["what"] == "a random policy, on the first 3 of 4 episodes"


def test_what_the_run_returned_on_the_same_seeds_stands_beside(tmp_path: Path) -> None:
    """The last seed of four, which the baseline has not played, makes the mean of the run."""
    write_json(tmp_path / "episodes.json", {"index": [0, 1, 2, 3], "return": [9.0, 9.0, 9.0, -99.0]})
    found = played_baseline(rows(lambda: Long(9_000), number=4), tmp_path, seed=0)
    assert found["what"] == "a random policy, on the first 3 of 4 episodes, where this run returns 9.000"


def test_an_environment_that_fails_costs_the_baseline_and_not_the_run(tmp_path: Path) -> None:
    class Broken(Corridor):
        def step(self, action):
            raise DataError("mine: seed 0, step 1: step raised KeyError")

    assert played_baseline(rows(Broken), tmp_path, seed=0) == {}
    assert "the environment failed under random actions" in read_json(tmp_path / "baseline.json")["why"]


def test_episodes_that_never_end_are_given_up_and_said(tmp_path: Path) -> None:
    assert played_baseline(rows(lambda: Long(10**9)), tmp_path, seed=0) == {}
    assert read_json(tmp_path / "baseline.json")["why"].startswith(
        "not one episode of a random policy ended within 40,000 steps"
    )


def test_without_time_for_a_game_there_is_no_baseline_and_that_is_said(tmp_path: Path) -> None:
    rows = GameRows(name="tic_tac_toe", seed=1, number=2, longest=9, opponents=("random",))
    plan = SearchPlan(kind="puct", simulations=2, considered=2)
    playing = Playing(
        judge=lambda seen: (torch.zeros(len(seen), 9), torch.zeros(len(seen))), plan=plan, earlier=lambda: None
    )
    task = SimpleNamespace(abilities=Abilities(playing=playing))
    assert matched_baseline(rows, task, torch.device("cpu"), tmp_path, seconds=0.0) == {}  # type: ignore[arg-type]
    assert "ended in time (0 s for all)" in read_json(tmp_path / "baseline.json")["why"]
    found = matched_baseline(rows, task, torch.device("cpu"), tmp_path)  # type: ignore[arg-type]
    [only] = read_json(tmp_path / "baseline.json")["policies"]
    assert (found["what"], found["score"]) == ("a random player", sum(only["score"]) / 2)
    assert only["opponent"] == ["random", "random"]


def test_games_of_an_earlier_end_of_the_run_stand_where_a_later_one_has_less_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = GameRows(name="tic_tac_toe", seed=1, number=4, longest=9, opponents=("random", "one-ply"))
    plan = SearchPlan(kind="puct", simulations=2, considered=2)
    even: Any = lambda seen: (torch.zeros(len(seen), 9), torch.zeros(len(seen)))  # noqa: E731
    task: Any = SimpleNamespace(
        abilities=Abilities(playing=Playing(judge=even, plan=plan, earlier=lambda: None, untrained=lambda: even))
    )
    first = matched_baseline(rows, task, torch.device("cpu"), tmp_path)
    written = read_json(tmp_path / "baseline.json")
    again = matched_baseline(rows, task, torch.device("cpu"), tmp_path, seconds=0.0)
    assert again == {**first, "what": f"{first['what']}, as played before the run went on"}
    assert read_json(tmp_path / "baseline.json") == written
    few = plain_players(replace(rows, number=2), task.abilities.playing, torch.device("cpu"))
    monkeypatch.setattr(played, "plain_players", lambda *args, **given: few)
    assert matched_baseline(rows, task, torch.device("cpu"), tmp_path)["what"].endswith("before the run went on")
    assert read_json(tmp_path / "baseline.json") == written
    monkeypatch.undo()
    for other in (
        replace(rows, seed=2),
        replace(rows, opponents=("random",)),
        replace(rows, opponents=("one-ply", "mcts-2")),
    ):
        write_json(tmp_path / "baseline.json", written)
        assert matched_baseline(other, task, torch.device("cpu"), tmp_path, seconds=0.0) == {}  # of other matches


def test_a_player_that_had_no_time_for_a_game_is_named(tmp_path: Path) -> None:
    rows = GameRows(name="tic_tac_toe", seed=1, number=2, longest=9, opponents=("random",))

    def slow(seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        time.sleep(0.3)
        return torch.zeros(len(seen), 9), torch.zeros(len(seen))

    plan = SearchPlan(kind="puct", simulations=2, considered=2)
    playing = Playing(judge=slow, plan=plan, earlier=lambda: None, untrained=lambda: slow)
    task = SimpleNamespace(abilities=Abilities(playing=playing))
    found = matched_baseline(rows, task, torch.device("cpu"), tmp_path, seconds=0.1)  # type: ignore[arg-type]
    assert found["what"].startswith(
        "a random player; the untrained network with the same search is left out: its first games"
    )
    held = read_json(tmp_path / "baseline.json")
    assert [each["what"] for each in held["policies"]] == ["a random player"]
    assert held["why"] in found["what"]


class Source:
    figures = {"environment_steps": 300, "train_return": 7.0}  # noqa: RUF012
    seconds = {"environment": 0.0, "policy": 0.0}  # noqa: RUF012


def test_steps_and_seconds_of_the_environments_stand_in_the_result() -> None:
    clock, source = Clock(), Source()
    seconds = {"environment": 0.0, "policy": 0.0}
    clock.follow(seconds)
    seconds["environment"] += 1.0
    clock.spent["input"], clock.spent["step"], clock.spent["optimizer"] = 2.0, 2.5, 0.5
    found = experience_taken(source, clock)["experience"]  # type: ignore[arg-type]
    assert found["environment_steps"] == 300
    assert found["per_s"] == pytest.approx(60)
    assert found["train_return"] == 7.0
    assert found["seconds"] == {"environment": 1.0, "policy": 0.0, "learning": 3.0}


def test_games_and_their_moves_stand_in_the_result_of_self_play() -> None:
    clock, source = Clock(), SimpleNamespace(figures={"games": 30.0, "moves": 200.0, "draws": 0.5})
    clock.spent["input"], clock.spent["step"] = 1.5, 0.5
    taken = experience_of(source, clock)  # type: ignore[arg-type]
    assert taken is not None
    assert (taken.games, taken.steps) == (30, 200)
    told = experience_taken(source, clock)  # type: ignore[arg-type]
    assert list(told) == ["self_play"]
    assert told["self_play"] | {"seconds": None} == {
        "moves": 200, "per_s": 100.0, "games": 30.0, "draws": 0.5, "seconds": None
    }  # fmt: skip


def test_a_source_of_rows_has_no_experience() -> None:
    assert experience_of(object(), Clock()) is None  # type: ignore[arg-type]
    assert experience_taken(object(), Clock()) == {}  # type: ignore[arg-type]


def test_the_difference_from_the_baseline_is_that_of_the_report(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    result: dict[str, Any] = {
        "headline": "return", "metrics": {"test": {"return": 2.0}}, "baseline": {"return": 3.0, "what": "a random policy"},
    }  # fmt: skip
    assert difference_of_returns(folder, "test", result) is None  # nothing was played
    place = folder.evaluation / "test"
    place.mkdir(parents=True)
    write_json(place / "episodes.json", {"return": [1.0, 2.0, 3.0]})
    played_baseline(rows(Corridor), place, seed=0)
    found = difference_of_returns(folder, "test", result)
    assert found is not None
    # 1, 2 and 3 beside 3 each, by the better of two policies: a standard error of 0.577, times 4.303 and 6.205
    assert (found.low, found.high) == pytest.approx((-3.484, 2.583), abs=1e-3)
    assert not sure_of(folder, "test", "return")
    assert difference_of_returns(folder, "test", {**result, "baseline": {}}) is None


def test_that_there_is_no_baseline_is_said_with_why(tmp_path: Path) -> None:
    result: dict[str, Any] = {"headline": "return", "baseline": {}, "lengths": {"time_limit": "20s"}}
    assert without_baseline(tmp_path, result) == []  # of what is not played
    write_json(tmp_path / "baseline.json", {"policies": [], "why": "not one episode ended"})
    [found] = without_baseline(tmp_path, result)
    assert (found.severity, found.evidence, found.action) == (
        "note",
        "not one episode ended",
        "give a longer --time-limit",
    )
    write_json(tmp_path / "baseline.json", {"policies": [{}], "why": "no constant action was tried"})
    [found] = without_baseline(tmp_path, {**result, "baseline": {"return": 3.0}})
    assert (found.check, found.severity, found.evidence) == ("baseline in part", "note", "no constant action was tried")
    write_json(tmp_path / "baseline.json", {"policies": [{}], "why": ""})
    assert without_baseline(tmp_path, {**result, "baseline": {"return": 3.0}}) == []


def test_a_baseline_that_is_played_shows_progress_and_heeds_a_stop(tmp_path: Path) -> None:
    told, request = [], StopRequest()
    leave_off = while_played(request, lambda label, done, of: told.append((label, done)))
    place = tmp_path / "test"
    place.mkdir()
    write_json(place / "episodes.json", {"return": [1.0, 2.0, 3.0]})
    played_baseline(rows(Corridor), place, seed=0, leave_off=leave_off)
    assert [done for _, done in told] == list(range(1, len(told) + 1))
    assert {label for label, _ in told} == {"playing the baseline, step"}
    assert not leave_off()
    request.number = signal.SIGTERM
    assert leave_off()
