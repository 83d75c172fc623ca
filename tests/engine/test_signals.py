"""The first request finishes the step, the second acts as it always did, and afterwards all is as before."""

import os
import signal
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from sonde.engine.signals import StopRequest, graceful

BOTH = [signal.SIGINT, signal.SIGTERM]


def handlers() -> list[Any]:
    return [signal.getsignal(number) for number in BOTH]


def test_a_request_is_false_until_it_is_made() -> None:
    request = StopRequest()
    assert not request
    request.number = signal.SIGINT
    assert request


@pytest.mark.parametrize("number", BOTH)
def test_the_first_signal_is_noted_and_nothing_else(number: int) -> None:
    before = handlers()
    with graceful() as request:
        assert not request
        os.kill(os.getpid(), number)
        assert request.number == number
    assert handlers() == before


def test_the_second_ctrl_c_acts_as_it_always_did() -> None:
    before = handlers()

    def twice() -> None:
        with graceful() as request:
            os.kill(os.getpid(), signal.SIGINT)
            assert request.number == signal.SIGINT
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        twice()
    assert handlers() == before


def test_after_ctrl_c_sigterm_acts_as_it_always_did() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        with graceful() as request:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            assert (request.number, heard) == (signal.SIGINT, [signal.SIGTERM])
    finally:
        signal.signal(signal.SIGTERM, before)


def test_both_at_once_are_one_request_and_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", shown.append)
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with graceful() as request:
            signal.pthread_sigmask(signal.SIG_BLOCK, BOTH)
            for number in BOTH:  # to this thread: of those sent to the process another thread would take each at once
                signal.pthread_kill(threading.get_ident(), number)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, BOTH)
            assert request.number == signal.SIGINT
            sys.unraisablehook(SimpleNamespace(exc_value=ValueError("another")))  # type: ignore[arg-type]
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [str(each.exc_value) for each in shown] == ["another"]


def test_handlers_come_back_after_an_error() -> None:
    before = handlers()

    def fail() -> None:
        with graceful():
            assert handlers() != before
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert handlers() == before


def test_outside_the_main_thread_nothing_is_caught() -> None:
    before, seen = handlers(), []

    def body() -> None:
        with graceful() as request:
            seen.append((handlers(), bool(request)))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [(before, False)]
    assert handlers() == before
