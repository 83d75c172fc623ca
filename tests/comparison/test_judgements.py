"""Runs compared by what one judge measured of their samples, and when they are not."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sonde.comparison.judgements import by_judgements
from sonde.comparison.members import members_of
from sonde.comparison.result import Comparison, compare_runs, written
from sonde.core.errors import ConfigError
from sonde.screen.screen import Screen


def judged(folder: Path, frechet: float, *, kernel: float = 0.5, judge: str = "a1b2", rows: int = 400) -> None:
    """An evaluation/sample_quality.json as `sonde eval --judge` writes it."""
    measures: list[dict[str, Any]] = [
        {"name": "frechet_distance", "better": "lower", "value": frechet, "real": 2.25},
        {"name": "kernel_distance", "better": "lower", "value": kernel, "error": 0.02, "real": 0.0, "real_error": 0.01},
        {"name": "class_agreement", "better": "higher", "value": 0.9, "interval": [0.86, 0.93], "real": 0.99},
    ]
    content = {
        "samples": {"number": rows, "seed": 0, "guidance": 1.0},
        "weights": "f00d",
        "step": None,
        "judge": {"run": "runs/judge", "weights": judge, "layer": "fc", "features": 8},
        "preprocessing": "28x28 pixels",
        "data": "digits",
        "split": "test",
        "n": rows,
        "measures": measures,
        "memorisation": None,
    }
    (folder / "evaluation").mkdir(exist_ok=True)
    (folder / "evaluation" / "sample_quality.json").write_text(json.dumps(content))


@pytest.fixture
def pair(tmp_path: Path, make_run: Callable[..., Path]) -> tuple[Path, Path]:
    """Two generating runs whose losses are of different quantities, and tell the wrong way."""
    a = make_run(tmp_path / "a", task="diffusion", metric="loss", mode="min", score=0.02)
    b = make_run(tmp_path / "b", task="flow-matching", metric="loss", mode="min", score=0.31)
    return a, b


def shown(found: Comparison) -> str:
    out = io.StringIO()
    found.show(Screen(file=out))
    return " ".join(out.getvalue().split())


def test_losses_of_different_tasks_are_nothing_to_compare_by_and_judgements_are(pair: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match="nothing to be compared by"):
        compare_runs(pair)
    judged(pair[0], 9.5)
    judged(pair[1], 4.5)
    found = compare_runs(pair)
    (family,) = found.families
    assert (family.task, family.metric, family.higher) == ("samples", "frechet_distance", False)
    assert [(unit.name, unit.value) for unit in family.units] == [("b", 4.5), ("a", 9.5)]
    text = shown(found)
    assert "b leads; the noise is not known" in text
    assert "Fréchet distance of samples beside test rows, lower is better" in text
    assert "400 samples beside as many test rows, by judge runs/judge; 2.25 between two halves of the real rows" in text
    assert "Training loss" not in written(found, pair[0].parent / "c.html").page.read_text()  # type: ignore[union-attr]


def test_measures_with_an_error_tell_what_is_beyond_noise(pair: tuple[Path, Path]) -> None:
    judged(pair[0], 9.5, kernel=0.50)
    judged(pair[1], 4.5, kernel=0.30)
    found = compare_runs(pair, metric="kernel_distance")
    difference = found.differences[0]["a"]
    assert difference.beyond is True
    assert difference.value == pytest.approx(0.2)
    assert difference.interval is not None
    assert difference.interval.low == pytest.approx(0.2 - 1.96 * (2 * 0.02**2) ** 0.5, abs=1e-4)
    judged(pair[1], 4.5, kernel=0.47)
    assert compare_runs(pair, metric="kernel_distance").differences[0]["a"].beyond is False


@pytest.mark.parametrize("how", [{"judge": "c3d4"}, {"rows": 200}])
def test_other_judges_and_other_numbers_of_rows_are_not_compared(
    pair: tuple[Path, Path], how: dict[str, Any], tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    judged(pair[0], 9.5)
    judged(pair[1], 4.5, **how)
    with pytest.raises(ConfigError, match="nothing to be compared by"):
        compare_runs(pair)
    third = make_run(tmp_path / "c", task="gan", metric="kernel_distance", mode="min", score=0.1)
    judged(third, 7.0)
    found = compare_runs([*pair, third])
    assert [unit.name for unit in found.families[0].units] == ["c", "a"]
    assert "b is not measured by the judge of a" in shown(found)
    assert "--judge runs/judge" in shown(found)


def test_the_loss_is_still_there_to_compare_by(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    for name, loss in (("a", 0.5), ("b", 0.4)):
        judged(
            make_run(tmp_path / name, task="diffusion", metric="loss", mode="min", score=loss, settings={"lr": loss}),
            5.0,
        )
    assert compare_runs([tmp_path]).families[0].metric == "frechet_distance"
    assert compare_runs([tmp_path], metric="loss").families[0].units[0].value == 0.4


def test_a_judgement_of_an_earlier_checkpoint_or_that_cannot_be_read_is_none(pair: tuple[Path, Path]) -> None:
    judged(pair[0], 9.5)
    judged(pair[1], 4.5)
    file = pair[1] / "evaluation" / "sample_quality.json"
    for change in ({"step": 12}, {"measures": [{"name": "frechet_distance", "value": "much"}]}, {"judge": "me"}):
        judged(pair[1], 4.5)
        file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
        assert [member.judged for member in by_judgements(members_of(pair))] == [None, None]
