"""When the report of a run that trains is drawn."""

from pathlib import Path

from sample_runs import append, begun, evaluation, step

from sonde.core.errors import RunFolderError
from sonde.core.records import EPOCH_ENDS, EvaluationRecord, EventRecord, StepRecord
from sonde.run.renewal import FIRST_S, Renewal

EVALUATED = EvaluationRecord(step=1, epoch=0, split="validation", metrics={}, seconds=0.1)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_drawing_takes_a_hundredth_of_the_time(tmp_path: Path) -> None:
    clock, drawn = Clock(), []

    def draw(folder: Path, seconds: float) -> Path:
        drawn.append(clock.now)
        clock.now += 0.5
        return folder

    renewal = Renewal(tmp_path, clock=clock, draw=draw)
    for _ in range(1000):  # an evaluation each second
        renewal(EVALUATED)
        clock.now += 1.0
    assert drawn[0] == 100.0 + FIRST_S
    assert 18 <= len(drawn) <= 19  # of 0.5 s each, in 950 s
    assert min(b - a for a, b in zip(drawn, drawn[1:], strict=False)) >= 50


def test_a_page_says_until_when_it_holds_and_is_drawn_anew_before(tmp_path: Path) -> None:
    clock, drawn = Clock(), []

    def draw(folder: Path, seconds: float) -> Path:
        drawn.append((clock.now, clock.now + seconds))
        clock.now += 0.5
        return folder

    renewal = Renewal(tmp_path, clock=clock, draw=draw)
    for _ in range(100):  # an evaluation every 100 s
        clock.now += 100.0
        renewal(EVALUATED)
    assert drawn[0] == (200.0, 200.0 + 3 * (60 + 100))
    assert all(later < by for (_, by), (later, _) in zip(drawn, drawn[1:], strict=False))


def test_only_evaluations_and_ends_of_epochs_are_worth_it(tmp_path: Path) -> None:
    clock, drawn = Clock(), []
    renewal = Renewal(tmp_path, clock=clock, draw=lambda folder, seconds: drawn.append(folder) or folder)
    clock.now += FIRST_S
    renewal(StepRecord(step=1, epoch=0, rows=1, losses={}, norms={}, lr=0.1))
    renewal(EventRecord(1, "resumed"))
    assert drawn == []
    renewal(EventRecord(1, EPOCH_ENDS))
    assert drawn == [tmp_path]


def test_a_full_disk_does_not_end_the_training(tmp_path: Path) -> None:
    clock = Clock()

    def draw(folder: Path, seconds: float) -> Path:
        raise RunFolderError("cannot write")

    renewal = Renewal(tmp_path, clock=clock, draw=draw)
    clock.now += FIRST_S
    renewal(EVALUATED)


def test_the_report_of_a_run_that_trains(tmp_path: Path) -> None:
    folder, clock = begun(tmp_path / "run"), Clock()
    append(folder, *map(step, (10, 20, 30)), evaluation(30, 0.5))
    renewal = Renewal(folder, clock=clock)
    clock.now += FIRST_S
    renewal(EVALUATED)
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "<h2>Training curves</h2>" in html
