import pytest
import torch
from torch import Tensor

from sonde.core.dataset import Column, InputSpec
from sonde.explain.columns import groups_of, moves, permutation_importance

GROUPS = {"a": [0], "b": [1], "c": [2, 3]}


def data() -> tuple[Tensor, Tensor]:
    input = torch.randn(4000, 4, generator=torch.Generator().manual_seed(0))
    return input, 3 * input[:, 0] + input[:, 2] + input[:, 3]


def test_importances_are_those_of_the_made_function() -> None:
    input, target = data()

    def square_error(changed: Tensor) -> float:
        return float((3 * changed[:, 0] + changed[:, 2] + changed[:, 3] - target).square().mean())

    found = {one.column: one for one in permutation_importance(square_error, input, GROUPS, larger=False, seconds=60)}
    # permuting x adds the variance of w (x - x'): 2 w² Var(x); features of a column move together
    assert list(found) == ["a", "c", "b"]
    assert found["a"].mean == pytest.approx(18, rel=0.1)
    assert found["c"].mean == pytest.approx(4, rel=0.1)
    assert found["b"].mean == 0
    assert len(found["a"].drops) == 5


def test_a_metric_that_is_to_be_large_falls() -> None:
    input, target = data()

    def accuracy(changed: Tensor) -> float:
        return float(((3 * changed[:, 0] + changed[:, 2] + changed[:, 3] > 0) == (target > 0)).float().mean())

    found = permutation_importance(accuracy, input, GROUPS, larger=True, seconds=60)
    assert found[0].column == "a"
    assert 0.3 < found[0].mean < 0.5


def test_without_time_nothing_is_measured() -> None:
    clock = iter(float(n) for n in range(1000))
    input, _ = data()
    assert permutation_importance(lambda _: 1.0, input, GROUPS, larger=True, seconds=2, now=lambda: next(clock)) == []
    few = permutation_importance(lambda _: 1.0, input, GROUPS, larger=True, seconds=7, now=lambda: next(clock))
    assert [len(one.drops) for one in few] == [2, 2, 2]


def test_a_linear_answer_is_moved_by_its_weight_times_the_distance_from_the_mean() -> None:
    input, _ = data()
    weights = torch.tensor([3.0, 0.0, 1.0, -2.0])
    rows, others = input[:5], input[100:132]
    found = moves(lambda inputs, _: inputs @ weights, rows, others, GROUPS)
    away = (rows - others.mean(0)) * weights
    assert found["a"].tolist() == pytest.approx(away[:, 0].tolist(), abs=1e-5)
    assert found["b"].abs().max() < 1e-5
    assert found["c"].tolist() == pytest.approx(away[:, 2:].sum(1).tolist(), abs=1e-5)


def test_each_row_is_asked_about_its_own_answer() -> None:
    rows = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    found = moves(lambda inputs, of: inputs[:, 0] * torch.tensor([1.0, -1.0])[of], rows, torch.zeros(4, 2), {"x": [0]})
    assert found["x"].tolist() == [1.0, -1.0]


def test_features_of_one_column_belong_together() -> None:
    columns = tuple(
        Column(name=name, kind="number", source=source)
        for name, source in (("age", "age"), ("age missing", "age"), ("b", "b"))
    )
    assert groups_of(InputSpec(kind="table", shape=(3,), columns=columns)) == {"age": [0, 1], "b": [2]}
    assert groups_of(InputSpec(kind="arrays", shape=(2,))) == {"feature 0": [0], "feature 1": [1]}


def test_columns_for_which_no_time_is_left_are_left_out() -> None:
    clock = iter(float(n) for n in range(100))
    found = moves(
        lambda inputs, _: inputs[:, 0],
        torch.ones(2, 4),
        torch.zeros(9, 4),
        GROUPS,
        seconds=1.5,
        now=lambda: next(clock),
    )
    assert list(found) == ["a", "b"]
    assert found["a"].tolist() == [1.0, 1.0]
