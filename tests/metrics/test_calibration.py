import numpy as np
import pytest
import torch
from sklearn.calibration import calibration_curve

from sonde.metrics.calibration import Calibration


def drawn(rows: int = 400) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    confidence = torch.rand(rows, generator=generator, dtype=torch.float64) * 0.7 + 0.3
    return confidence, torch.rand(rows, generator=generator) < confidence**2


def test_bins_are_scikit_learns_and_the_error_their_weighted_gap() -> None:
    confidence, correct = drawn()
    calibration = Calibration()
    calibration.update(confidence, correct)
    accuracy, mean = calibration_curve(correct.numpy(), confidence.numpy(), n_bins=15)
    table = calibration.table()
    filled = [count > 0 for count in table["count"]]
    assert [v for v in table["accuracy"] if v is not None] == pytest.approx(accuracy.tolist())
    assert [v for v in table["confidence"] if v is not None] == pytest.approx(mean.tolist())
    assert [value is not None for value in table["accuracy"]] == filled
    assert not all(filled)
    shares = np.array([count for count in table["count"] if count]) / 400
    assert calibration.error() == pytest.approx(float((shares * np.abs(accuracy - mean)).sum()))
    assert len(table["edges"]) == 16


def test_edges_belong_to_the_bin_below() -> None:
    calibration = Calibration(num_bins=2)
    calibration.update(torch.tensor([0.0, 0.5, 0.500001, 1.0]), torch.tensor([0, 0, 1, 1]))
    assert calibration.table()["count"] == [2, 2]


def test_merged_is_one_pass_and_uncounted_entries_are_left_out() -> None:
    confidence, correct = drawn()
    whole, one, other = Calibration(), Calibration(), Calibration()
    whole.update(confidence[:300], correct[:300])
    one.update(confidence[:100], correct[:100])
    other.update(confidence[100:], correct[100:], torch.arange(300) < 200)
    one.merge(other)
    one.merge(Calibration())
    assert one.error() == pytest.approx(whole.error(), abs=1e-15)
    assert one.table()["count"] == whole.table()["count"]
