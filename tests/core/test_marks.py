import shutil
import subprocess

import pytest

from sonde.core.marks import cut_words, shell_quoted, visible

FLIPPED = "runs/it's \u202eabc\\n\u2069"


def test_every_mark_that_turns_text_is_seen():
    marks = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    assert visible(marks) == "".join(f"\\u{ord(mark):04x}" for mark in marks)
    assert visible("שלום, a\u00a0b") == "שלום, a\u00a0b"


def test_words_are_cut_and_paths_are_not():
    assert cut_words(f"class {'L' * 10_000} is rare") == f"class {'L' * 80}…{'L' * 40} is rare"
    path = "/".join(["n" * 240] * 4)
    assert cut_words(path) == path


@pytest.mark.skipif(shutil.which("bash") is None, reason="the shell that reads it")
def test_a_command_with_such_a_name_can_be_copied():
    quoted = shell_quoted(FLIPPED)
    assert "\u202e" not in quoted
    told = subprocess.run(
        ["bash", "-c", f"printf %s {quoted}"], capture_output=True, env={"LC_ALL": "C.UTF-8"}, check=True
    )
    assert told.stdout.decode() == FLIPPED
    assert shell_quoted("a b") == "'a b'"
