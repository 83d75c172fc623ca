import math

import pytest
import torch

from sonde.metrics.ranking import Ranking
from sonde.metrics.roc import area_interval, class_curves


def counts_of(scores: list[float], truth: list[int]):
    ranking = Ranking()
    ranking.update(torch.tensor(scores)[:, None], torch.tensor(truth)[:, None])
    return ranking.counts()[0]


def delong(scores: torch.Tensor, truth: torch.Tensor) -> tuple[float, float]:
    """(area, its standard error) pair by pair, as the paper defines both."""
    positives, negatives = scores[truth == 1].double(), scores[truth == 0].double()
    order = (positives[:, None] > negatives).double() + 0.5 * (positives[:, None] == negatives).double()
    one, other = order.mean(1), order.mean(0)
    return float(order.mean()), float(one.var() / len(positives) + other.var() / len(negatives)) ** 0.5


def test_the_interval_is_delongs_in_log_odds():
    generator = torch.Generator().manual_seed(0)
    truth = (torch.rand(400, generator=generator) < 0.3).long()
    scores = (torch.randn(400, generator=generator) + truth).mul(4).round() / 4  # with ties
    found, error = delong(scores, truth)
    interval = area_interval(counts_of(scores.tolist(), truth.tolist()))
    assert interval is not None
    half = 1.959964 * error / (found * (1 - found))
    odds = [math.log(end / (1 - end)) for end in (interval.low, interval.high)]
    assert odds == pytest.approx([math.log(found / (1 - found)) + sign * half for sign in (-1, 1)], rel=1e-6)


def test_the_interval_holds_the_closed_form_as_often_as_it_says():
    shift = 1.0
    true_area = 0.5 * (1 + math.erf(shift / 2))  # of two normals a standard deviation apart: Phi(shift / sqrt 2)
    generator = torch.Generator().manual_seed(1)
    held = 0
    for _ in range(300):
        truth = torch.arange(120) % 2
        scores = torch.randn(120, generator=generator) + shift * truth
        interval = area_interval(counts_of(scores.tolist(), truth.tolist()))
        held += interval is not None and interval.holds(true_area)
    assert 0.91 < held / 300 < 0.985


def test_a_faultless_order_is_not_certain():
    interval = area_interval(counts_of([4.0, 3.0, 2.0, 1.0, 0.0], [1, 1, 0, 0, 0]))
    assert interval is not None
    assert interval.high == 1
    assert interval.low < 0.5  # of two rows little is known


def test_with_one_truth_there_is_no_curve():
    assert area_interval(counts_of([1.0, 2.0], [1, 1])) is None
    assert class_curves([counts_of([1.0, 2.0], [1, 1])], ["a"]) == []


def test_a_curve_by_hand():
    (found,) = class_curves([counts_of([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0])], ["ill"])
    assert (found["name"], found["positives"], found["negatives"]) == ("ill", 2, 2)
    assert found["auroc"] == 0.75
    assert found["average_precision"] == pytest.approx((1 + 2 / 3) / 2, abs=1e-6)
    assert (found["fpr"], found["tpr"]) == ([0.0, 0.5, 0.5, 1.0], [0.5, 0.5, 1.0, 1.0])
    assert found["precision"] == [1.0, 0.5, 0.6667, 0.5]


def test_long_curves_are_thinned_to_their_ends():
    generator = torch.Generator().manual_seed(2)
    scores = torch.randn(5000, generator=generator)
    (found,) = class_curves([counts_of(scores.tolist(), [n % 2 for n in range(5000)])], ["a"])
    assert len(found["fpr"]) <= 80
    assert (found["fpr"][-1], found["tpr"][-1]) == (1.0, 1.0)
