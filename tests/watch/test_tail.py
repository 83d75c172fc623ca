"""Only what was appended to a log is read, whatever happens to the log."""

import json
from pathlib import Path

import pytest

from sonde.watch.tail import Tail


def line(step: int) -> bytes:
    return json.dumps({"kind": "step", "step": step}).encode() + b"\n"


def steps(tail: Tail) -> list[int]:
    return [entry["step"] for entry in tail.entries]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def add(log: Path, content: bytes) -> None:
    with log.open("ab") as file:
        file.write(content)


def test_a_log_that_is_not_there_yet(log: Path) -> None:
    tail = Tail(log)
    assert not tail.read()
    add(log, line(1))
    assert tail.read()
    assert steps(tail) == [1]


def test_what_was_read_is_not_read_again(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(log, b"".join(map(line, range(1000))))
    tail = Tail(log)
    tail.read()
    parsed = []
    monkeypatch.setattr("sonde.watch.tail.parsed_line", lambda text: parsed.append(text) or json.loads(text))
    assert not tail.read()
    add(log, line(1000))
    assert tail.read()
    assert parsed == [line(1000).strip()]
    assert steps(tail) == list(range(1001))


def test_half_a_line_waits_for_its_end(log: Path) -> None:
    tail = Tail(log)
    add(log, line(1) + line(2)[:9])
    assert tail.read()
    assert steps(tail) == [1]
    assert not tail.read()
    add(log, line(2)[9:])
    assert tail.read()
    assert (steps(tail), tail.damaged) == ([1, 2], 0)


def test_damaged_lines_are_counted(log: Path) -> None:
    add(log, line(1) + b'{"kind": "step"\n\n[1]\n' + line(2))
    tail = Tail(log)
    tail.read()
    assert (steps(tail), tail.damaged) == ([1, 2], 2)


def test_a_log_that_was_cut_back_by_a_resume(log: Path) -> None:
    add(log, line(1) + line(2) + line(3))
    tail = Tail(log)
    tail.read()
    log.write_bytes(line(1))
    assert tail.read()
    assert steps(tail) == [1]


def test_a_log_that_was_cut_back_and_has_grown_beyond_the_place_between_two_looks(log: Path) -> None:
    add(log, line(1) + line(2) + line(3))
    tail = Tail(log)
    tail.read()
    log.write_bytes(line(1) + line(4) + line(5) + line(6))
    assert tail.read()
    assert steps(tail) == [1, 4, 5, 6]


def test_a_log_that_was_removed_with_the_run_that_is_begun_anew(log: Path) -> None:
    add(log, line(1))
    tail = Tail(log)
    tail.read()
    log.unlink()
    assert tail.read()
    assert tail.entries == []
    assert not tail.read()
