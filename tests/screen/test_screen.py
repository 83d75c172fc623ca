import io
import subprocess
import sys
from types import SimpleNamespace

import pytest

from sonde.core.dataset import Fact
from sonde.screen import screen as module
from sonde.screen.screen import Screen, bar


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(s=100.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now.s))
    return now


SKIPPED = {
    "check": "data",
    "name": "data-read-otherwise",
    "severity": "warning",
    "evidence": "3 images unreadable, skipped",
    "action": "",
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_opening_and_closing_of_a_run_as_plain_lines():
    out = io.StringIO()
    screen = Screen(file=out)
    screen.data([Fact("60,000 train images", "IDX files"), Fact("10 classes", "")], [SKIPPED])
    screen.task("classification", "mlp, 235,146 parameters")
    screen.plan(["2 threads (63 ms a step; 1 thread: 118)", "fp32"])
    screen.folder("runs/mnist-mlp-1")
    screen.result(
        {"objective": {"metric": "rmse", "mode": "min"}, "metrics": {"test": {"rmse": 3.7}}, "seconds": {"total": 2.0}}
    )
    screen.findings([])
    screen.findings([{"check": "a", "severity": "warning", "evidence": "e", "action": "do", "step": 3}])
    screen.next(["open runs/mnist-mlp-1/report.html"])
    screen.say("")
    assert out.getvalue() == (
        "data      60,000 train images (IDX files)\n"
        "          10 classes\n"
        "warning   3 images unreadable, skipped; or --silence data-read-otherwise\n"
        "task      classification\n"
        "model     mlp, 235,146 parameters\n"
        "plan      2 threads (63 ms a step; 1 thread: 118)\n"
        "          fp32\n"
        "run       runs/mnist-mlp-1\n"
        "result    3.700 test RMSE\n"
        "time      2.00 s:\n"
        "checks    nothing found\n"
        "warning   a at step 3: e; do\n"
        "next      open runs/mnist-mlp-1/report.html\n"
        "\n"
    )


def test_what_was_told_before_is_only_named():
    out = io.StringIO()
    Screen(file=out).findings([], told=[SKIPPED, SKIPPED])
    Screen(file=out).findings([SKIPPED | {"action": "look"}], told=[SKIPPED])
    assert out.getvalue() == (
        "checks    told above: data\n"
        "checks    told above: data\n"
        "warning   data: 3 images unreadable, skipped; look; or --silence data-read-otherwise\n"
    )


def test_errors_go_to_standard_error_as_one_line_even_when_quiet(capsys):
    Screen(quiet=True).error("titanic.csv row 3:\n'x' is not a number")
    shown = capsys.readouterr()
    assert shown.err == "sonde: error: titanic.csv row 3: 'x' is not a number\n"
    assert shown.out == ""


def test_quiet_silences_the_rest(capsys):
    screen = Screen(quiet=True)
    screen.say("a")
    screen.table("t", ["a"], [[1]])
    screen.data([Fact("a", "b")], [SKIPPED])
    assert capsys.readouterr().out == ""


def test_short_work_shows_nothing_and_long_work_every_ten_seconds(clock):
    out = io.StringIO()
    screen = Screen(file=out)
    for done in range(0, 250, 10):
        screen.tick("packing", done, 250)
        clock.s += 1.0
    screen.tick("packing", 250, 250)
    assert out.getvalue().splitlines() == ["          packing  100/250", "          packing  200/250"]


def test_a_terminal_shows_a_bar_after_a_second_and_takes_it_away(clock, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    screen = Screen(file=out)
    screen.tick("packing", 1, 4)
    clock.s += 0.9
    screen.tick("packing", 1, 4)
    assert out.getvalue() == ""
    clock.s += 0.2
    screen.tick("packing", 2, 4)
    assert "packing  ━━━━━━━━━━━━────────────  2/4" in out.getvalue()
    screen.tick("packing", 4, 4)
    assert out.getvalue().endswith("\r\x1b[2K")


def test_work_of_unknown_length_is_counted(clock):
    out = io.StringIO()
    screen = Screen(file=out)
    screen.tick("reading", 0, 0)
    clock.s += 11
    screen.tick("reading", 4200, 0)
    assert out.getvalue() == "          reading  4,200\n"


def test_bars_stay_inside():
    assert bar(9, 4, width=4) == "━━━━  "
    assert bar(1, 0) == ""


def test_a_listing_when_piped():
    out = io.StringIO()
    Screen(file=out).table("models", ["name", "parameters"], [["mlp", 235146]])
    assert out.getvalue() == "models\nname  parameters\nmlp      235,146\n"


def test_rich_and_torch_stay_out_of_a_plain_run():
    code = (
        "import sys\nfrom sonde.screen.screen import Screen\ns = Screen()\ns.say('x')\ns.table('t', ['a'], [[1]])\n"
        "with s.progress(epochs=1, steps=1, batches_per_epoch=1, objective=None): pass\n"
        "print([n for n in ('rich', 'torch', 'numpy', 'yaml', 'jinja2') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
