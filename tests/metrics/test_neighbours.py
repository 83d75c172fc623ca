from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from sonde.metrics.neighbours import NEIGHBOURS, SHARPNESS, NeighboursMeter


def rows(features: Tensor, target: Tensor) -> dict[str, Tensor]:
    return {"loss": torch.arange(len(target)).float(), "features": features, "target": target}


def digits(count: int = 300) -> tuple[Tensor, Tensor]:
    pixels, target = load_digits(return_X_y=True)
    return torch.from_numpy(pixels[:count]).float(), torch.from_numpy(target[:count]).long()


def judged(features: Tensor, target: Tensor, *, bank: int = 10_000, batch: int = 64) -> NeighboursMeter:
    meter = NeighboursMeter(10, bank=bank)
    for index in torch.arange(len(target)).split(batch):
        meter.update(rows(features[index], target[index]), index)
    return meter


def test_the_accuracy_is_scikit_learns_leave_one_out() -> None:
    features, target = digits()
    weigh: Any = lambda distance: np.exp(-distance / SHARPNESS)  # noqa: E731 - scikit-learn types it as a string
    model = KNeighborsClassifier(NEIGHBOURS, metric="cosine", weights=weigh)
    expected = np.mean(cross_val_predict(model, features.numpy(), target.numpy(), cv=LeaveOneOut()) == target.numpy())
    assert judged(features, target).compute()["knn_accuracy"] == pytest.approx(expected, abs=0.5 / len(target))
    assert 0.9 < expected < 1


def test_features_without_a_meaning_are_as_good_as_chance() -> None:
    features = torch.randn(2000, 16, generator=torch.Generator().manual_seed(0))
    assert judged(features, torch.arange(2000) % 10).compute()["knn_accuracy"] == pytest.approx(0.1, abs=0.03)


def test_a_row_is_not_its_own_neighbour() -> None:
    assert judged(torch.eye(10), torch.arange(10)).compute()["knn_accuracy"] == 0.0


def test_the_bank_is_bounded_and_spread_over_sorted_classes() -> None:
    meter = judged(torch.randn(5000, 3), torch.arange(5000) // 500, bank=400)
    assert len(meter.bank["key"]) == 400
    counts = meter.bank["target"].bincount(minlength=10)
    assert counts.min() > 30
    assert counts.max() < 50
    assert meter.compute()["loss"] == pytest.approx(np.mean([part for index in torch.arange(5000).split(64)
                                                             for part in range(len(index))]))  # fmt: skip


def test_the_same_rows_are_kept_whatever_the_batches_and_processes() -> None:
    features, target = digits()
    whole = judged(features, target, bank=100)
    parts = [NeighboursMeter(10, bank=100) for _ in range(2)]
    for number, index in enumerate(torch.arange(len(target)).flip(0).split(37)):
        parts[number % 2].update(rows(features[index], target[index]), index)
    parts[0].merge(parts[1])
    assert all(torch.equal(whole.bank[name], parts[0].bank[name]) for name in whole.bank)
    assert parts[0].compute()["knn_accuracy"] == whole.compute()["knn_accuracy"]


def test_without_classes_or_neighbours_there_is_the_loss_alone() -> None:
    features, target = digits(4)
    unlabelled = NeighboursMeter(0)
    unlabelled.update({"loss": torch.tensor([1.0, 2.0, 3.0, 4.0]), "features": features}, torch.arange(4))
    assert unlabelled.compute() == {"loss": 2.5}
    assert judged(features[:1], target[:1]).compute() == {"loss": 0.0}
    assert unlabelled.details() == {}
