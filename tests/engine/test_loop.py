"""One loop for every kind of problem, and exact resume for each of them, in one process."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from sample_tasks import (
    CPU,
    Adversarial,
    BanditRollout,
    ClippedPolicy,
    Denoising,
    Supervised,
    batch,
    blobs,
    mlp,
    stepper,
)
from torch import nn

from sonde.core.batch import Batch
from sonde.core.config import FeedConfig
from sonde.core.durations import Duration
from sonde.core.errors import DataError, Interrupted
from sonde.core.records import EvaluationRecord, Record, StepRecord
from sonde.core.seams import Objective
from sonde.data.feed.source import BatchSource
from sonde.data.feed.tensors import tensor_source
from sonde.engine.clock import Clock
from sonde.engine.deadline import Deadline
from sonde.engine.due import FitSettings, known_end
from sonde.engine.early_stop import Target
from sonde.engine.loop import FitParts, fit, steps
from sonde.engine.signals import StopRequest
from sonde.engine.training import Training, capture, restore, weights
from sonde.engine.tree import copied, same
from sonde.optim.ema import EMA
from sonde.optim.schedules import cosine

FAR = Deadline(1e6, wanted_s=0.0, since_s=0.0)
KINDS = ["supervised", "gan", "diffusion", "acting"]


def source(rows: int = 512, batch_size: int = 64) -> BatchSource:
    return tensor_source(blobs(rows), FeedConfig(batch_size=batch_size), training=True, seed=0, device=CPU)


def build(kind: str) -> tuple[Any, Any]:
    torch.manual_seed(0)
    if kind == "supervised":
        return Supervised(nn.Sequential(mlp(2, 32, 16), nn.Dropout(0.2), nn.Linear(16, 3))), source()
    if kind == "gan":
        return Adversarial(mlp(4, 32, 2), mlp(2, 32, 1), 4), source()
    if kind == "diffusion":
        return Denoising(mlp(3, 64, 2), 20), source()
    policy = mlp(2, 32, 3)
    return ClippedPolicy(policy), BanditRollout(policy)


@pytest.mark.parametrize("kind", KINDS)
def test_one_loop_serves(kind: str) -> None:
    task, data = build(kind)
    torch.manual_seed(1)
    first: list[float] = []
    last: list[float] = []
    start = 0.0
    record = None
    main = f"{task.phases[0].name}/loss"
    for record in steps(stepper(task), data, stop=600):
        assert len(record.norms) == len(task.phases)
        (first if record.step <= 20 else last if record.step > 580 else []).append(record.number(main))
        if kind == "acting" and record.step == 16:
            start = data.mean_reward
    assert record is not None
    assert record.step == 600
    if kind == "supervised":
        assert sum(last) < 0.2 * sum(first)
    if kind == "diffusion":
        assert sum(last) / len(last) < 0.6  # predicting no noise scores 1
    if kind == "gan":
        with torch.no_grad():
            fake = task.fake(2000)
        assert (fake.mean(0) - blobs()["input"].mean(0)).abs().max() < 0.5
    if kind == "acting":
        assert data.mean_reward > 0.9 > start


def training(kind: str, *, average: bool = False, observers: list[Any] | None = None) -> Training:
    task, data = build(kind)
    run = stepper(task)
    if average:
        run.average = EMA(task.modules, 0.9)
    torch.manual_seed(5)
    return Training(
        task=task, source=data, stepper=run, clock=Clock(), device=CPU, observers=observers or [], journals={}
    )


def parts(live: Training, *, evaluate: Callable[[], dict[str, float]] | None = None, objective: Any = None) -> FitParts:
    return FitParts(
        objective=objective, evaluate=evaluate, best_weights=dict, writer=None, request=StopRequest(), thread_tuner=None
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [1, 7, 8, 9, 15, 16])
def test_stop_and_resume_is_bit_exact(kind: str, at: int) -> None:
    whole = training(kind, average=True)
    fit(whole, FitSettings(stop=20), parts(whole))
    half = training(kind, average=True)
    fit(half, FitSettings(stop=at), parts(half))
    held, state = copied(weights(half.task.modules)), copied(capture(half))
    again = training(kind, average=True)
    torch.manual_seed(99)
    restore(again, held, state)
    fit(again, FitSettings(stop=20), parts(again))
    assert same(weights(whole.task.modules), weights(again.task.modules))
    left, right = capture(whole), capture(again)
    for name in ("stepper", "source", "task", "random", "progress"):
        assert same(left[name], right[name]), name


class Stream:
    """Batches of a number of passes' own lengths, which nobody knows before: those of `source`, so many of each pass."""

    def __init__(self, lengths: tuple[int, ...] = (3, 3, 3)) -> None:
        self.inner, self.lengths = source(), lengths
        self.passed = self.taken = 0

    batches = None

    @property
    def epoch(self) -> int:
        return self.passed

    def __iter__(self) -> Any:
        self.inner.load_state_dict({**self.inner.state_dict(), "epoch": self.passed, "position": self.taken})
        coming = iter(self.inner)
        while self.taken < self.lengths[self.passed % len(self.lengths)]:
            batch = next(coming)
            self.taken += 1
            yield batch
        self.passed, self.taken = self.passed + 1, 0

    def describe(self, index: int) -> str:
        return str(index)

    def state_dict(self) -> dict[str, Any]:
        return {"passed": self.passed, "taken": self.taken}

    def load_state_dict(self, state: Any) -> None:
        self.passed, self.taken = state["passed"], state["taken"]


