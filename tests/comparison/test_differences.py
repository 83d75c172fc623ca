import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sonde.comparison.differences import from_the_best
from sonde.comparison.members import members_of
from sonde.comparison.units import families
from sonde.comparison.words import cautions, headline
from sonde.metrics.intervals import bootstrap_difference, mcnemar, newcombe, pooled, student


def compared(folder: Path, metric: str = ""):
    (family,) = families(members_of([folder]), metric)
    return family, from_the_best(family)


def test_runs_on_the_same_rows_are_compared_row_by_row(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    """190 and 180 right: that is noise by their own intervals, and none where the ten more rows are all that differs."""
    make_classifier(tmp_path / "a", 10)
    make_classifier(tmp_path / "b", 20, model="other")
    _, found = compared(tmp_path)
    b = found["b"]
    assert b.value == pytest.approx(-0.05)
    assert b.beyond
    assert b.how == f"the same 200 rows: 0 right here only, 10 there only; McNemar p = {mcnemar(10, 0):.2g}"
    assert b.interval == bootstrap_difference([0.0] * 200, [0.0] * 10 + [1.0] * 10 + [0.0] * 180)


def test_mistakes_on_other_rows_make_the_same_difference_noise(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    make_classifier(tmp_path / "a", 10)
    make_classifier(tmp_path / "b", 20, at=100, model="other")
    _, found = compared(tmp_path)
    assert not found["b"].beyond
    assert mcnemar(10, 20) > 0.05
    assert found["b"].interval is not None
    assert found["b"].interval.holds(0)


def test_rows_that_differ_are_compared_by_both_intervals(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    make_classifier(tmp_path / "a", 10)
    make_classifier(tmp_path / "b", 20, rows_seed=1, model="other")
    _, found = compared(tmp_path)
    interval = newcombe((180, 200), (190, 200))
    assert found["b"].interval is not None
    assert (found["b"].interval.low, found["b"].interval.high) == pytest.approx((interval.low, interval.high))
    assert (found["b"].beyond, found["b"].how) == (False, "not known to be the same rows, so treated as different ones")


def test_pairs_of_seeds_and_the_rows_must_both_say_so(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    for seed, wrong in enumerate((10, 12, 14)):
        make_classifier(tmp_path / f"a{seed}", wrong, rows_seed=seed, settings={"seed": seed})
        make_classifier(tmp_path / f"b{seed}", 2 * wrong, rows_seed=seed, settings={"seed": seed}, model="other")
    _, found = compared(tmp_path)
    (other,) = found.values()
    expected = student([-0.05, -0.06, -0.07])
    assert other.interval is not None
    assert (other.interval.low, other.interval.high) == pytest.approx((expected.low, expected.high))
    assert (other.beyond, other.how) == (True, "3 pairs of seeds")  # each seed has rows of its own


def test_a_single_run_is_judged_by_the_spread_of_others_seeds(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    for seed, wrong in enumerate((4, 10, 16)):
        make_classifier(tmp_path / f"a{seed}", wrong, settings={"seed": seed})
    make_classifier(tmp_path / "b", 20, model="other")
    _, found = compared(tmp_path)
    spread = pooled([[0.98, 0.95, 0.92], [0.9]])
    assert spread is not None
    expected = spread.difference(-0.05, 1, 3)
    b = found["b"]
    assert b.interval is not None
    assert (b.interval.low, b.interval.high) == pytest.approx((expected.low, expected.high))
    assert not b.beyond  # though all rows that differ are in favour of one
    assert b.how == "the spread over seeds of all runs here; the same 200 rows, paired bootstrap"


def test_several_comparisons_share_the_chance_of_a_false_one(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    """6 rows of 6 are a p-value of 0.031: a difference between two runs, and none among four."""
    make_classifier(tmp_path / "a", 10)
    make_classifier(tmp_path / "b", 16, model="b")
    assert compared(tmp_path)[1]["b"].beyond
    make_classifier(tmp_path / "c", 17, model="c")
    make_classifier(tmp_path / "d", 18, model="d")
    assert not compared(tmp_path)[1]["b"].beyond


def test_scores_on_other_data_are_not_compared(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    make_classifier(tmp_path / "a", 10)
    make_classifier(tmp_path / "b", 90, data="other")
    _, found = compared(tmp_path)
    assert (found["b"].beyond, found["b"].interval, found["b"].how) == (None, None, "on other data")


def test_regressions_are_compared_by_paired_resamples(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    rng = np.random.default_rng(0)
    target, noise = rng.normal(50, 10, 300), rng.normal(size=300)
    for name, factor in (("a", 1.0), ("b", 1.1)):
        prediction = target + factor * noise
        answers = {"rows": 300, "index": None, "target": target.tolist(), "prediction": prediction.tolist()}
        rmse = float(np.sqrt(np.square(prediction - target).mean()))
        make_run(tmp_path / name, task="regression", metric="rmse", mode="min", score=rmse, answers=answers, model=name)
    family, found = compared(tmp_path)
    assert [unit.name for unit in family.units] == ["a", "b"]
    a, b = (unit.interval for unit in family.units)
    assert a is not None
    assert b is not None
    assert a.high > b.low  # by themselves they could be the same
    assert found["b"].beyond
    assert found["b"].interval is not None
    assert 0 < found["b"].interval.low < found["b"].value < found["b"].interval.high


def test_without_answers_nothing_tells_the_noise(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    make_run(tmp_path / "a", score=0.9)
    make_run(tmp_path / "b", score=0.5, model="b")
    _, found = compared(tmp_path)
    assert (found["b"].beyond, found["b"].how) == (None, "the noise is not known")


def test_error_rates_of_the_same_recordings_are_paired(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    edits = np.random.default_rng(0).integers(0, 6, 50)
    for name, more in (("a", 0), ("b", 1)):
        folder = make_run(
            tmp_path / name, metric="wer", mode="min", score=float((edits + more).sum() / 500), model=name
        )
        columns = {"word_edits": (edits + more).tolist(), "words": [10] * 50}
        sums = {"unit": "recordings", "rows": 50, "index": None, "columns": columns}
        (folder / "evaluation" / "test").mkdir(parents=True)
        (folder / "evaluation" / "test" / "sums.json").write_text(json.dumps(sums))
    family, found = compared(tmp_path)
    assert family.units[0].name == "a"
    assert family.units[0].why == "50 recordings"
    interval = family.units[0].interval
    assert interval is not None
    assert interval.holds(float(edits.mean() / 10))
    assert found["b"].how == "the same 50 recordings, paired bootstrap"
    assert found["b"].interval is not None
    assert (found["b"].interval.low, found["b"].interval.high) == pytest.approx((0.1, 0.1))  # one edit more in each
    assert found["b"].beyond


def test_the_loss_is_compared_row_by_row_where_it_is_the_mean_of_the_rows(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    generator = np.random.default_rng(0)
    losses = {name: generator.uniform(low, low + 0.1, 200) for name, low in (("a", 0.1), ("b", 0.5), ("c", 0.3))}
    for name, rows in losses.items():
        folder = make_classifier(tmp_path / name, 10, model=name)
        evaluation, result = folder / "evaluation" / "test", folder / "result.json"
        answers = json.loads((evaluation / "answers.json").read_text()) | {"log_loss": rows.tolist()}
        (evaluation / "answers.json").write_text(json.dumps(answers))
        loss = float(rows.mean()) * (2 if name == "c" else 1)  # that of c is more than its rows' log losses
        (evaluation / "metrics.json").write_text(json.dumps({"loss": loss}))
        scores = json.loads(result.read_text())
        scores["metrics"]["test"]["loss"] = loss
        result.write_text(json.dumps(scores))
    family, found = compared(tmp_path, "loss")
    assert family.scored[0].interval is not None
    assert found["b"].beyond
    assert found["b"].how == "the same 200 rows, paired bootstrap"
    assert found["c"].how == "the noise is not known"
    family, found = compared(tmp_path, "log_loss")  # which result.json does not have
    assert [unit.value for unit in family.units] == [pytest.approx(losses[name].mean()) for name in "acb"]
    assert found["c"].beyond


def test_losses_of_different_functions_are_not_judged(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    for name, score in (("a", 0.5), ("b", 0.2)):
        code = {"loss": {"name": name, "hash": name}}
        make_run(tmp_path / name, metric="loss", mode="min", score=score, answers=None, code=code)
    family, found = compared(tmp_path)
    assert found["a"].how == "measured by another function"
    assert headline(family, found) == "Different loss functions: scores not comparable"
    assert "a: loss is another function there than in b" in cautions([family], family.members)[0]
