"""What was found in several runs is said once."""

import io
from collections.abc import Callable
from pathlib import Path

from sonde.comparison.members import members_of
from sonde.comparison.result import compare_runs, written
from sonde.comparison.told import mark, told_once
from sonde.screen.screen import Screen

SPIKY = {"check": "spikes", "severity": "warning", "evidence": "norm 21", "action": "try --clip 1", "step": 3}


def test_a_warning_of_several_runs_is_said_once_with_their_names(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    for name in ("a", "b", "c", "d", "e"):
        make_run(tmp_path / name, findings=[SPIKY] if name != "e" else [{**SPIKY, "severity": "note"}])
    members = members_of([tmp_path])
    ((said,), more) = told_once(members)
    assert (said.check, said.runs, said.of, said.evidence, more) == ("spikes", "a, b, c, d", "", "norm 21", 0)
    assert mark(members[:1]) == "spikes"
    assert mark(members[4:]) == ""


def test_numbers_that_differ_are_those_of_a_run_that_is_named(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    make_run(tmp_path / "a", findings=[SPIKY])
    make_run(
        tmp_path / "b", findings=[{**SPIKY, "evidence": "norm 40"}, {**SPIKY, "check": "late", "severity": "error"}]
    )
    (late, spikes), _ = told_once(members_of([tmp_path]))
    assert (late.check, late.runs) == ("late", "b")
    assert (spikes.runs, spikes.of, spikes.evidence) == ("a, b", "a", "norm 21")
    assert mark(members_of([tmp_path / "b"])) == "late +1"


def test_the_screen_marks_runs_with_warnings_and_says_what_differs(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    make_classifier(tmp_path / "a", 10)
    make_classifier(tmp_path / "b", 10, settings={"lr": 0.25}, findings=[SPIKY])
    shown = io.StringIO()
    found = written(compare_runs([tmp_path]), tmp_path / "c.html")
    found.show(Screen(file=shown))
    lines = shown.getvalue().splitlines()
    assert any(line.endswith(" spikes") and line.startswith("b ") for line in lines)
    assert "differ    --lr: 0.001 (a); 0.25 (b)" in lines
    assert "+0" not in shown.getvalue()
    assert "-0.00" not in (tmp_path / "c.html").read_text()