def streamed(lengths: tuple[int, ...] = (3, 3, 3), observers: list[Any] | None = None) -> Training:
    live = training("supervised", observers=observers)
    live.source = Stream(lengths)
    return live


LOSS: dict[str, Any] = {"evaluate": lambda: {"loss": 1.0}, "objective": Objective("loss", "min")}


def evaluated_at(listener: "Listener") -> list[int]:
    return [record.step for record in listener.heard if isinstance(record, EvaluationRecord)]


def test_an_epoch_of_a_source_without_a_length_is_a_pass() -> None:
    """Passes may differ in length: what counts is that the data ended."""
    listener = Listener()
    live = streamed((3, 5, 2), [listener])
    fit(live, FitSettings(stop=None, passes=3), parts(live, **LOSS))
    assert (live.progress.step, live.progress.passes, live.progress.pass_steps) == (10, 3, 3)
    assert (live.progress.stop, live.progress.ended_by) == ("finished", "epochs")
    assert evaluated_at(listener) == [3, 8, 10]
    assert [r.epoch for r in listener.heard if isinstance(r, StepRecord)] == [0] * 3 + [1] * 5 + [2] * 2


@pytest.mark.parametrize(
    ("every", "at"),
    [
        (Duration(4, "steps"), [4, 8, 9]),
        (Duration(2, "epochs"), [6, 9]),
        (Duration(0.5, "epochs"), [3, 6, 9]),  # half a pass cannot be told before its end
        (Duration(1e6, "seconds"), [9]),
    ],
)
def test_evaluations_of_a_source_without_a_length(every: Duration, at: list[int]) -> None:
    listener = Listener()
    live = streamed(observers=[listener])
    fit(live, FitSettings(stop=None, passes=3, evaluate_every=every), parts(live, **LOSS))
    assert evaluated_at(listener) == at


def test_evaluations_can_fall_due_by_time() -> None:
    listener = Listener()
    live = training("supervised", observers=[listener])
    seconds = iter(range(10_000))
    live.clock.elapsed = lambda: float(next(seconds))  # type: ignore[method-assign]
    settings = FitSettings(stop=12, evaluate_every=Duration(6, "seconds"))
    fit(live, settings, parts(live, **LOSS))
    at = evaluated_at(listener)
    assert 2 <= len(at) <= 7
    assert at[-1] == 12


