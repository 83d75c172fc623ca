import io
import os
import pty
import sys

import pytest

from sonde.screen.output import Output, encodable


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def test_a_pipe_gets_plain_whole_lines():
    out = io.StringIO()
    output = Output(file=out)
    output.line("x" * 200, label="data", style="red")
    output.transient("never seen")
    assert out.getvalue() == "data      " + "x" * 200 + "\n"
    assert not output.live


def test_a_terminal_gets_lines_wrapped_beside_their_label(terminal):
    Output(file=terminal).line("word " * 30, label="data")
    text = terminal.getvalue()
    assert text.startswith("\r\x1b[2K")  # over what a command says before there is a screen
    lines = text.removeprefix("\r\x1b[2K").replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
    assert len(lines) > 2
    assert lines[0].startswith("data      word")
    assert all(line.startswith("          word") and len(line) <= 60 for line in lines[1:])


def test_the_transient_line_is_replaced_and_leaves_no_trace(terminal):
    output = Output(file=terminal)
    output.transient("one " * 40)
    output.transient("two")
    output.line("done")
    shown = terminal.getvalue()
    assert shown.count("\r\x1b[2K") == 3  # before each of the two and before the real line
    assert max(map(len, shown.split("\r\x1b[2K"))) < 80  # cut to the width
    assert shown.endswith("\r\x1b[2Kdone\n")


def test_text_is_never_taken_for_markup(terminal):
    Output(file=terminal).line("[red]a[/red] [link=x]b", label="data")
    assert "[red]a[/red] [link=x]b" in terminal.getvalue()


def test_quiet_writes_nothing(terminal):
    output = Output(quiet=True, file=terminal)
    output.line("a")
    output.row("b")
    output.transient("c")
    assert terminal.getvalue() == ""


def test_a_dumb_terminal_has_no_line_in_place(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    output = Output(file=terminal)
    output.transient("x")
    assert terminal.getvalue() == ""


def test_what_the_stream_cannot_encode_is_replaced():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Output(file=stream).line("naïve – \udcff")
    stream.flush()
    assert stream.buffer.getvalue() == b"na?ve ? ?\n"  # type: ignore[attr-defined]
    assert encodable("é", sys.stdout).isprintable()


def test_a_real_terminal_is_seen_as_one(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    leader, follower = pty.openpty()
    with os.fdopen(leader, "rb"), os.fdopen(follower, "w") as stream:
        assert Output(file=stream).live


def test_names_turn_no_line_and_are_cut_but_for_what_is_copied():
    out = io.StringIO()
    output = Output(file=out)
    output.line("class \u202eabc " + "L" * 10_000, label="data")
    output.line("sonde report " + "L" * 300, label="next", whole=True)
    assert out.getvalue().splitlines() == [
        "data      class \\u202eabc " + "L" * 80 + "…" + "L" * 40,
        "next      sonde report " + "L" * 300,
    ]
