"""The meter of likelihoods."""

import math

import pytest
import torch

from sonde.metrics.likelihood import LikelihoodMeter


def test_nats_and_bits_are_means_over_rows_however_they_are_dealt_out() -> None:
    loss = torch.arange(10.0)
    whole, first, second = (LikelihoodMeter(4) for _ in range(3))
    whole.update({"loss": loss, "nats": loss - 1}, torch.arange(10))
    first.update({"loss": loss[:3], "nats": loss[:3] - 1}, torch.arange(3))
    second.update({"loss": loss[3:], "nats": loss[3:] - 1}, torch.arange(3, 10))
    first.merge(second)
    assert first.compute() == whole.compute() == pytest.approx({"loss": 4.5, "bits_per_dim": 3.5 / 4 / math.log(2)})
    assert first.quantiles() == whole.quantiles()
    assert (whole.quantiles()[0], whole.quantiles()[-1], len(whole.quantiles())) == (0, 9, 101)
    assert whole.details()["likelihoods"][0] == -9
