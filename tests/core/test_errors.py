"""One line, a remedy, an exit code."""

import signal

import pytest

from sonde.core import errors
from sonde.core.errors import ConfigError, Interrupted, NonFiniteOutput, SondeError, nearest, unknown

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SondeError)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in (Interrupted, NonFiniteOutput)])
def test_what_the_user_can_mend_exits_with_two(kind: type[SondeError]) -> None:
    assert kind("x").exit_code == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_exits_as_a_shell_expects(number: int, code: int) -> None:
    error = Interrupted("stopped", signal_number=number)
    assert (error.exit_code, error.signal_number, str(error)) == (code, number, "stopped")


def test_near_names_come_first_else_all_are_listed() -> None:
    assert nearest("learning_rat", ["lr", "learning_rate", "clip"]) == ["learning_rate"]
    assert nearest("zzz", ["lr"]) == []
    error = unknown("optimizer", "adma", ["sgd", "adam", "adamw"])
    assert isinstance(error, ConfigError)
    assert str(error) == "unknown optimizer 'adma'; did you mean 'adam' or 'adamw'?"
    assert str(unknown("task", "zzz", ["b", "a"])) == "unknown task 'zzz'; there are: a, b"
