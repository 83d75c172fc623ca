"""What a page says of a run that acts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sonde.core.playing import UNTRAINED
from sonde.report.acted import against_each, experience_lines, long_enough, of_returns
from sonde.report.folder import Reading, read_folder
from sonde.report.judged import score_of
from sonde.report.plain_policies import beside_policies, policies

RANDOM = {"what": "a random policy", "return": [20.0, 22.0, 24.0, 22.0]}
CONSTANT = {"what": "always action 0", "return": [9.0, 9.0, 10.0, 9.0]}


def run_of(
    tmp_path: Path,
    returns: list[float],
    *,
    goal: float | None = 475.0,
    policies_of: Any = (RANDOM, CONSTANT),
    why: str = "",
) -> Reading:
    mean = float(np.mean(returns))
    best = max((float(np.mean(each["return"])) for each in policies_of), default=None)
    result = {
        "status": "finished", "steps": 320, "task": "ppo", "headline": "return", "objective": {"metric": "return", "mode": "max"},
        "metrics": {"validation": {"return": mean}, "test": {"return": mean}}, "best": {"step": 9, "value": mean},
        "baseline": {} if best is None else {"return": best, "what": "a random policy"},
        "experience": {"environment_steps": 8192, "per_s": 3489.0, "train_return": 59.5},
        "goals": {} if goal is None else {"return": goal}, "seconds": {"total": 10.0},
    }  # fmt: skip
    folder = tmp_path / "evaluation" / "test"
    folder.mkdir(parents=True)
    (tmp_path / "config.yaml").write_text("settings: {task: ppo}\n")
    (tmp_path / "data.json").write_text(json.dumps({"splits": {"test": len(returns)}}))
    (tmp_path / "result.json").write_text(json.dumps(result))
    columns = {"return": returns, "length": returns}
    sums = {"unit": "episodes", "rows": len(returns), "index": None, "columns": columns}
    for name, held in {
        "metrics": {"return": mean}, "episodes": columns, "sums": sums,
        "baseline": {"policies": list(policies_of), "why": why or ("" if policies_of else "why")},
    }.items():  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps(held))
    return replace(read_folder(tmp_path), row=("episode", "episodes"))


def told(run: Reading, trouble: str = "") -> tuple[str, str]:
    score = score_of(run)
    assert score is not None
    found = of_returns(run, score, trouble)
    assert found is not None
    return found[1], found[2]


def test_a_policy_stands_beside_the_episodes_of_the_log_it_learned_from(tmp_path: Path) -> None:
    run = run_of(tmp_path, [90.0, 100.0, 110.0, 100.0], goal=None)
    assert "log" not in told(run)[1]
    scores = {"return": 100.0, "return_std": 7.0}

    def beside(value: float) -> tuple[str, str]:
        log = {"what": "the log's own episodes", "value": value, "std": 10.0, "count": 60}
        return told(replace(run, result={**run.result, "references": {"return": log}, "metrics": {"test": scores}}))

    answer, why = beside(150.0)
    assert answer == "Partly"
    assert why.endswith("; the log's own episodes 150.0 on average over 60, which is more.")
    assert beside(101.0)[0] == "Yes"
    assert beside(101.0)[1].endswith("101.0 on average over 60: no difference beyond chance.")
    assert beside(20.0)[1].endswith("20.00 on average over 60, which is less.")


def test_what_reached_the_mark_is_told_beside_a_random_policy(tmp_path: Path) -> None:
    answer, why = told(run_of(tmp_path, [500.0] * 4))
    assert answer == "Yes"
    assert why == (
        "It returns 500.0 on average over 4 test episodes, a random policy 22.00, and has reached 475, from which the "
        "environment counts as solved."
    )


@pytest.mark.parametrize(
    ("returns", "answer", "words"),
    [
        ([168.0, 170.0, 166.0], "Partly", "it has not reached 475"),
        ([22.0, 25.0, 19.0, 24.0], "Not clearly", "not a difference beyond chance"),
        ([9.0, 9.5, 10.0, 9.0], "No", "which is more"),
    ],
)
def test_what_did_not(tmp_path: Path, returns: list[float], answer: str, words: str) -> None:
    found, why = told(run_of(tmp_path, returns))
    assert found == answer
    assert words in why


def test_without_a_mark_more_than_chance_is_enough_unless_the_checks_warn(tmp_path: Path) -> None:
    run = run_of(tmp_path, [168.0, 170.0, 166.0], goal=None)
    assert told(run)[0] == "Yes"
    assert told(run, "the checks warn")[0] == "Partly"


def test_two_episodes_tell_no_difference_from_chance(tmp_path: Path) -> None:
    answer, why = told(run_of(tmp_path, [168.0, 170.0], goal=None))
    assert answer == "Not known"
    assert "too few episodes to tell a difference from chance" in why


def test_without_a_baseline_it_says_why(tmp_path: Path) -> None:
    answer, why = told(run_of(tmp_path, [500.0] * 6, policies_of=()))
    assert answer == "Yes"
    assert "there is no baseline: why, and has reached 475" in why


def test_fewer_episodes_of_the_baseline_are_compared_with_the_same_ones_of_the_run(tmp_path: Path) -> None:
    """Its first four return as much; of the others, which the baseline did not play, it returns less."""
    answer, why = told(run_of(tmp_path, [20.0, 22.0, 24.0, 22.0, 0.0, 0.0, 1.0, 0.0], goal=None))
    assert answer == "Not clearly"
    assert why == (
        "It returns 11.12 on average over 8 test episodes; on 4 of them it returns 22.00, and a random policy 22.00: not a "
        "difference beyond chance."
    )


def test_two_pairs_tell_nothing_and_what_was_not_played_is_said(tmp_path: Path) -> None:
    two = {"what": "a random policy", "return": [90.0, 91.0]}
    run = run_of(tmp_path, [1.0, 2.0, 3.0, 4.0], goal=None, policies_of=[two], why="no constant action was tried")
    answer, why = told(run)
    assert answer == "Not known"
    assert "and a random policy 90.50 (no constant action was tried): too few episodes" in why


def test_how_training_went(tmp_path: Path) -> None:
    (line,) = experience_lines(run_of(tmp_path, [500.0] * 6))
    assert line == (
        "While training",
        "8,192 steps of the environment, 3,489 a second, 0.039 updates for each; its last 100 episodes returned 59.50 on "
        "average, exploring.",
    )


def test_it_was_long_enough_where_the_mark_is_reached(tmp_path: Path) -> None:
    assert long_enough(run_of(tmp_path / "a", [500.0] * 6), "its steps ended")[0] == "Yes"
    assert long_enough(run_of(tmp_path / "b", [300.0] * 6), "its steps ended")[0] == "Perhaps not"
    unlearned = long_enough(run_of(tmp_path / "c", [22.0] * 6, goal=None), "its steps ended", learned=False)
    assert unlearned == (
        "Perhaps not",
        "it had not been found better than a policy that knows nothing when its steps ended",
    )


def test_whether_it_was_long_enough_is_not_known_where_nothing_was_evaluated(tmp_path: Path) -> None:
    run = run_of(tmp_path, [22.0] * 6, goal=None)
    run = replace(run, evaluations=[], result={**run.result, "metrics": {"train": {"loss": 0.1}}})
    found = long_enough(run, "the time limit ended it", learned=False)
    assert found == ("Not known", "no evaluation had come to a figure when the time limit ended it")


@pytest.mark.parametrize(
    ("returns", "answer", "words"),
    [
        (
            [0.7, 0.85, 0.9, 0.9],
            "Perhaps not",
            "was highest at environment step 300, which only one evaluation followed before",
        ),
        ([0.7, 0.9, 0.9, 0.85], "Yes", "was highest at environment step 200 and not higher at the 2 evaluations since"),
        ([*range(13), 0, 0], "Perhaps not", "which only 2 evaluations followed before"),
    ],
)
def test_one_evaluation_after_the_best_is_no_sign_of_an_end(
    tmp_path: Path, returns: list[float], answer: str, words: str
) -> None:
    kinds = {"kind": "evaluation", "split": "validation", "seconds": 0.1}
    lines = [{**kinds, "step": 100 * at, "metrics": {"return": value}} for at, value in enumerate(returns, 1)]
    lines += [{"kind": "step", "step": each["step"], "environment_steps": each["step"], "loss": 1.0} for each in lines]
    run = run_of(tmp_path, [1.0] * 6, goal=None)
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    found, why = long_enough(replace(read_folder(tmp_path), row=run.row), "its steps ended")
    assert found == answer
    assert words in why


def test_episodes_of_training_that_ended_are_counted(tmp_path: Path) -> None:
    run = run_of(tmp_path, [500.0] * 6)
    run.result["experience"]["episodes"] = 9
    assert "; its 9 episodes that ended returned 59.50 on average" in experience_lines(run)[0][1]


def test_scores_of_games_stand_beside_players_that_have_learned_nothing(tmp_path: Path) -> None:
    known = [
        {"what": "a random player", "score": [0.0, 0.5, 0.0, 0.0]},
        {"what": "untrained", "score": [0.5, 0.0, 1.0, 0.5]},
    ]
    matches = {"random": {"wins": 9, "draws": 1, "losses": 0}, "minimax": {"wins": 0, "draws": 9, "losses": 1}}
    details = {"baseline": {"policies": known}, "matches": matches}
    assert [each.what for each in policies(details)] == ["a random player", "untrained"]
    found = beside_policies(details, "score", 0.7 - 0.5)
    assert found is not None
    assert found.low < 0.2 < found.high
    assert beside_policies(details, "length", 0.0) is None
    assert beside_policies({"baseline": {"policies": known}}, "score", 0.2) is None
    run = run_of(tmp_path, [0.0, 1.0, 1.0])
    run = replace(run, row=("game", "games"), evaluated={"test": details}, units={"score": "of a game"})
    result = {"metrics": {"test": {"score": 0.7}}, "headline": "score", "objective": None}
    run = replace(run, result={**run.result, **result, "baseline": {"score": 0.5, "what": "untrained"}, "goals": {}})
    score = score_of(run)
    assert score is not None
    assert score.higher is True  # as its task says what it is; of anybody's "score" nobody knows
    told = of_returns(run, score, "")
    assert told is not None
    assert "It scores 0.7000 on average over 20 test games, untrained 0.5000" in told[2]
    unknown = score_of(replace(run, units={}))
    assert unknown is not None
    assert unknown.higher is None


@pytest.mark.parametrize(
    ("games", "why", "answer"),
    [
        (20, "", "Yes"),
        (2, "", "Not clearly"),  # two games of each match, lost and drawn, are no Yes
        (20, f"{UNTRAINED} is left out: its first games do not end in 3 s", "Not known"),
    ],
)
def test_a_baseline_of_few_games_or_without_the_untrained_network_is_no_yes(
    games: int, why: str, answer: str, tmp_path: Path
) -> None:
    scores, met = [0.0, 0.5] * games, ["random", "random", "minimax", "minimax"] * (games // 2)
    known = [{"what": "a random player", "score": scores, "opponent": met}]
    matches = {"random": {"wins": 15, "draws": 5, "losses": 0}, "minimax": {"wins": 0, "draws": 12, "losses": 8}}
    details = {"baseline": {"policies": known, "why": why}, "matches": matches}
    run = run_of(tmp_path, [0.0, 1.0, 1.0])
    result = {"metrics": {"test": {"score": 0.5875}}, "headline": "score", "objective": None, "goals": {}}
    result["baseline"] = {"score": 0.25, "what": "a random player"}
    run = replace(run, row=("game", "games"), evaluated={"test": details}, units={"score": "of a game"})
    run = replace(run, result={**run.result, **result})
    score = score_of(run)
    assert score is not None
    found = of_returns(run, score, "")
    assert found is not None
    assert found[1] == answer
    assert why in found[2]


def test_what_perfect_play_allows_is_not_said_of_games_that_none_draws(tmp_path: Path) -> None:
    run, told = run_of(tmp_path, [0.0, 1.0, 1.0]), []
    for draws in (5, 0):
        match = {"draws": draws, "score": {"value": 0.25}}
        told.append(against_each(replace(run, evaluated={"test": {"matches": {"minimax": match}}}), "test"))
    assert ["0.5 is the most" in each for each in told] == [True, False]
