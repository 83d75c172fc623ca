import io
import re
import time
from types import SimpleNamespace

import pytest

from sonde.core.acting import Experience
from sonde.core.records import EvaluationRecord, EventRecord, StepRecord
from sonde.core.seams import Objective, Observer
from sonde.screen import progress as module
from sonde.screen.output import Output
from sonde.screen.screen import Screen


class Scalar:
    """Stands for a device scalar: counts how often it is waited for."""

    reads = 0

    def __init__(self, value: float) -> None:
        self.value = value

    def __float__(self) -> float:
        Scalar.reads += 1
        return self.value


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only when told to."""
    now = SimpleNamespace(s=100.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now.s))
    return now


def step(number: int, *, loss: object = 1.0, batches: int = 10) -> StepRecord:
    return StepRecord(number, (number - 1) // batches, 64, {"model/loss": loss}, {"model": 1.0}, 4e-3)


def judged(number: int, value: float, *, batches: int = 10) -> EvaluationRecord:
    return EvaluationRecord(number, (number - 1) // batches, "validation", {"accuracy": value}, 2.0)


def lines_of(out: io.StringIO) -> list[list[str]]:
    return [re.split(r"\s{2,}", line.strip()) for line in out.getvalue().splitlines()]


def run(clock, *, epochs=2, metric: str | None = "accuracy", evaluate=True, seconds=0.1):
    out = io.StringIO()
    objective = Objective(metric, "max") if metric else None
    with Screen(file=out).progress(
        epochs=epochs, steps=epochs * 10, batches_per_epoch=10, objective=objective
    ) as observe:
        for number in range(1, epochs * 10 + 1):
            clock.s += seconds
            assert observe(step(number, loss=float(number))) == "continue"
            if evaluate and number % 10 == 0:
                clock.s += 2.0
                observe(judged(number, number / 100))
    return lines_of(out)


def test_a_row_per_epoch_with_true_numbers(clock):
    head, first, second = run(clock)
    assert head == ["epoch", "loss", "validation accuracy", "lr", "rows/s", "left"]
    # 9 steps of 64 rows in 0.9 s after the clock started with the first; evaluation's 2 s are no training
    assert first == ["1/2", "5.50", "10.00 %", "0.0040", "640", "3.2 s"]
    assert second[:5] == ["2/2", "15.5", "20.00 %", "0.0040", "640"]
    assert len(second) == 5  # nothing is left


def test_without_validation_rows_come_at_epoch_ends(clock):
    head, first, second = run(clock, metric=None, evaluate=False)
    assert head == ["epoch", "loss", "lr", "rows/s", "left"]
    assert [first[0], second[0]] == ["1/2", "2/2"]
    assert first[1] == "5.50"


@pytest.mark.parametrize("terminal", [False, True])
def test_epochs_without_an_evaluation_make_few_rows_where_others_have_one(clock, terminal, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    out, written = io.StringIO(), []
    monkeypatch.setattr(out, "isatty", lambda: terminal)
    monkeypatch.setattr(Output, "row", lambda self, text, **_: written.append(text.split()[0]))
    objective = Objective("accuracy", "max")
    with Screen(file=out).progress(epochs=30, steps=300, batches_per_epoch=10, objective=objective) as observe:
        for number in range(1, 301):
            clock.s += 0.125
            observe(step(number))
            if number in (50, 300):
                observe(judged(number, 0.5))
    often = ["13/30", "21/30", "29/30"] if terminal else ["step"] * 3  # every ten seconds
    assert [each for each in written if each != "epoch"] == ["5/30", *often, "30/30"]


def test_long_runs_show_at_most_sixty_rows_and_the_last(clock):
    rows = run(clock, epochs=130)[1:]
    assert len(rows) <= 61
    assert rows[-1][0] == "130/130"


@pytest.mark.parametrize("apart", [3, 7])
def test_of_a_long_run_every_evaluation_that_is_rare_has_its_row(clock, apart):
    out = io.StringIO()
    objective = Objective("accuracy", "max")
    with Screen(file=out).progress(epochs=84, steps=840, batches_per_epoch=10, objective=objective) as observe:
        for number in range(1, 841):
            observe(step(number))
            if number % (10 * apart) == 0:
                observe(judged(number, 0.5))
    assert [line[0] for line in lines_of(out)[1:]] == [f"{epoch}/84" for epoch in range(apart, 85, apart)]


def test_plain_progress_lines_come_every_ten_seconds(clock):
    out = io.StringIO()
    with Screen(file=out).progress(epochs=1, steps=100, batches_per_epoch=100, objective=None) as observe:
        for number in range(1, 100):
            clock.s += 1.0
            observe(step(number, batches=100))
    texts = [line for line in out.getvalue().splitlines() if "step" in line]
    assert len(texts) == 9
    assert texts[0] == "  step 10/100, loss 1.00, 1 m 30 s left"


def test_losses_are_read_only_when_something_is_written(clock):
    Scalar.reads = 0
    with Screen(file=io.StringIO()).progress(
        epochs=None, steps=5000, batches_per_epoch=None, objective=None
    ) as observe:
        for number in range(1, 1001):
            clock.s += 0.001
            observe(step(number, loss=Scalar(2.0), batches=10**6))
        assert Scalar.reads == 0
        clock.s += 10.0
        observe(step(1001, loss=Scalar(2.0), batches=10**6))
        assert Scalar.reads == module.WINDOW


def test_quiet_says_nothing_and_reads_nothing(clock):
    Scalar.reads = 0
    out = io.StringIO()
    with Screen(quiet=True, file=out).progress(
        epochs=1, steps=10, batches_per_epoch=10, objective=Objective("accuracy", "max")
    ) as observe:
        for number in range(1, 11):
            clock.s += 100.0
            observe(step(number, loss=Scalar(1.0)))
        observe(judged(10, 0.5))
        observe(EventRecord(10, "threads"))
    assert out.getvalue() == ""
    assert Scalar.reads == 0


def test_events_are_told_and_test_scores_are_not_rows(clock):
    out = io.StringIO()
    with Screen(file=out).progress(epochs=1, steps=10, batches_per_epoch=10, objective=None) as observe:
        observe(step(1))
        observe(EventRecord(1200, "threads", {"from": 2, "to": 1}))
        observe(EvaluationRecord(1, 0, "test", {"accuracy": 0.5}, 1.0))
        observe(judged(1, 0.5))
    assert "  step 1,200: threads (from 2, to 1)" in out.getvalue().splitlines()
    assert "50.00" not in out.getvalue()


def test_a_second_phase_that_rests_is_no_gap(clock):
    out = io.StringIO()
    with Screen(file=out).progress(epochs=1, steps=2, batches_per_epoch=2, objective=None) as observe:
        observe(StepRecord(1, 0, 8, {"critic/loss": 3.0}, {}, 0.1))
        observe(StepRecord(2, 0, 8, {"generator/loss": 9.0}, {}, 0.1))
    assert lines_of(out)[1][1] == "3.00"


def test_a_failed_run_gets_no_last_row(clock):
    out = io.StringIO()
    observe = Screen(file=out).progress(epochs=1, steps=9, batches_per_epoch=9, objective=None)

    def fail():
        with observe:
            observe(step(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert out.getvalue() == ""


def test_epochs_of_unknown_length_make_a_row_every_ten_seconds(clock):
    out = io.StringIO()
    with Screen(file=out).progress(epochs=None, steps=300, batches_per_epoch=None, objective=None) as observe:
        for number in range(1, 301):
            clock.s += 0.1
            observe(step(number))
    rows = [row for row in lines_of(out)[1:] if "/300" in row[0] and "step" not in row[0]]
    assert len(rows) == 3
    assert rows[-1][0] == "300/300"


def test_where_rows_come_by_time_no_line_between_them_says_the_same_until_one_is_missing(clock):
    out = io.StringIO()
    with Screen(file=out).progress(epochs=None, steps=1000, batches_per_epoch=None, objective=None) as observe:
        for number in range(1, 701):
            clock.s += 0.125
            observe(step(number, batches=90 if number <= 360 else 1000))  # 11 seconds each, then one that lasts
    alive = [row[0] for row in lines_of(out) if row[0].startswith("step ")]
    assert [line.split(",")[0] for line in alive] == ["step 80/1", "step 521/1", "step 601/1", "step 681/1"]


def test_it_is_an_observer_without_state():
    observe = Screen(file=io.StringIO()).progress(epochs=1, steps=1, batches_per_epoch=1, objective=None)
    assert isinstance(observe, Observer)
    assert not hasattr(observe, "state_dict")


def test_a_step_costs_microseconds():
    observe = Screen(file=io.StringIO()).progress(epochs=1, steps=10**9, batches_per_epoch=10**9, objective=None)
    record = step(1, batches=10**9)
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(2000):
            observe(record)
        best = min(best, (time.perf_counter() - begun) / 2000)
    assert best < 3e-6


def test_no_more_time_is_left_than_the_limit_leaves(clock) -> None:
    out = io.StringIO()
    with Screen(file=out).progress(
        epochs=2, steps=200, batches_per_epoch=100, objective=None, within_s=30.0
    ) as observe:
        for number in range(1, 21):
            clock.s += 1.0
            observe(step(number, batches=100))
    shown = [words for line in out.getvalue().splitlines() for words in re.findall(r"(\d+) s left", line)]
    assert shown == ["20", "10"]  # at this pace it would be 190 and 180


def test_where_time_ends_a_run_it_is_what_is_left(clock) -> None:
    """The number of steps is an estimate then, and moves with the pace."""
    out = io.StringIO()
    screen = Screen(file=out)
    with screen.progress(
        epochs=2, steps=200, batches_per_epoch=100, objective=None, within_s=300.0, timed=True
    ) as observe:
        for number in range(1, 31):
            clock.s += 1.0
            observe(step(number, batches=100))
    shown = [words for line in out.getvalue().splitlines() for words in re.findall(r", ([^,]+) left", line)]
    assert shown == ["4 m 50 s", "4 m 40 s", "4 m 30 s"]  # at this pace its 200 steps would take 3 m 10 s more


def test_the_next_stage_shows_its_own_loss(clock):
    out = io.StringIO()
    with Screen(file=out).progress(epochs=2, steps=4, batches_per_epoch=2, objective=None) as observe:
        for number, name in enumerate(["encoder", "encoder", "head", "head"], start=1):
            loss = 9.0 if name == "encoder" else number
            observe(StepRecord(number, (number - 1) // 2, 8, {f"{name}/loss": loss}, {}, 0.1, f"{name}/loss"))
    assert [row[1] for row in lines_of(out)[1:]] == ["9.00", "3.50"]


def test_an_end_that_moved_is_told_in_a_sentence(clock):
    out = io.StringIO()
    with Screen(file=out).progress(epochs=1, steps=10, batches_per_epoch=10, objective=None) as observe:
        observe(step(1))
        details = {"from": 14000, "to": 13000, "why": "a step takes 3.20 ms; moved to meet the time limit"}
        observe(EventRecord(12604, "end moved", details))
    line = "  step 12,604: training will end at step 13,000 (a step takes 3.20 ms; moved to meet the time limit)"
    assert line in out.getvalue().splitlines()


def test_an_end_that_moves_again_is_told_twice_at_most_and_no_total_jumps(clock):
    out = io.StringIO()
    ends = [40, 44, 90, 42, 200, 30]  # 44 is near what was said, 90 is far; and no third is told
    with Screen(file=out).progress(epochs=3, steps=30, batches_per_epoch=10, objective=None, within_s=60) as observe:
        for number in range(1, 31):
            clock.s += 0.1
            observe(step(number))
            if number % 5 == 0:
                observe(EventRecord(number, "end moved", {"to": ends[number // 5 - 1]}))
    shown = out.getvalue()
    told = [line.strip() for line in shown.splitlines() if "will end" in line]
    assert told == ["step 5: training will end at step 40", "step 15: training will end at step 90"]
    rows = [row[0] for row in lines_of(out) if "will end" not in row[0]]
    assert rows == ["epoch", "1", "2", "3"]


def test_training_that_goes_on_after_its_end_is_told_however_often_the_end_has_moved(clock):
    out = io.StringIO()
    with Screen(file=out).progress(epochs=3, steps=30, batches_per_epoch=10, objective=None, within_s=60) as observe:
        for number, (before, end) in enumerate([(30, 60), (60, 20), (20, 19), (19, 5), (5, 6)], start=1):
            observe(step(number))
            observe(EventRecord(number, "end moved", {"from": before, "to": end}))
    told = [line.strip() for line in out.getvalue().splitlines() if "will end" in line]
    assert told == [
        "step 1: training will end at step 60",
        "step 2: training will end at step 20",
        "step 5: training will end at step 6",
    ]


def test_the_metric_of_the_result_stands_beside_the_one_that_chooses(clock) -> None:
    out = io.StringIO()
    objective = Objective("log_loss", "min")
    with Screen(file=out).progress(epochs=2, steps=20, batches_per_epoch=10, objective=objective) as observe:
        for number in range(1, 21):
            clock.s += 0.1
            observe(step(number))
            if number % 10 == 0:
                metrics = {"accuracy": number / 100, "log_loss": 1 / number}
                observe(EvaluationRecord(number, (number - 1) // 10, "validation", metrics, 2.0))
    head, first, last = lines_of(out)[:3]
    assert head[2:4] == ["validation log loss", "accuracy"]
    assert (first[2:4], last[2:4]) == (["0.1000", "10.00 %"], ["0.0500", "20.00 %"])


def test_a_narrow_terminal_keeps_what_is_left() -> None:
    columns = [
        module.Column("epoch", "1/4", 9),
        module.Column("loss", "0.3", 8),
        module.Column("validation accuracy", "97.2 %", spare=1),
        module.Column("lr", "0.004", 8, spare=4),
        module.Column("rows/s", "4,060", 8, spare=5),
        module.Column("left", "41 s", 9),
    ]
    names = {width: [each.name for each in module.fitting(columns, width)] for width in (80, 68, 56, 40, None)}
    assert names[80] == names[None] == [each.name for each in columns]
    assert names[68] == ["epoch", "loss", "validation accuracy", "lr", "left"]
    assert names[56] == ["epoch", "loss", "validation accuracy", "left"]
    assert names[40] == ["epoch", "loss", "left"]


def test_a_long_name_makes_no_wide_column(clock) -> None:
    head, *_ = run(clock, metric="A" * 10_000, evaluate=False)
    assert head[2] == "validation " + "A" * 18 + "…" + "A" * 10


def test_a_run_that_acts_shows_steps_of_its_environments_and_where_the_time_goes(clock) -> None:
    out, taken = io.StringIO(), []
    with Screen(file=out).progress(
        epochs=None, steps=20, batches_per_epoch=None, objective=Objective("return", "max")
    ) as observe:
        observe.follow(
            lambda: taken[-1] if taken else Experience(0, None, {"environment": 0.0, "policy": 0.0, "learning": 0.0})
        )
        for number in range(1, 21):
            clock.s += 0.1
            spent = {"environment": 0.05 * number, "policy": 0.02 * number, "learning": 0.03 * number}
            taken.append(Experience(5_000 + 100 * number, 7.5 + number, spent))  # 5,000 of them before the first update
            observe(step(number, batches=1000))
            if number % 10 == 0:
                observe(EvaluationRecord(number, 0, "validation", {"return": 30.0}, 0.0))
    head, first, last = lines_of(out)
    assert head == [
        "step", "env steps", "train return", "loss", "validation return", "lr", "env steps/s", "env, policy, learning", "left",
    ]  # fmt: skip
    assert first[:3] == ["10/20", "6,000", "17.50"]
    assert last[1:3] == ["7,000", "27.50"]
    assert first[6:8] == last[6:8] == ["1,000", "50, 20, 30 %"]  # 1,000 steps in a second


def test_a_run_that_plays_games_shows_games_and_moves_and_where_the_time_goes(clock) -> None:
    out, taken = io.StringIO(), []
    with Screen(file=out).progress(epochs=None, steps=200, batches_per_epoch=None, objective=None) as observe:
        observe.follow(
            lambda: taken[-1] if taken else Experience(0, None, {"self_play": 0.0, "learning": 0.0}, games=0)
        )
        for number in range(1, 201):
            clock.s += 0.1
            spent = {"self_play": 0.08 * number, "learning": 0.02 * number}
            taken.append(Experience(200 * number, None, spent, games=30 * number))
            observe(step(number, batches=1000))
    lines = out.getvalue().splitlines()
    assert lines[0].strip().startswith("step 101/200, 3,030 games and 20,200 moves of self-play")
    head, last = lines_of(out)[-2:]
    assert head == ["step", "games", "loss", "lr", "moves/s", "self-play, learning", "left"]
    assert last[1] == "6,000"
    assert last[4:6] == ["2,000", "80, 20 %"]
