"""What a time limit is spent on: everything that a run does is inside it, and what it cuts short is said."""

import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

import sonde
from sonde.core.errors import ConfigError
from sonde.core.files import read_json
from sonde.core.seams import Abilities
from sonde.engine.clock import Clock
from sonde.engine.evaluate import EvaluationBudget
from sonde.engine.json_lines import read_lines
from sonde.engine.plan import ExecutionPlan
from sonde.run import computing, time_plan
from sonde.run import time_limit as module
from sonde.run.time_limit import after_seconds, tuner_affordable

QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "device": "cpu"}


def rows(count: int) -> tuple[Tensor, Tensor]:
    x = torch.linspace(-1, 1, count).unsqueeze(1)
    return x, 3 * x - 1


class SlowToJudge(nn.Module):
    """A millisecond for each row that is evaluated; training is quick."""

    def __init__(self, row_s: float = 1e-3) -> None:
        super().__init__()
        self.linear, self.row_s = nn.Linear(1, 1), row_s

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            time.sleep(self.row_s * len(x))
        return self.linear(x)


def test_an_evaluation_that_would_take_too_long_says_how_many_rows_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """4,000 rows of a millisecond each do not fit into 3 s: a part of them is evaluated, spread over all."""
    begun = time.perf_counter()
    run = sonde.fit(
        SlowToJudge(), rows(256), validation=rows(4000), loss=mse_loss, out=tmp_path / "run", time_limit="3s",
        evaluate_every="1000000 steps", **dict(QUIET, quiet=False),
    )  # fmt: skip
    assert time.perf_counter() - begun < 3 + 2
    part = run.result["evaluated"]["validation"]
    assert part["of"] == 4000
    assert 200 < part["rows"] < 3000
    findings = [line for line in read_lines(run.folder / "findings.jsonl") if line["check"] == "partial evaluation"]
    assert f"evaluated validation on {part['rows']:,} of 4,000 rows, evenly spaced" in findings[-1]["evidence"]
    out = capsys.readouterr().out
    assert f"on {part['rows']:,} of 4,000 rows" in out
    assert re.search(r"s are kept for evaluation, enough for about \d+% of the rows", out)


def test_an_evaluation_that_fits_is_whole(tmp_path: Path) -> None:
    run = sonde.fit(
        SlowToJudge(1e-5),
        rows(256),
        validation=rows(300),
        loss=mse_loss,
        out=tmp_path / "run",
        time_limit="3s",
        **QUIET,
    )
    assert run.result["evaluated"] == {}
    assert run.result["ended_by"] == "time_limit"
    without = [line for line in read_lines(run.folder / "findings.jsonl") if "evaluation" in line["check"]]
    assert without == []


