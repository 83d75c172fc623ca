"""Durations as they are written, in which unit, and back."""

import re
import time
from typing import Any

import pytest

from sonde.core.durations import Duration, Unit, parse, setting
from sonde.core.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 epochs", (2, "epochs")), ("1 epoch", (1, "epochs")), ("0.5 epochs", (0.5, "epochs")), ("3epochs", (3, "epochs")),
        ("500 steps", (500, "steps")), ("1 Step", (1, "steps")), ("4 evaluations", (4, "evaluations")),
        ("90s", (90, "seconds")), ("10m", (600, "seconds")), ("1h30m", (5400, "seconds")), ("1h 30m", (5400, "seconds")),
        ("2H", (7200, "seconds")), ("0.5h", (1800, "seconds")), ("1h5", (3605, "seconds")), ("1.5s", (1.5, "seconds")),
        ("10 minutes", (600, "seconds")), ("2 hours", (7200, "seconds")), ("45 sec", (45, "seconds")),
        (" 45 ", (45, "steps")), (45, (45, "steps")),
    ],
)  # fmt: skip
def test_what_is_a_duration(text: Any, expected: tuple[float, Unit]) -> None:
    assert parse(text, bare="steps") == Duration(*expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "h",
        "-5s",
        "5x",
        "1e3s",
        "nan",
        "inf",
        "1..5s",
        ".5s",
        "١s",
        "5 steps 3s",
        "epochs",
        "500ms",
        float("nan"),
    ],
)
def test_what_is_no_duration(text: Any) -> None:
    with pytest.raises(ConfigError, match="is not a duration; write it like 2 epochs, 500 steps, 90s, 10m or 1h30m"):
        parse(text, bare="seconds")


def test_steps_are_whole() -> None:
    with pytest.raises(ConfigError, match="'1.5 steps': steps are counted whole"):
        parse("1.5 steps", bare="epochs")


def test_a_long_wrong_duration_is_refused_at_once() -> None:
    begun = time.perf_counter()
    with pytest.raises(ConfigError):
        parse("1" * 5000 + "x", bare="seconds")
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ((2, "epochs"), "2 epochs"), ((1, "steps"), "1 step"), ((0.25, "epochs"), "0.25 epochs"), ((60, "seconds"), "60s"),
        ((119, "seconds"), "119s"), ((120, "seconds"), "2m"), ((5400, "seconds"), "1h30m"), ((3605, "seconds"), "1h5s"),
        ((1.5, "seconds"), "1.5s"), ((1_000_000, "steps"), "1000000 steps"),
    ],
)  # fmt: skip
def test_text_and_back(given: tuple[float, Unit], text: str) -> None:
    assert str(Duration(*given)) == text
    assert parse(text, bare="evaluations") == Duration(*given)


@pytest.mark.parametrize(
    ("value", "units", "told"),
    [
        ("2 epochs", ("seconds",), "--time-limit takes a duration such as 90s, 10m or 1h30m, got '2 epochs'"),
        ("soon", ("seconds",), "--time-limit: 'soon' is not a duration; write it like 90s, 10m or 1h30m"),
        ("3s", ("epochs", "steps"), "--time-limit takes a duration such as 2 epochs or 500 steps, got '3s'"),
        (0, ("seconds",), "--time-limit must be above 0, got 0"),
        (-1.0, ("seconds",), "--time-limit must be above 0, got -1.0"),
    ],
)
def test_a_setting_says_what_it_takes(value: Any, units: tuple[Unit, ...], told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        setting("time_limit", value, bare="seconds", units=units)


def test_zero_may_mean_none() -> None:
    assert setting("patience", 0, bare="evaluations", units=("evaluations",), zero=True).amount == 0
