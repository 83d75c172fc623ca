import json
import re
from collections.abc import Callable
from pathlib import Path

from sonde.comparison.curves import COLOURS, curve_figures, keys_of
from sonde.comparison.members import members_of
from sonde.comparison.units import families


def test_loss_and_metric_are_drawn_by_step_and_by_time(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    make_classifier(tmp_path / "a", 10)
    make_classifier(tmp_path / "b", 40, model="b")
    (family,) = families(members_of([tmp_path]))
    figures = curve_figures(family)
    assert [figure.title for figure in figures] == [
        "Training loss, by step", "Training loss, by time",
        "Validation accuracy, higher is better, by step", "Validation accuracy, higher is better, by time",
    ]  # fmt: skip
    assert [len(re.findall(r'data-key="\d"', figure.svg)) for figure in figures] == [2, 2, 2, 2]
    low, high, *_ = map(float, re.findall(r'data-across="(.*?) linear"', figures[1].svg)[0].split())
    assert low == 0
    assert 20 <= high < 22  # forty steps of half a second; five seconds went before the first


def test_beyond_the_colours_curves_are_grey(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    for number in range(COLOURS + 2):
        make_classifier(tmp_path / f"r{number}", number, model=f"m{number}")
    (family,) = families(members_of([tmp_path]))
    assert [colour for _, colour in keys_of(family).values()] == [*range(1, COLOURS + 1), 0, 0]
    svg = curve_figures(family)[0].svg
    assert svg.count('class="c0 faint"') == 2
    assert svg.count('class="c8"') == 1


def test_a_run_without_points_is_left_out_and_said(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    make_classifier(tmp_path / "a", 10)
    empty = make_classifier(tmp_path / "b", 40, model="b")
    (empty / "metrics.jsonl").write_text("")
    (family,) = families(members_of([tmp_path]))
    figure = curve_figures(family)[0]
    assert figure.caption == "1 run without two points is not drawn."
    (tmp_path / "a" / "metrics.jsonl").write_text("")
    (family,) = families(members_of([tmp_path]))
    assert curve_figures(family) == []


def test_no_axis_of_an_accuracy_goes_beyond_a_hundred(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    for name in ("a", "b"):
        make_run(tmp_path / name, model=name)
        lines = [
            {"kind": "evaluation", "step": step, "epoch": 0, "split": "validation", "metrics": {"accuracy": score}}
            for step, score in ((20, 0.2), (40, 1.0))
        ]
        (tmp_path / name / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (family,) = families(members_of([tmp_path]))
    (figure,) = [each for each in curve_figures(family) if "accuracy" in each.title and "step" in each.title]
    assert float(re.search(r'data-up="[^ ]+ ([^ ]+) ', str(figure.svg)).group(1)) == 100.0  # pyright: ignore[reportOptionalMemberAccess]