@pytest.mark.parametrize("at", range(1, 10))
def test_a_source_without_a_length_resumes_to_the_last_bit(at: int) -> None:
    """The schedule is set when the first pass is over, and once more where a run goes on after it."""
    settings = FitSettings(stop=None, passes=3)

    def known(live: Training) -> None:
        total = known_end(settings, live.progress)
        if total is not None:
            shape = cosine(start=0, total=total)
            live.stepper.set_schedule({"model": shape}, stages=live.stepper.stages, total=total)

    def run(live: Training, **more: Any) -> FitParts:
        return replace(parts(live), length_known=known, **more)

    whole = streamed()
    fit(whole, settings, run(whole))
    assert whole.progress.step == 9
    half = streamed(observers=[Listener(lambda record: "stop" if getattr(record, "step", 0) == at else "continue")])
    fit(half, settings, run(half))
    assert half.progress.step == at
    held, state = copied(weights(half.task.modules)), copied(capture(half))
    again = streamed(observers=[Listener()])
    restore(again, held, state)
    again.progress.asked = ""
    known(again)
    fit(again, settings, run(again))
    assert same(weights(whole.task.modules), weights(again.task.modules))
    assert (again.progress.step, again.progress.passes) == (9, 3)


@pytest.mark.parametrize(
    ("given", "step", "by"),
    [
        ({"stop": 7, "ends": {"epochs": 16, "steps": 7}}, 7, "steps"),
        ({"stop": 8, "ends": {"epochs": 8, "steps": 9}}, 8, "epochs"),
        ({"stop": 5, "ends": {"epochs": 8}, "deadline": FAR}, 5, "time_limit"),  # as many as fit into it
        ({"stop": 50, "ends": {"epochs": 8}, "deadline": FAR}, 8, "epochs"),
    ],
)
def test_the_length_that_is_reached_first_ends_the_run(given: dict[str, Any], step: int, by: str) -> None:
    live = training("supervised")
    fit(live, FitSettings(**given), parts(live))
    assert (live.progress.step, live.progress.stop, live.progress.ended_by) == (step, "finished", by)


def test_steps_end_a_source_without_a_length_in_the_middle_of_a_pass() -> None:
    live = streamed()
    fit(live, FitSettings(stop=4, ends={"steps": 4}, passes=3), parts(live))
    assert (live.progress.step, live.progress.passes, live.progress.ended_by) == (4, 1, "steps")


@pytest.mark.parametrize(
    ("patience", "step"),
    [
        (Duration(3, "evaluations"), 10),  # best at step 4, evaluated every second step
        (Duration(5, "steps"), 10),  # asked at evaluations only
        (Duration(1, "epochs"), 12),
    ],
)
def test_patience_is_a_duration(patience: Duration, step: int) -> None:
    values = iter([0.5, 0.9, *[0.6] * 50])
    live = training("supervised")
    settings = FitSettings(stop=100, evaluate_every=Duration(2, "steps"), patience=patience)
    fit(live, settings, parts(live, evaluate=lambda: {"a": next(values)}, objective=Objective("a", "max")))
    assert (live.progress.best or {})["step"] == 4
    assert (live.progress.stop, live.progress.ended_by, live.progress.step) == ("stopped early", "patience", step)


def test_the_log_says_which_evaluations_were_of_a_part_of_the_rows() -> None:
    class Log(list[Any]):
        write, flush = list.append, lambda self: None

    live, log = training("supervised"), Log()
    live.journals = {"metrics.jsonl": log}

    def evaluate() -> dict[str, float]:
        live.part = {"rows": 15, "of": 100} if live.progress.step == 4 else {}
        return {"a": 1.0}

    fit(live, FitSettings(stop=6, evaluate_every=Duration(2, "steps")), parts(live, evaluate=evaluate))
    lines = [line for line in log if line["kind"] == "evaluation"]
    assert [line.get("part") for line in lines] == [None, {"rows": 15, "of": 100}, None]


@pytest.mark.parametrize(("period", "at"), [(Duration(3, "steps"), [3, 6, 9, 10]), (Duration(1, "epochs"), [8, 10])])
def test_checkpoints_fall_due_by_steps_or_epochs(period: Duration, at: list[int]) -> None:
    class Kept:
        def __init__(self) -> None:
            self.at: list[int] = []

        def save(self, held: Any, state: Any, *, best: Any) -> None:
            self.at.append(state["progress"]["step"])

    kept: Any = Kept()
    live = training("supervised")
    fit(live, FitSettings(stop=10, checkpoint_every=period), replace(parts(live), writer=kept))
    assert kept.at == at