def test_a_step_that_is_longer_than_what_is_left_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Slow(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            time.sleep(0.35 * len(input) / 64)
            return super().forward(input)

    given: dict[str, Any] = {"batch_size": 512, "out": tmp_path / "run", "time_limit": "0.5s", **QUIET, "quiet": False}
    run = sonde.fit(Slow(1, 1), rows(512), loss=mse_loss, **given)
    assert run.result["steps"] == 1
    assert "the run took " in (out := capsys.readouterr().out)
    assert " of 0.5s: " in out
    assert "1 step of " in out


def test_a_limit_that_is_shorter_than_the_start_is_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run ends at once, late by less than what is otherwise worth a word."""
    given: dict[str, Any] = {"out": tmp_path / "run", "time_limit": "0.001s", **QUIET, "quiet": False}
    sonde.fit(nn.Linear(1, 1), rows(64), loss=mse_loss, **given)
    (found,) = [line for line in read_lines(tmp_path / "run" / "findings.jsonl") if line["check"] == "time limit"]
    assert "of 0.001s: start-up alone took " in found["evidence"]
    assert "planning " in found["evidence"]
    assert found["action"].startswith("give a longer --time-limit: ")
    assert found["action"].endswith(" of it go before the first step")
    assert "warning   time limit: the run took" in capsys.readouterr().out


def test_a_limit_far_beyond_the_steps_costs_no_planning(tmp_path: Path) -> None:
    x = torch.linspace(-1, 1, 64).unsqueeze(1)
    begun = time.process_time()
    run = sonde.fit(
        nn.Linear(1, 1),
        (x, x),
        loss=mse_loss,
        epochs=3,
        time_limit="20m",
        threads=1,
        quiet=True,
        out=str(tmp_path / "a"),
    )
    assert time.process_time() - begun < 5  # where timing steps alone took ten seconds
    assert (run.result["steps"], run.result["ended_by"]) == (3, "epochs")


def test_trial_steps_take_few_rows_of_a_long_step(tmp_path: Path) -> None:
    """A step takes 0.64 s: choosing threads and timing it on whole batches would take most of two seconds."""
    taken: list[int] = []

    class Slow(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            taken.append(len(input))
            time.sleep(1e-2 * len(input))
            return super().forward(input)

    given: dict[str, Any] = {"batch_size": 64, "out": tmp_path / "run", "time_limit": "4s", **QUIET}
    run = sonde.fit(Slow(1, 1), rows(64), loss=mse_loss, **given)
    plan = read_json(run.folder / "plan.json")
    tried = taken[: len(taken) - run.result["steps"]]
    assert tried
    assert max(tried) <= 8
    assert run.result["seconds"]["plan"] < 1
    assert "fit into 4s" in plan["steps_why"]
    assert 2 <= run.result["steps"] <= 6


@pytest.mark.slow  # its verdict is the wall clock's, which a busy machine falsifies
def test_a_run_counts_from_its_process_and_ends_in_time(tmp_path: Path) -> None:
    """Loading PyTorch, opening the data and writing the report are inside, as is what the terminal waits for."""
    begun = time.perf_counter()
    words = f"-m sonde train digits --model mlp --time-limit 8s --threads 1 --out {tmp_path / 'run'}".split()
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
    taken = time.perf_counter() - begun
    result = read_json(tmp_path / "run" / "result.json")
    assert result["seconds"]["startup"] > 0.3, done.stdout
    assert result["seconds"]["total"] < 8 + 2
    assert taken < 8 + 4  # the interpreter's end is not ours; the promise is for an idle machine


def test_threads_are_not_tried_where_others_use_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module.os, "getloadavg", lambda: (100.0, 0.0, 0.0))

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("threads were tried")

    monkeypatch.setattr(computing, "choose_threads", never)
    given = {**QUIET, "threads": None, "quiet": False}
    run = sonde.fit(nn.Linear(1, 1), rows(64), loss=mse_loss, out=tmp_path / "run", time_limit="1s", **given)
    assert "1 thread (others not timed: the processor is busy, load 100.0 on " in capsys.readouterr().out
    assert read_json(run.folder / "plan.json")["threads"] == 1


def test_the_thread_tuner_must_be_worth_its_time() -> None:
    def plan(**timed: float) -> ExecutionPlan:
        return ExecutionPlan(device="cpu", precision="fp32", threads=1, steps=1, steps_why="", threads_timed=timed)

    assert tuner_affordable(plan(), None)
    assert not tuner_affordable(plan(), 60.0)  # nothing is known of what it would take
    assert tuner_affordable(plan(**{"1": 1.0, "2": 10.0}), 60.0)
    assert not tuner_affordable(plan(**{"1": 1000.0, "2": 9000.0}), 60.0)


def test_little_of_a_short_limit_is_kept_back() -> None:
    assert after_seconds(2.0) == pytest.approx(0.12)
    assert after_seconds(60.0) == pytest.approx(1.1)
    assert after_seconds(60.0, 4.0) == pytest.approx(2.6)
    assert after_seconds(10.0, 8.0) == pytest.approx(1.1)  # a tenth of it at most


def test_a_longer_limit_is_for_the_whole_run(tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = sonde.fit(nn.Linear(1, 1), rows(256), loss=mse_loss, out=out, time_limit="1.5s", **QUIET).result
    longer = sonde.fit(nn.Linear(1, 1), rows(256), loss=mse_loss, out=out, time_limit="3s", **QUIET).result
    assert longer["steps"] > first["steps"]
    assert first["seconds"]["total"] < longer["seconds"]["total"] < 3 + 1


def test_a_limit_that_ended_a_run_is_spent_whatever_other_length_is_asked_for(tmp_path: Path) -> None:
    """What remains of it was kept for the last evaluations: a step or two more would leave those fewer rows."""
    given: dict[str, Any] = {"out": tmp_path / "run", "time_limit": "1.5s", **QUIET}
    sonde.fit(nn.Linear(1, 1), rows(256), loss=mse_loss, steps=10_000_000, **given)
    with pytest.raises(ConfigError, match=r'time_limit="1.5s": .* has already used .*, such as time_limit="20s"'):
        sonde.fit(nn.Linear(1, 1), rows(256), loss=mse_loss, steps=20_000_000, **given)


def test_games_that_a_limit_cut_off_are_said_with_a_remedy_of_games() -> None:
    limit = object.__new__(module.TimeLimit)
    limit.limit_s = 20.0
    schema = SimpleNamespace(input=SimpleNamespace(kind="none"))
    playing = SimpleNamespace(abilities=Abilities(playing=object()))  # type: ignore[arg-type]
    limit._assembly = SimpleNamespace(task=playing, dataset=None, schema=schema, train=None)  # type: ignore[assignment]
    budget = EvaluationBudget(0.0, rows=100)
    budget.stopped = True
    [found] = limit.cut_short({"validation": budget}, before=True)
    assert found.evidence.endswith(
        ", by the last weights: earlier ones were evaluated, as the curves show; so there is no figure"
    )
    assert "fewer games (--episodes, --test-episodes)" in found.action
    assert "--max-episode-steps" not in found.action
    [found] = limit.cut_short({"test": budget}, before=True)
    assert found.evidence.endswith("so there is no figure")
    [both] = limit.cut_short({"validation": budget, "test": budget})
    assert both.evidence.startswith("validation: not one of 100 rows was over when")
    assert "; test: not one of 100 rows was over when" in both.evidence
    budget.told = True
    assert limit.cut_short({"validation": budget}) == []
    assert limit.parts({"test": budget}) == {"test": {"rows": 0, "of": 100, "called": "rows"}}


def test_what_was_said_during_training_is_not_said_again() -> None:
    limit = object.__new__(module.TimeLimit)
    limit.limit_s = 20.0
    limit._assembly = SimpleNamespace(task=SimpleNamespace(), dataset=None)  # type: ignore[assignment]
    budget = EvaluationBudget(0.0, rows=100)
    budget.evaluated, budget.seen, budget.stopped = 8, 8, True
    assert len(limit.cut_short({"validation": budget})) == 1
    budget.told = True
    assert limit.cut_short({"validation": budget}) == []


def test_an_evaluation_tells_what_those_to_come_take() -> None:
    """10 rows were expected to take 2 s; they take 4, then 1, and of games that were cut short nothing is known but that."""
    plan = ExecutionPlan(
        device="cpu", precision="fp32", threads=1, steps=1, steps_why="", evaluation_s={"quick": 2.0, "test": 20.0}
    )
    judged: Any = SimpleNamespace(
        task=SimpleNamespace(), train=None, evaluation_sources={"validation": None, "test": None}, clock=Clock()
    )
    limit = module.TimeLimit(judged, plan, 100.0)
    planned_s = limit.deadline.training_s

    def after(took_s: float, *, evaluated: int = 10, played: bool = False) -> float:
        budget = EvaluationBudget(60.0, rows=10)
        budget.evaluated = budget.seen = evaluated
        budget.took_s, budget.played, budget.stopped = took_s, played, evaluated < 10
        limit.measured(budget)
        return limit.deadline.training_s

    assert after(4.0) < planned_s - 15
    assert after(1.0) == pytest.approx(planned_s + 11)
    assert after(0.5, evaluated=0, played=True) == pytest.approx(planned_s + 11)
    assert after(4.0, evaluated=3, played=True) < planned_s - 15


def test_a_resumed_run_keeps_what_evaluations_were_measured_to_take() -> None:
    """Until it is given another limit, for which they are estimated anew."""
    plan = ExecutionPlan(
        device="cpu", precision="fp32", threads=1, steps=1, steps_why="", evaluation_s={"quick": 2.0, "test": 20.0}
    )
    judged: Any = SimpleNamespace(
        task=SimpleNamespace(), train=None, evaluation_sources={"validation": None, "test": None}, clock=Clock()
    )

    def kept_s(*, new_limit: bool, **progress: float) -> float:
        saved: Any = SimpleNamespace(judged=False, elapsed=0.0, new_limit=new_limit, state={"progress": progress})
        return module.TimeLimit(judged, plan, 100.0, saved).deadline.kept_s

    assert kept_s(new_limit=False, evaluation_ratio=0.25) == pytest.approx(22.0 * 0.25)
    assert kept_s(new_limit=True, evaluation_ratio=0.25) == pytest.approx(22.0)
    assert kept_s(new_limit=False, evaluation_ratio=0.0) == pytest.approx(22.0)
    assert kept_s(new_limit=False) == pytest.approx(22.0)  # of an earlier version


def test_of_what_is_played_a_little_more_is_kept_than_the_last_took() -> None:
    plan = ExecutionPlan(
        device="cpu", precision="fp32", threads=1, steps=1, steps_why="", evaluation_s={"quick": 2.0, "test": 20.0}
    )
    judged: Any = SimpleNamespace(
        task=SimpleNamespace(), train=None, evaluation_sources={"validation": None, "test": None}, clock=Clock()
    )
    limit = module.TimeLimit(judged, plan, 100.0)
    budget = EvaluationBudget(60.0, rows=10)
    budget.evaluated, budget.seen, budget.took_s, budget.played = 10, 10, 1.0, True
    limit.measured(budget)
    assert limit.deadline.kept_s == pytest.approx(22.0 * 0.5 * module.LONGER)


def test_what_is_kept_for_evaluations_that_take_less_is_trained_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2.5 s were expected, of which 40 % of a limit are kept; they take next to nothing, so there is another end. The clock is
    the processor's, which others do not slow down."""
    begun = time.process_time()
    monkeypatch.setattr(Clock, "elapsed", lambda _: time.process_time() - begun)
    monkeypatch.setattr(time_plan, "_evaluations", lambda *_: {"quick": 2.5, "validation": 2.5})
    given: dict[str, Any] = {"evaluate_every": "1000000 steps", "time_limit": "3s", **QUIET}
    run = sonde.fit(nn.Linear(1, 1), rows(256), validation=rows(300), loss=mse_loss, out=tmp_path / "run", **given)
    lines = list(read_lines(run.folder / "metrics.jsonl"))
    first, last = [line["step"] for line in lines if line["kind"] == "evaluation"]
    [moved] = [line for line in lines if line.get("event") == "end moved" and line["step"] == first]
    assert moved["details"]["why"] == "evaluations take less than was kept for them, so there is time for more"
    assert last == run.result["steps"] >= 1.15 * first
    assert run.result["ended_by"] == "time_limit"
    assert 2.4 < time.process_time() - begun < 3 + 1


@pytest.mark.parametrize(("typed", "unasked"), [({}, True), ({"evaluate_every": "1000000 steps"}, False)])
def test_a_run_looks_once_at_what_an_evaluation_takes_unless_it_was_said_when_they_come(
    typed: dict[str, Any], unasked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = time.process_time()
    monkeypatch.setattr(Clock, "elapsed", lambda _: time.process_time() - begun)
    monkeypatch.setattr(time_plan, "_evaluations", lambda *_: {"quick": 0.2, "validation": 0.2, "test": 1.5})
    given: dict[str, Any] = {
        "episodes": 1,
        "test_episodes": 1,
        "max_episode_steps": 20,
        "time_limit": "4s",
        **QUIET,
        **typed,
    }
    run = sonde.train("gym:CartPole-v1", out=tmp_path / "run", films=False, **given)
    first = next(line for line in read_lines(run.folder / "metrics.jsonl") if line["kind"] == "evaluation")
    assert (
        first["elapsed"] < 1.7
    ) is unasked  # training of 2.3 s is half over, and not yet at the end that was planned


def test_a_resume_keeps_no_more_for_evaluation_than_its_share_of_what_is_left() -> None:
    plan = ExecutionPlan(
        device="cpu", precision="fp32", threads=1, steps=1, steps_why="", evaluation_s={"quick": 50.0, "test": 50.0}
    )
    judged: Any = SimpleNamespace(
        task=SimpleNamespace(), train=None, evaluation_sources={"validation": None, "test": None}, clock=Clock()
    )
    saved: Any = SimpleNamespace(judged=False, elapsed=80.0, new_limit=True)
    assert 85 < module.TimeLimit(judged, plan, 100.0, saved).deadline.training_s < 95


def fruitless(took_s: float) -> module.TimeLimit:
    """Of 100 s, after a validation of so many that ended nothing."""
    times = {"quick": 60.0, "validation": 60.0, "test": 40.0}
    plan = ExecutionPlan(device="cpu", precision="fp32", threads=1, steps=1, steps_why="", evaluation_s=times)
    judged: Any = SimpleNamespace(
        task=SimpleNamespace(), train=None, evaluation_sources={"validation": None, "test": None}, clock=Clock(), dataset=None,
        config=SimpleNamespace(data=SimpleNamespace(overfit_batches=0)),
    )  # fmt: skip
    judged.evaluation_sources = dict.fromkeys(judged.evaluation_sources, SimpleNamespace(order=None))
    limit = module.TimeLimit(judged, plan, 100.0)
    cut = EvaluationBudget(60.0, rows=10)
    cut.stopped, cut.took_s = True, took_s
    limit.measured(cut, step=64)
    return limit


def test_where_no_evaluation_would_come_to_anything_its_time_is_for_training() -> None:
    limit = fruitless(80.0)
    assert limit.deadline.training_s > 95
    assert limit.while_training().nothing
    assert limit.at_the_end(["validation", "test"]).nothing
    assert limit.at_the_end(["test"]).nothing
    [found] = limit.cut_short({"test": limit.at_the_end(["test"])})
    assert found.evidence.startswith("test was left out: validation had come to nothing in 1 m 20 s; so there is no")
    assert found.action.startswith("give a longer --time-limit")
    limit._assembly.train = SimpleNamespace(figures={"episodes": 0.0})  # type: ignore[assignment]
    [found] = limit.cut_short({"test": limit.at_the_end(["test"])})
    assert found.action == "no episode of training has ended either: --max-episode-steps 1000 cuts them off"


def test_an_evaluation_that_ended_nothing_is_made_again_where_it_has_more_time() -> None:
    limit = fruitless(5.0)
    assert limit.deadline.training_s < 65
    assert not limit.while_training().nothing
    assert not limit.at_the_end(["validation", "test"]).nothing
    known = fruitless(70.0)
    known.deadline.given_up = False  # then what is left at the end is of no other use
    assert known.at_the_end(["validation", "test"]).nothing
    assert not known.at_the_end(["test"]).nothing


def of_games(kept: dict[str, float], limit_s: float = 100.0) -> module.TimeLimit:
    """Of matches whose smallest part takes 3 s."""
    times = {"quick": 60.0, "validation": 60.0, "test": 300.0, "baseline": 30.0, "least": 3.0, **kept}
    plan = ExecutionPlan(device="cpu", precision="fp32", threads=1, steps=1, steps_why="", evaluation_s=times)
    sources = dict.fromkeys(["validation", "test"], SimpleNamespace(order=None))
    judged: Any = SimpleNamespace(
        task=SimpleNamespace(), train=None, evaluation_sources=sources, clock=Clock(), dataset=None,
        config=SimpleNamespace(data=SimpleNamespace(overfit_batches=0)),
    )  # fmt: skip
    return module.TimeLimit(judged, plan, limit_s)


def test_of_games_validation_leaves_the_others_time_for_a_wave_or_is_left_out_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr(Clock, "elapsed", lambda _: now)
    limit = of_games({})
    now = limit.deadline.training_s
    validation = limit.while_training()
    assert not validation.nothing
    kept_s = limit.deadline.kept_s
    assert 3 < validation.aim_s < kept_s / 2
    assert validation.left_s == pytest.approx(kept_s - 9, abs=0.1)  # of the test and a baseline
    now = limit.deadline.training_s + validation.left_s
    assert limit.at_the_end(["test"]).left_s >= 8
    assert limit.at_the_end(["test"]).aim_s >= 3

    scarce = of_games({"least": 12.0})
    now = scarce.deadline.training_s
    left_out = scarce.while_training()
    assert left_out.nothing
    [note] = scarce.cut_short({"validation": left_out}, step=7)
    assert (note.severity, note.name) == ("note", "")
    assert note.evidence.startswith(
        "validation was left out at step 7: a pair of games against each opponent may take 12 s"
    )
    assert scarce.cut_short({"validation": scarce.at_the_end(["validation", "test"])}) == []  # it was said
    test = scarce.at_the_end(["test"])
    assert not test.nothing
    assert test.left_s == pytest.approx(scarce._left_s, abs=0.1)
