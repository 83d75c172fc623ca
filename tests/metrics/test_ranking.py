import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve
from torch import Tensor

from sonde.metrics.ranking import Ranking, area, at_threshold, average_precision, best_threshold, curve


def drawn(rows: int = 500, columns: int = 3, ties: bool = False) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    truth = (torch.rand(rows, columns, generator=generator) < 0.3).int()
    scores = torch.randn(rows, columns, generator=generator) * 2 + truth
    return (scores.round() if ties else scores), truth


def fed(scores: Tensor, truth: Tensor, *, sizes: int = 64, **limits: int) -> Ranking:
    ranking = Ranking(**limits)
    for part, marks in zip(scores.split(sizes), truth.split(sizes), strict=True):
        ranking.update(part, marks)
    return ranking


@pytest.mark.parametrize("ties", [False, True])
def test_areas_and_precisions_are_scikit_learns(ties: bool) -> None:
    scores, truth = drawn(ties=ties)
    for column, counts in enumerate(fed(scores, truth).counts()):
        reference = truth[:, column].numpy(), scores[:, column].numpy()
        assert area(counts) == pytest.approx(roc_auc_score(*reference), abs=1e-12)
        assert average_precision(counts) == pytest.approx(average_precision_score(*reference), abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_the_curve_is_scikit_learns(ties: bool) -> None:
    scores, truth = drawn(rows=150, columns=1, ties=ties)
    found = curve(fed(scores, truth).counts()[0])
    fpr, tpr, thresholds = roc_curve(truth[:, 0].numpy(), scores[:, 0].numpy(), drop_intermediate=False)
    assert found["fpr"] == pytest.approx(fpr[1:].tolist())  # scikit-learn adds a point at (0, 0)
    assert found["tpr"] == pytest.approx(tpr[1:].tolist())
    assert found["thresholds"] == pytest.approx((1 / (1 + np.exp(-thresholds[1:]))).tolist(), rel=1e-5)
    precision, recall, _ = precision_recall_curve(truth[:, 0].numpy(), scores[:, 0].numpy())
    assert found["precision"] == pytest.approx(precision[-2::-1].tolist())
    assert found["recall"] == pytest.approx(recall[-2::-1].tolist())


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    scores, truth = drawn(rows=5000, columns=1)
    found = curve(fed(scores, truth).counts()[0])
    assert all(len(values) == 200 for values in found.values())
    assert (found["fpr"][-1], found["tpr"][-1]) == (1.0, 1.0)


def test_uncounted_entries_are_left_out() -> None:
    scores, truth = drawn(columns=1)
    counted = torch.arange(500)[:, None] % 3 > 0
    ranking, binned = Ranking(), Ranking(max_rows=10)
    kept = counted[:, 0].numpy()
    expected = roc_auc_score(truth[:, 0].numpy()[kept], scores[:, 0].numpy()[kept])
    for made in (ranking, binned):
        made.update(scores, truth, counted)
        counts = made.counts()[0]
        assert counts.true[-1] + counts.false[-1] == kept.sum()
        assert area(counts) == pytest.approx(expected, abs=1e-3 if made.binned else 1e-12)


def test_merged_is_one_pass_in_every_combination_of_kept_and_binned() -> None:
    scores, truth = drawn()
    whole = fed(scores, truth)
    for first, second in [(10**6, 10**6), (10**6, 100), (100, 10**6), (100, 100)]:
        one = fed(scores[:300], truth[:300], max_rows=first)
        one.merge(fed(scores[300:], truth[300:], max_rows=second))
        assert one.rows == 500
        assert one.binned == (min(first, second) == 100)
        reference = fed(scores, truth, max_rows=100) if one.binned else whole
        assert [area(c) for c in one.counts()] == [area(c) for c in reference.counts()]


def test_binned_areas_are_near_the_exact_ones_whatever_the_order() -> None:
    generator = torch.Generator().manual_seed(1)
    truth = (torch.rand(20_000, 2, generator=generator) < 0.2).int()
    scores = torch.randn(20_000, 2, generator=generator) * torch.tensor([0.5, 8.0]) + truth * torch.tensor([0.4, 9.0])
    exact, binned = fed(scores, truth, sizes=1000), fed(scores, truth, sizes=1000, max_rows=1500)
    shuffled = torch.randperm(20_000, generator=generator)
    again = fed(scores[shuffled], truth[shuffled], sizes=777, max_rows=10_000)
    assert binned.binned
    assert not exact.binned
    for one, other, third in zip(exact.counts(), binned.counts(), again.counts(), strict=True):
        assert area(other) == pytest.approx(area(one), abs=2e-4)
        assert average_precision(other) == pytest.approx(average_precision(one), abs=2e-3)
        assert area(other) == area(third)


def test_many_columns_are_binned_by_their_entries() -> None:
    scores, truth = drawn(columns=5)
    assert fed(scores, truth, max_entries=1000).binned


def test_extreme_scores_keep_their_order() -> None:
    scores = torch.tensor([[-torch.inf], [-100.0], [100.0], [torch.inf]])
    truth = torch.tensor([[0], [0], [1], [1]])
    for limit in (10, 2):
        assert area(fed(scores, truth, max_rows=limit).counts()[0]) == 1.0


def test_what_is_undefined_is_nan() -> None:
    counts = fed(torch.randn(10, 1), torch.zeros(10, 1)).counts()[0]
    assert np.isnan(area(counts))
    assert np.isnan(average_precision(counts))
    assert best_threshold(counts) is None


def test_best_threshold_has_the_best_f1_of_all() -> None:
    scores, truth = drawn(rows=200, columns=1, ties=True)
    counts = fed(scores, truth).counts()[0]
    precision, recall, _ = precision_recall_curve(truth[:, 0].numpy(), scores[:, 0].numpy())
    best = np.nanmax(2 * precision * recall / np.maximum(precision + recall, 1e-12))
    chosen = best_threshold(counts)
    assert chosen is not None
    true, false = at_threshold(counts, chosen)
    assert 2 * true / (true + false + int(truth.sum())) == pytest.approx(best)
    called = scores[:, 0] >= chosen
    assert (true, false) == (int(truth[called, 0].sum()), int((1 - truth[called, 0]).sum()))


def test_nothing_is_at_a_threshold_above_all_scores() -> None:
    assert at_threshold(fed(*drawn(columns=1)).counts()[0], 1e9) == (0.0, 0.0)