class Listener:
    """Keeps what it is told."""

    def __init__(self, verdict: Callable[[Record], str] = lambda record: "continue") -> None:
        self.heard: list[Record] = []
        self.verdict = verdict

    def __call__(self, record: Record) -> Any:
        self.heard.append(record)
        return self.verdict(record)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Any) -> None: ...


def test_evaluation_falls_due_each_epoch_and_at_the_end() -> None:
    listener = Listener()
    live = training("supervised", observers=[listener])
    fit(live, FitSettings(stop=20), parts(live, evaluate=lambda: {"loss": 1.0}, objective=Objective("loss", "min")))
    at = [record.step for record in listener.heard if isinstance(record, EvaluationRecord)]
    assert at == [8, 16, 20]  # 512 rows / 64


def test_an_evaluation_comes_unasked_once_where_much_is_kept_by_an_estimate_alone() -> None:
    listener = Listener()
    live = training("supervised", observers=[listener])
    live.clock.elapsed = lambda: 40.0 * live.progress.step  # type: ignore[method-assign]
    deadline = Deadline(1000.0, wanted_s=300.0, since_s=0.0, look_s=20.0)

    def judged() -> dict[str, float]:
        deadline.measured(0.1)
        return {"loss": 1.0}

    settings = FitSettings(stop=20, evaluate_every=Duration(1000, "steps"), deadline=deadline)
    fit(live, settings, parts(live, evaluate=judged, objective=Objective("loss", "min")))
    at = [record.step for record in listener.heard if isinstance(record, EvaluationRecord)]
    assert at == [9, 20]  # half of the 700 s of training are over after 8.75 steps


def test_evaluation_can_fall_within_an_epoch() -> None:
    listener = Listener()
    live = training("supervised", observers=[listener])
    settings = FitSettings(stop=16, evaluate_every=Duration(0.25, "epochs"))
    fit(live, settings, parts(live, evaluate=lambda: {"loss": 1.0}, objective=Objective("loss", "min")))
    assert [r.step for r in listener.heard if isinstance(r, EvaluationRecord)] == [2, 4, 6, 8, 10, 12, 14, 16]


def test_patience_counts_evaluations_without_a_better_one() -> None:
    values = iter([0.5, 0.6, 0.7, 0.65, 0.6, 0.9])
    live = training("supervised")
    settings = FitSettings(stop=8 * 20, patience=Duration(2, "evaluations"))
    fit(live, settings, parts(live, evaluate=lambda: {"a": next(values)}, objective=Objective("a", "max")))
    assert live.progress.stop == "stopped early"
    assert live.progress.step == 8 * 5
    assert live.progress.best == {"epoch": 2, "step": 24, "metric": "a", "value": 0.7}


def test_the_time_limit_ends_the_run_after_a_last_evaluation() -> None:
    count = []
    live = training("supervised")
    settings = FitSettings(stop=10**9, deadline=Deadline(0.2, wanted_s=0.0, since_s=0.0))
    run = parts(live, evaluate=lambda: count.append(1) or {"a": 1.0}, objective=Objective("a", "max"))
    fit(live, settings, run)
    assert live.progress.stop == "time limit"
    assert live.progress.evaluated_at == live.progress.step
    assert 0.15 <= live.clock.elapsed() < 5  # another step as long as the last must still fit


def test_an_observer_can_stop_the_run_and_touches_nothing() -> None:
    listener = Listener(lambda record: "stop" if isinstance(record, StepRecord) and record.step == 5 else "continue")
    live = training("supervised", observers=[listener])
    fit(live, FitSettings(stop=100), parts(live))
    assert live.progress.step == 5
    assert live.progress.stop == "Listener asked to stop"


def test_a_request_to_stop_finishes_the_step() -> None:
    live = training("supervised")
    run = parts(live)

    def ask(record: Record) -> str:
        if isinstance(record, StepRecord) and record.step == 3:
            run.request.number = 2
        return "continue"

    live.observers = [Listener(ask)]
    with pytest.raises(Interrupted, match="stopped at step 3") as caught:
        fit(live, FitSettings(stop=100), run)
    assert caught.value.exit_code == 130


def test_a_source_without_batches_is_refused() -> None:
    class Empty:
        batches, epoch = 0, 0

        def __iter__(self) -> Any:
            return iter(())

    empty: Any = Empty()
    with pytest.raises(DataError, match="yielded no batch"):
        list(steps(stepper(build("supervised")[0]), empty, stop=3))


