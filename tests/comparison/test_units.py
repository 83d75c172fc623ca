from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sonde.comparison.members import members_of
from sonde.comparison.units import families
from sonde.metrics.intervals import student, wilson


def test_seeds_of_the_same_settings_are_one_unit_with_their_mean_and_spread(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    for seed, wrong in ((0, 10), (1, 14), (2, 12)):
        make_classifier(tmp_path / f"a{seed}", wrong, settings={"seed": seed})
    make_classifier(tmp_path / "b", 30, settings={"lr": 0.5})
    (family,) = families(members_of([tmp_path]))
    seeds, single = family.units
    scores = [1 - wrong / 200 for wrong in (10, 14, 12)]
    assert (seeds.name, list(seeds.values), seeds.interval) == ("mlp (3 seeds)", scores, student(scores))
    assert seeds.spread == pytest.approx(0.01)
    assert (single.name, single.interval, single.why) == ("b", wilson(170, 200), "200 rows")


def test_two_seeds_have_no_interval_and_a_seed_counts_once(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    for name, seed in (("a", 0), ("b", 1), ("c", 1)):
        make_classifier(tmp_path / name, 10, settings={"seed": seed})
    ((unit,),) = [family.units for family in families(members_of([tmp_path]))]
    assert (unit.seeds, unit.interval, unit.why) == (["0", "1"], None, "mean of 2 seeds")
    assert [member.name for member in unit.repeats] == ["c"]


def test_every_run_that_was_named_is_in_a_unit_or_told_as_a_repeat(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    for name, seed, wrong in (("a0", 0, 10), ("a1", 1, 12), ("b0", 0, 10), ("c0", 0, 4), ("d0", 0, 30)):
        make_classifier(tmp_path / name, wrong, settings={"seed": seed})
    (family,) = families(members_of([tmp_path]))
    found = [
        (unit.name, [each.name for each in unit.members], [each.name for each in unit.repeats]) for unit in family.units
    ]
    assert found == [
        ("c0", ["c0"], []),  # the same seed with another score: the best of them is not lost
        ("mlp (2 seeds)", ["a0", "a1"], ["b0"]),
        ("d0", ["d0"], []),
    ]


def test_networks_and_losses_of_ones_own_are_settings(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    nets = {"small": "Linear(in=16)", "wide": "Linear(in=64)"}
    for net, text in nets.items():
        for seed, wrong in enumerate((10, 12, 14)):
            code = {"python": "3.11", "network": {"name": "Sequential", "hash": net, "text": text}}
            make_classifier(tmp_path / f"{net}{seed}", wrong + len(net), settings={"seed": seed}, code=code)
    smooth = {"network": {"name": "Sequential", "hash": "wide"}, "loss": {"name": "smooth", "hash": "1"}}
    make_classifier(tmp_path / "smooth", 40, code=smooth)
    (family,) = families(members_of([tmp_path]))
    assert [unit.name for unit in family.units] == [
        "Sequential wide0… (3 seeds)",
        "Sequential small0… (3 seeds)",
        "smooth",
    ]
    assert sorted(member.name for member in family.members) == sorted(path.name for path in tmp_path.iterdir())


def test_observers_are_no_setting(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    make_classifier(tmp_path / "a", 10, code={"observer seen": {"name": "seen", "hash": "1"}})
    make_classifier(tmp_path / "b", 12, settings={"seed": 1}, code={})
    (family,) = families(members_of([tmp_path]))
    assert [unit.seeds for unit in family.units] == [["0", "1"]]


def test_units_that_differ_by_a_third_setting_have_names_of_their_own(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    for name, third in (("a", 1), ("b", 2)):
        for seed in (0, 1):
            given = {"seed": seed, "lr": 0.1, "hidden": "x" * 30 + str(third) + "x" * 30}
            make_classifier(tmp_path / f"{name}{seed}", 10 * third, settings=given)
    (family,) = families(members_of([tmp_path]))
    assert len({unit.name for unit in family.units}) == 2


def test_an_interval_of_shares_ends_where_shares_do(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    for seed, wrong in enumerate((0, 1, 30)):
        make_classifier(tmp_path / f"{seed}", wrong, settings={"seed": seed})
    ((unit,),) = [family.units for family in families(members_of([tmp_path]))]
    assert unit.interval is not None
    assert unit.interval.high == 1.0


def test_tasks_metrics_and_data_have_parts_of_their_own(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    for name in ("a", "b", "c"):
        make_run(tmp_path / name, settings={"lr": len(name)})
    make_run(tmp_path / "c-open", score=None)
    make_run(tmp_path / "house", task="regression", metric="rmse", mode="min", score=3.0)
    make_run(tmp_path / "x1", data="x")
    make_run(tmp_path / "y1", data="y")
    found = families(members_of([tmp_path]))
    names = [(family.task, family.metric, [member.name for member in family.members]) for family in found]
    assert names == [
        ("classification", "accuracy", ["x1", "y1"]),  # of data that no other run had
        ("classification", "accuracy", ["a", "c-open"]),  # b and c repeat a
        ("regression", "rmse", ["house"]),
    ]


def test_the_best_is_first_as_the_metric_has_it(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    for name, score in (("a", 3.0), ("b", 2.0), ("c", None)):
        make_run(tmp_path / name, task="regression", metric="rmse", mode="min", score=score, model=name)
    (family,) = families(members_of([tmp_path]))
    assert [unit.name for unit in family.units] == ["b", "a", "c"]
    (other,) = families(members_of([tmp_path]), "other")
    assert (other.higher, [unit.name for unit in other.units]) == (None, ["a", "b", "c"])


def test_a_run_without_answers_is_judged_by_its_confusion_matrix(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    import json

    folder = make_run(tmp_path / "a", score=0.75)
    make_run(tmp_path / "b", score=0.5, model="other")
    (folder / "evaluation" / "test").mkdir(parents=True)
    table = {"names": ["x", "y"], "counts": [[40, 10], [15, 35]]}
    (folder / "evaluation" / "test" / "confusion.json").write_text(json.dumps(table))
    (family,) = families(members_of([tmp_path]))
    a, b = family.units
    assert (a.interval, a.why) == (wilson(75, 100), "100 rows")
    assert (b.interval, b.why) == (None, "predictions of single rows were not kept")


def test_folds_are_judged_by_all_their_rows(tmp_path: Path, make_classifier: Callable[..., Path]) -> None:
    whole = make_classifier(tmp_path / "a", 10)
    for fold in (1, 2):
        make_classifier(whole / f"fold-{fold}", 10 * fold, rows_seed=fold)
    make_classifier(tmp_path / "b", 10, settings={"lr": 3})
    (family,) = families(members_of([tmp_path]))
    folds = next(unit for unit in family.units if unit.members[0].folds)
    assert folds.why == "400 rows of 2 folds"
    assert folds.interval == wilson(380, 400)  # around the mean of the folds, which result.json has
    assert np.mean(folds.values) == pytest.approx(0.95)


def test_seeds_with_equal_scores_have_the_interval_of_the_rows(
    tmp_path: Path, make_classifier: Callable[..., Path]
) -> None:
    for seed in range(3):
        make_classifier(tmp_path / f"s{seed}", 10, settings={"seed": seed})
    make_classifier(tmp_path / "other", 10, model="b")
    (family,) = families(members_of([tmp_path]))
    seeds = next(unit for unit in family.units if len(unit.members) == 3)
    assert seeds.interval == wilson(190, 200)
    assert seeds.why == "mean of 3 seeds with equal scores; the interval is of 200 rows"
