import numpy as np
import pytest

from sonde.modalities.series.time_index import TimeStep, between, following, infer_step, positions, written


def stamps(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[s]")


def every(step: str, count: int, first: str = "2020-01-01") -> np.ndarray:
    unit = np.timedelta64(int(step[:-1]), step[-1])  # type: ignore[call-overload]
    return (np.datetime64(first) + unit * np.arange(count)).astype("datetime64[s]")


@pytest.mark.parametrize(
    ("given", "step", "word", "seasons"),
    [
        (every("1h", 60), TimeStep(3600, "seconds"), "hourly", (24, 168)),
        (every("15m", 60), TimeStep(900, "seconds"), "every 15 minutes", (96,)),
        (every("1D", 60), TimeStep(86400, "seconds"), "daily", (7, 365)),
        (every("1W", 60), TimeStep(604800, "seconds"), "weekly", (52,)),
        (every("7s", 60), TimeStep(7, "seconds"), "every 7 seconds", (1,)),
        (every("1M", 40, "2020-01"), TimeStep(1, "months"), "monthly", (12,)),
        (every("3M", 40, "2020-02"), TimeStep(3, "months"), "quarterly", (4,)),
        (every("1Y", 40, "1900"), TimeStep(12, "months"), "yearly", (1,)),
        (stamps("2020-01-31", "2020-02-29", "2020-03-31", "2020-04-30"), TimeStep(1, "months"), "monthly", (12,)),
    ],
)
def test_the_step_is_told(given: np.ndarray, step: TimeStep, word: str, seasons: tuple[int, ...]) -> None:
    assert infer_step(given) == step
    assert (step.word, step.seasons) == (word, seasons)
    assert TimeStep.read(str(step)) == step
    assert positions(given, step).tolist() == list(range(len(given)))
    assert (between(given, step, len(given)) == given).all()
    assert (following(given[:-2], step, 2) == given[-2:]).all()


def test_days_without_weekends_are_working_days() -> None:
    days = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")
    worked = days[np.is_busday(days)].astype("datetime64[s]")
    step = infer_step(worked)
    assert step == TimeStep(1, "workdays")
    assert positions(worked, step).tolist() == list(range(len(worked)))
    assert str(following(stamps("2024-01-04", "2024-01-05"), step, 1)[0])[:10] == "2024-01-08"


def test_gaps_do_not_hide_the_step_and_show_in_the_positions() -> None:
    given = np.delete(every("1h", 30), [3, 4, 17])
    assert infer_step(given) == TimeStep(3600, "seconds")
    assert np.setdiff1d(np.arange(30), positions(given, infer_step(given))).tolist() == [3, 4, 17]


def test_times_between_two_steps_have_no_position() -> None:
    given = stamps("2020-01-01", "2020-02-01", "2020-02-15", "2020-04-01")
    assert positions(given, TimeStep(1, "months")).tolist() == [0, 1, -1, 3]
    hours = np.sort(np.append(every("1h", 5), stamps("2020-01-01T02:30")))
    assert positions(hours, TimeStep(3600, "seconds")).tolist() == [0, 1, 2, -1, 3, 4]


@pytest.mark.parametrize(
    ("stamp", "step", "text"),
    [
        ("2018-06-26T20:00:00", TimeStep(3600, "seconds"), "2018-06-26 20:00:00"),
        ("2018-06-26T00:00:00", TimeStep(3600, "seconds"), "2018-06-26 00:00:00"),
        ("2018-06-26T00:00:00", TimeStep(86400, "seconds"), "2018-06-26"),
        ("2018-06-01T00:00:00", TimeStep(1, "months"), "2018-06"),
        ("2018-06-30T00:00:00", TimeStep(1, "months"), "2018-06-30"),
    ],
)
def test_stamps_are_written_as_a_person_writes_them(stamp: str, step: TimeStep, text: str) -> None:
    assert written(np.datetime64(stamp), step) == text