def test_every_row_is_seen_once_an_epoch_in_another_order_each_time() -> None:
    seen: list[int] = []

    class Spy(Supervised):
        def loss(self, batch: Batch) -> Any:
            seen.extend(batch.index.tolist())
            return super().loss(batch)

    for _ in steps(stepper(Spy(mlp(2, 3))), source(rows=100, batch_size=32), stop=8):
        pass
    assert sorted(seen[:100]) == list(range(100)) == sorted(seen[100:])
    assert seen[:100] != seen[100:]


def test_the_last_batch_of_an_epoch_may_be_smaller() -> None:
    rows = [r.rows for r in steps(stepper(build("supervised")[0]), source(rows=100, batch_size=32), stop=4)]
    assert rows == [32, 32, 32, 4]


def test_a_plain_batch_is_enough() -> None:
    record = stepper(build("supervised")[0])(batch(**blobs(8)), step=1, epoch=0)
    assert record.rows == 8


def test_of_several_lengths_the_first_ends_the_run() -> None:
    """Known from the start, or from the end of the first pass on."""
    settings = FitSettings(stop=12, ends={"epochs": 20, "steps": 12})
    live = training("supervised")
    assert known_end(settings, live.progress) == 12
    live.progress.pass_steps = 3
    assert known_end(replace(settings, passes=2), live.progress) == 6
    assert known_end(replace(settings, passes=5), live.progress) == 12


def test_an_evaluation_at_the_end_of_a_pass_is_of_that_epoch() -> None:
    listener = Listener()
    fit(live := streamed(observers=[listener]), FitSettings(stop=None, passes=2), parts(live, **LOSS))
    assert [record.epoch for record in listener.heard if isinstance(record, EvaluationRecord)] == [0, 1]


class Kept:
    """A budget of a run whose last evaluation leaves time for ten more steps, once."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, live: Training) -> None:
        """Nothing is measured."""

    def goes_on(self, live: Training) -> bool:
        self.asked.append(live.progress.step)
        if len(self.asked) > 1:
            return False
        live.progress.ends_at = live.progress.step + 10
        return True


def timed(live: Training, value: float = 1.0, **settings: Any) -> tuple[FitSettings, FitParts, Any]:
    kept: Any = Kept()
    run = replace(parts(live, evaluate=lambda: {"a": value}, objective=Objective("a", "max")), budget=kept)
    return FitSettings(stop=20, deadline=FAR, evaluate_every=Duration(10**6, "steps"), **settings), run, kept


def test_training_goes_on_after_an_evaluation_that_left_time() -> None:
    heard = Listener()
    live = training("supervised", observers=[heard])
    settings, run, kept = timed(live)
    fit(live, settings, run)
    assert kept.asked == [20, 30]
    assert [record.step for record in heard.heard if isinstance(record, EvaluationRecord)] == [20, 30]
    assert (live.progress.stop, live.progress.ended_by, live.progress.step) == ("finished", "time_limit", 30)


@pytest.mark.parametrize("settings", [{"target": Target(Objective("a", "max"), 0.5)}, {"ends": {"steps": 20}}])
def test_a_run_that_something_else_ends_does_not_go_on(settings: dict[str, Any]) -> None:
    live = training("supervised")
    given, run, kept = timed(live, **settings)
    fit(live, given, run)
    assert kept.asked == []
    assert live.progress.step == 20


def test_a_run_that_no_longer_gets_better_does_not_go_on() -> None:
    live = training("supervised")
    live.progress.best = {"epoch": 0, "step": 1, "metric": "a", "value": 2.0}
    settings, run, kept = timed(live, patience=Duration(1, "evaluations"))
    fit(live, settings, run)
    assert (kept.asked, live.progress.step) == ([], 20)


def test_a_run_that_an_observer_stops_as_its_time_is_over_does_not_go_on() -> None:
    live = training("supervised", observers=[Listener(lambda record: "stop")])
    settings, run, kept = timed(live)
    fit(live, replace(settings, stop=1), run)
    assert (kept.asked, live.progress.step) == ([], 1)
