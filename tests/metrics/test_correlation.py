import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from sonde.metrics import correlation
from sonde.metrics.correlation import Correlations


def drawn(rows: int = 500) -> dict[str, Tensor]:
    """Two targets: one far from zero, one with many ties; some entries are not known."""
    generator = torch.Generator().manual_seed(0)
    target = torch.randn(rows, 2, generator=generator, dtype=torch.float64) + torch.tensor([1e6, 0.0])
    values = target + torch.randn(rows, 2, generator=generator, dtype=torch.float64)
    both = {"values": values, "target": target, "counted": torch.rand(rows, 2, generator=generator) < 0.8}
    return {
        name: torch.cat([v[:, :1], v[:, 1:].round()], 1) if v.is_floating_point() else v for name, v in both.items()
    }


def fed(rows: dict[str, Tensor], order: Tensor, size: int = 64) -> Correlations:
    meter = Correlations(2)
    for part in order.split(size):
        meter.update(**{name: value[part] for name, value in rows.items()}, index=part)
    return meter


def test_correlations_are_those_of_numpy_and_scipy() -> None:
    rows = drawn()
    found = fed(rows, torch.arange(500)).compute()
    for column in range(2):
        there = rows["counted"][:, column]
        pair = [rows[name][there, column].numpy() for name in ("values", "target")]
        assert found["pearson"][column] == pytest.approx(np.corrcoef(pair[0], pair[1])[0, 1], rel=1e-9)
        assert found["spearman"][column] == pytest.approx(float(stats.spearmanr(pair[0], pair[1])[0]), rel=1e-12)  # type: ignore[arg-type]


def test_of_many_rows_the_same_sample_is_kept_however_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlation, "VALUES", 200)
    rows = drawn()
    one, halves = fed(rows, torch.arange(500)), [fed(rows, part) for part in torch.randperm(500).split(250)]
    halves[0].merge(halves[1])

    assert one.limit == 100
    assert halves[0].rows == 500
    assert one.compute()["spearman"].tolist() == halves[0].compute()["spearman"].tolist()
    assert len(one.sample.rows["target"]) == 100


def test_what_does_not_vary_has_no_correlation() -> None:
    meter = Correlations(1)
    meter.update(torch.ones(4, 1), torch.arange(4.0)[:, None], torch.ones(4, 1, dtype=torch.bool), torch.arange(4))

    assert all(math.isnan(float(found[0])) for found in meter.compute().values())
    assert math.isnan(correlation.pearson(np.ones(1), np.ones(1)))
