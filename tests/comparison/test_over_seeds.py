"""Policies in one environment beside one another, whatever their task, and what their seeds tell."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sonde.comparison.members import members_of
from sonde.comparison.over_seeds import seeds_columns, seeds_rows, seeds_told
from sonde.comparison.result import compare_runs, written
from sonde.comparison.return_curves import missing, return_figures
from sonde.comparison.rows import cost_columns, cost_rows
from sonde.comparison.units import families
from sonde.comparison.words import cautions
from sonde.core.errors import ConfigError
from sonde.metrics.intervals import student, welch
from sonde.screen.screen import Screen
from tests.comparison.acting_runs import acted


@pytest.fixture
def runs(tmp_path: Path, make_run: Callable[..., Path]) -> Path:
    """PPO and DQN in one environment, three seeds each; PPO once in another, and once in episodes of other lengths."""
    for seed, (ppo, dqn) in enumerate(((100.0, 70.0), (80.0, 50.0), (90.0, 85.0))):
        acted(make_run, tmp_path / f"ppo-{seed}", task="ppo", seed=seed, score=ppo)
        acted(make_run, tmp_path / f"dqn-{seed}", task="dqn", seed=seed, score=dqn, per_step=2)
    acted(make_run, tmp_path / "cart", task="ppo", environment="gym:Cart-v1", score=-5.0)
    acted(make_run, tmp_path / "short", task="ppo", score=50.0, settings={"max_episode_steps": 60})
    return tmp_path


def test_tasks_of_one_environment_are_one_family_and_environments_are_apart(runs: Path) -> None:
    found = families(members_of([runs]))
    names = [(family.members[0].source, [unit.name for unit in family.units]) for family in found]
    assert names[0] == ("gym:Pole-v1", ["ppo (3 seeds)", "dqn (3 seeds)"])
    assert sorted(names[1:]) == [("gym:Cart-v1", ["cart"]), ("gym:Pole-v1, --max-episode-steps 60", ["short"])]


def test_two_environments_alone_are_refused(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    acted(make_run, tmp_path / "a", task="ppo")
    acted(make_run, tmp_path / "b", task="ppo", environment="gym:Cart-v1")
    with pytest.raises(ConfigError, match="compare runs in one environment"):
        compare_runs([tmp_path])


@pytest.mark.parametrize("environment", ["gym:Pole-v1", "env:shop:Inventory", "atari:pong"])
def test_what_learned_from_a_log_is_scored_beside_what_acted(
    environment: str, tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    acted(make_run, tmp_path / "a", task="ppo", environment=environment)
    acted(make_run, tmp_path / "b", task="cloning", score=60.0, log=True, environment=environment)
    (family,) = families(members_of([tmp_path]))
    assert [unit.name for unit in family.units] == ["a", "b"]
    assert [(row[3], row[6]) for row in cost_rows(family)] == [("320", "320 steps, 4.0 s"), ("none, from a log", "")]
    steps, time = return_figures(family)
    assert (steps.svg.count("data-key"), time.svg.count("data-key")) == (1, 2)


def test_seeds_of_other_logs_are_not_taken_together(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    for seed, name in enumerate(("expert", "poor")):
        acted(make_run, tmp_path / name, task="cloning", seed=seed, score=60.0 - seed, log=True)
    same = {"same.npz": "1"}
    for seed in (0, 1):
        folder = acted(make_run, tmp_path / f"same-{seed}", task="cloning", seed=seed, score=50.0 + seed, log=True)
        data = json.loads((folder / "data.json").read_text())
        (folder / "data.json").write_text(json.dumps({**data, "fingerprint": same}))
    (family,) = families(members_of([tmp_path]))
    assert [unit.seeds for unit in family.units] == [["0"], ["1"], ["0", "1"]]


def test_seeds_of_tasks_are_no_pairs(runs: Path) -> None:
    found = compare_runs([runs])
    family, difference = found.families[0], found.differences[0]["dqn (3 seeds)"]
    ppo, dqn = family.scored
    assert ppo.interval == student([100.0, 80.0, 90.0])
    assert (difference.how, difference.interval) == ("3 and 3 seeds", welch(dqn.values, ppo.values))


def test_the_table_over_seeds(runs: Path) -> None:
    family = families(members_of([runs]))[0]
    ppo, dqn = seeds_rows(family)
    assert seeds_columns(family)[-1] == "better than ppo (3 seeds)"
    assert (ppo.seeds, ppo.iqm, ppo.median, ppo.lowest, ppo.highest, ppo.better) == (
        "3", "90.00", "90.00", "80.00", "100.0", "",
    )  # fmt: skip
    assert dqn.median == "70.00"
    assert dqn.better.startswith("11 % (")  # 85 beats 80 alone, of nine pairs
    low, high = map(float, ppo.interval.split(" to "))
    assert low == 80
    assert high == 100
    assert "3 seeds are few" in seeds_told(family)
    assert all(seeds_rows(other) == [] for other in families(members_of([runs]))[1:])


def test_costs_are_in_steps_of_the_environment_and_tell_when_it_was_solved(runs: Path) -> None:
    family = families(members_of([runs]))[0]
    assert cost_columns(family)[3] == "environment steps"
    found = {row[0]: (row[3], row[6]) for row in cost_rows(family)}
    assert found["ppo-0"] == ("320", "320 steps, 4.0 s")
    assert found["ppo-1"] == ("320", "never")
    assert found["dqn-2"] == ("80", "never")


def test_curves_are_over_steps_of_the_environment_with_bands_of_three_seeds(runs: Path) -> None:
    family = families(members_of([runs]))[0]
    figures = return_figures(family)
    assert [figure.title for figure in figures] == [
        "Return in evaluations, by environment steps",
        "Return in evaluations, by time",
    ]
    svg = str(figures[0].svg)
    assert svg.count('band"') == 2
    assert len(re.findall(r'class="c[12]"', svg)) == 2
    assert float(re.findall(r'data-across="(\S+) (\S+)', svg)[0][1]) == pytest.approx(320, rel=0.1)
    other = families(members_of([runs]))[1]
    assert "band" not in str(return_figures(other)[0].svg)


def test_where_evaluations_are_few_returns_of_training_are_drawn(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    for name, seldom in (("a", "yes"), ("b", "yes"), ("c", "silent")):
        acted(make_run, tmp_path / "runs" / name, task="ppo", score=60.0, seldom=seldom, settings={"lr": ord(name)})
    (family,) = families(members_of([tmp_path / "runs"]))
    (figure,) = return_figures(family)
    assert figure.title == "Mean return of the last episodes of training (up to 100), by environment steps"
    assert figure.svg.count("data-key") == 2
    assert figure.caption.startswith("No run was evaluated often enough while it trained for a curve: --evaluate")
    assert missing(family) == ""

    written(compare_runs([tmp_path / "runs"]), tmp_path / "c.html")
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert "Mean return of the last episodes of training (up to 100)" in page
    for name in ("d", "e"):
        acted(make_run, tmp_path / "silent" / name, task="ppo", seldom="silent", settings={"lr": ord(name)})
    written(compare_runs([tmp_path / "silent"]), tmp_path / "d.html")
    page = (tmp_path / "d.html").read_text(encoding="utf-8")
    assert "There are no curves. No run was evaluated often enough while it trained" in page


def test_returns_of_training_are_drawn_too_where_some_runs_were_evaluated_seldom(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    acted(make_run, tmp_path / "some" / "a", task="ppo", score=60.0, seldom="yes")
    acted(make_run, tmp_path / "some" / "b", task="dqn", score=50.0)
    (family,) = families(members_of([tmp_path / "some"]))
    trained, *evaluated = return_figures(family)
    assert [figure.svg.count("data-key") for figure in evaluated] == [2, 2]
    assert [figure.svg.count("<circle") for figure in evaluated] == [
        1,
        1,
    ]  # of the one that was evaluated at its end alone
    assert "Dots are evaluations of runs that have too few" in evaluated[0].caption
    assert trained.caption.startswith("Some runs were evaluated too seldom while they trained")
    assert "data-key" in trained.svg
    for task in ("ppo", "dqn"):
        acted(make_run, tmp_path / "often" / task, task=task)
    (family,) = families(members_of([tmp_path / "often"]))
    assert len(return_figures(family)) == 2


def test_evaluations_at_the_end_alone_make_no_curve(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    for task in ("ppo", "dqn"):
        folder = acted(make_run, tmp_path / task, task=task, seldom="yes")
        lines = (folder / "metrics.jsonl").read_text().splitlines()
        trained, evaluated = (json.loads(line) | {"step": 39} for line in lines[-2:])
        lines[-2:-2] = [json.dumps(each) for each in ({**trained, "environment_steps": 310}, evaluated)]
        (folder / "metrics.jsonl").write_text("\n".join(lines))
    (figure,) = return_figures(families(members_of([tmp_path]))[0])
    assert figure.title.startswith("Mean return of the last episodes of training")


def test_other_experience_is_to_be_minded(runs: Path, tmp_path: Path, make_run: Callable[..., Path]) -> None:
    members = members_of([runs])
    told = [text for text in cautions(families(members), members) if "experience" in text]
    assert told == [
        "Not the same experience: ppo (3 seeds) took 320 steps of the environment, dqn (3 seeds) 80; a difference may come of "
        "that. To compare methods, give each the same --environment-steps."
    ]
    for task, per_step in (("ppo", 8), ("dqn", 9)):
        acted(make_run, tmp_path / task, task=task, per_step=per_step)
    members = members_of([tmp_path / "ppo", tmp_path / "dqn"])
    assert not [text for text in cautions(families(members), members) if "experience" in text]


def test_the_page_and_the_screen_have_both(runs: Path) -> None:
    shown = io.StringIO()
    found = written(compare_runs([runs]), runs / "c.html")
    found.show(Screen(file=shown))
    assert "over seeds" in shown.getvalue()
    assert "better than ppo (3 seeds)" in shown.getvalue()
    page = (runs / "c.html").read_text()
    assert "Over seeds" in page
    assert "solved after" in page
    assert "acting in gym:Pole-v1" in page


@pytest.mark.parametrize(("lowest", "highest", "ends"), [(0.0, 1.0, (0.0, None)), (-1.0, 1.0, (None, None))])
def test_the_interval_of_returns_ends_where_rewards_of_one_sign_do(
    lowest: float,
    highest: float,
    ends: tuple[float | None, float | None],
    tmp_path: Path,
    make_run: Callable[..., Path],
) -> None:
    rewards = {"reward_lowest": lowest, "reward_highest": highest}
    scores = (9.0, 11.0, 40.0)
    for seed, score in enumerate(scores):
        acted(make_run, tmp_path / f"a-{seed}", task="a2c", seed=seed, score=score, rewards=rewards)
        acted(make_run, tmp_path / f"b-{seed}", task="ppo", seed=seed, score=200.0 + score, rewards=rewards)
    (family,) = families(members_of([tmp_path]))
    found = next(unit.interval for unit in family.units if unit.name.startswith("a2c"))
    known = student(scores)
    assert found is not None
    assert (found.low, found.high) == tuple(
        end if cut is None else cut for end, cut in zip((known.low, known.high), ends, strict=True)
    )
    assert known.low < 0
