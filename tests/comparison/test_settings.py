from collections.abc import Callable
from pathlib import Path

from sonde.comparison.members import members_of
from sonde.comparison.settings import beside_settings, differing, plain_value, same_but_for_chance


def test_only_settings_that_differ_are_shown_and_not_where_runs_stand(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    make_run(tmp_path / "a", settings={"lr": 0.1, "hidden": [64], "norm": "none", "epochs": 3})
    make_run(tmp_path / "b", settings={"lr": 0.01, "hidden": [64], "epochs": 3, "seed": 2})
    assert differing(members_of([tmp_path])) == [("--lr", ["0.1", "0.01"]), ("--seed", ["0", "2"])]


def test_runs_that_only_their_seed_and_their_machine_tell_apart_are_alike(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    make_run(tmp_path / "a", settings={"seed": 1, "threads": 1})
    make_run(tmp_path / "b", settings={"seed": 2, "threads": None})
    make_run(tmp_path / "c", settings={"seed": 1, "lr": 0.5})
    make_run(tmp_path / "d", settings={"seed": 1}, data="other")
    a, b, c, d = map(same_but_for_chance, members_of([tmp_path]))
    assert a == b
    assert len({a, c, d}) == 3


def test_data_and_versions_that_differ_are_shown_beside(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    make_run(tmp_path / "a", source="mnist")
    make_run(tmp_path / "b")
    assert beside_settings(members_of([tmp_path])) == [("data", ["mnist", "digits"])]


def test_values_are_written_as_one_types_them() -> None:
    values = [None, True, [64, 32], [], 0.001, {"a": 1}, "x" * 10_000]
    assert [plain_value(value)[:12] for value in values] == ["–", "yes", "64 32", "none", "0.001", "a: 1", "x" * 12]
    assert len(plain_value("x" * 10_000)) <= 60
