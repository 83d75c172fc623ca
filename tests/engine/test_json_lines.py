"""Lines that are whole, in order, and cut back to where a checkpoint was taken."""

import json
import subprocess
import sys
from pathlib import Path

from sonde.engine.json_lines import JsonLinesLog, read_lines


def test_lines_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    journal = JsonLinesLog(path)
    entries = [{"kind": "step", "step": n, "name": "Ålder\n年"} for n in range(3)]
    for entry in entries:
        journal.write(entry)
    assert read_lines(path) == entries  # each at once, before closing
    journal.close()
    assert [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] == entries


def test_numbers_that_json_has_no_word_for_are_null(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    journal = JsonLinesLog(path)
    journal.write({"a": float("nan"), "b": [float("inf"), -float("inf"), 1.5], "c": {"d": (1, float("nan"))}})
    journal.close()
    assert read_lines(path) == [{"a": None, "b": [None, None, 1.5], "c": {"d": [1, None]}}]
    assert "NaN" not in path.read_text()


def test_a_resumed_journal_goes_on_where_the_checkpoint_was_taken(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    journal = JsonLinesLog(path)
    journal.write({"step": 1})
    kept = journal.position()
    journal.write({"step": 2})
    journal.close()
    again = JsonLinesLog(path, keep_bytes=kept)
    assert again.position() == kept == len(b'{"step": 1}\n')
    again.write({"step": 20})
    assert again.position() == path.stat().st_size
    again.close()
    assert read_lines(path) == [{"step": 1}, {"step": 20}]


def test_nothing_kept_starts_over(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"step": 1}\n')
    JsonLinesLog(path).close()
    assert path.read_bytes() == b""


def test_a_torn_last_line_is_left_out_and_cut_off_on_resume(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"step": 1}\n\n{"step": 2, "lo')
    assert read_lines(path) == [{"step": 1}]
    journal = JsonLinesLog(path, keep_bytes=12)
    journal.write({"step": 2})
    journal.close()
    assert read_lines(path) == [{"step": 1}, {"step": 2}]


def test_a_file_shorter_than_the_checkpoint_says_is_not_filled_with_zeros(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"step": 1}\n')
    journal = JsonLinesLog(path, keep_bytes=1000)
    assert journal.position() == 12
    journal.close()
    assert path.read_bytes() == b'{"step": 1}\n'


def test_an_absent_file_has_no_lines(tmp_path: Path) -> None:
    assert read_lines(tmp_path / "none.jsonl") == []


def test_a_kill_loses_no_line_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    code = (
        "import os, pathlib, sys\nfrom sonde.engine.json_lines import JsonLinesLog\n"
        "journal = JsonLinesLog(pathlib.Path(sys.argv[1]))\n"
        "for n in range(5): journal.write({'step': n})\nos.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -9
    assert [line["step"] for line in read_lines(path)] == [0, 1, 2, 3, 4]
