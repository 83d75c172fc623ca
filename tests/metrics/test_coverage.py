import numpy as np
import pytest
import torch
from torch import Tensor

from sonde.metrics import nearest
from sonde.metrics.coverage import coverage


def plain(samples: np.ndarray, real: np.ndarray, k: int) -> tuple[float, float, float, float]:
    """The definitions, row by row."""

    def radius(rows: np.ndarray) -> list[float]:
        return [sorted(np.linalg.norm(rows - row, axis=1))[k] for row in rows]  # of which the first is the row itself

    of_real, of_samples = radius(real), radius(samples)
    inside = np.array(
        [[np.linalg.norm(s - r) <= reach for r, reach in zip(real, of_real, strict=True)] for s in samples]
    )
    held = np.array(
        [[np.linalg.norm(r - s) <= reach for s, reach in zip(samples, of_samples, strict=True)] for r in real]
    )
    return inside.any(1).mean(), held.any(1).mean(), inside.sum() / (k * len(samples)), inside.any(0).mean()


@pytest.mark.parametrize("at_once", [nearest.AT_ONCE, 70])
def test_brute_force_by_the_definitions_agrees(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(nearest, "AT_ONCE", at_once)
    draw = torch.Generator().manual_seed(0)
    samples, real = 0.8 * torch.randn(40, 3, generator=draw) + 0.3, torch.randn(50, 3, generator=draw)
    found = coverage(samples, real, k=3)
    assert found == pytest.approx(plain(samples.double().numpy(), real.double().numpy(), 3))


def blobs(*centres: float, rows: int = 200, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.cat([centre + torch.randn(rows, 2, generator=draw) for centre in centres])


def test_one_of_two_modes_has_full_precision_and_half_the_recall_and_coverage() -> None:
    found = coverage(blobs(0.0, rows=400, seed=1), blobs(0.0, 100.0))
    assert found.precision > 0.95
    assert 0.45 < found.recall <= 0.5
    assert 0.4 < found.coverage <= 0.5


def test_a_mode_that_there_is_not_costs_precision() -> None:
    found = coverage(blobs(0.0, 100.0, rows=100, seed=1), blobs(0.0, rows=200))
    assert 0.45 < found.precision <= 0.5
    assert found.recall > 0.9
    assert 0.35 < found.density < 0.65


def test_of_one_distribution_density_is_1_and_coverage_what_theory_says() -> None:
    """The expected coverage is 1 - (M - 1)…(M - k) / ((2 M - 1)…(2 M - k)) for equally many rows (Naeem et al., lemma 2)."""
    rows, k = 1000, 5
    found = coverage(blobs(0.0, rows=rows, seed=1), blobs(0.0, rows=rows), k=k)
    wanted = 1 - np.prod([(rows - i) / (2 * rows - i) for i in range(1, k + 1)])
    assert found.coverage == pytest.approx(wanted, abs=0.015)
    assert found.density == pytest.approx(1, abs=0.1)


def test_the_same_point_again_and_again_covers_one_row() -> None:
    real = torch.arange(100.0).view(-1, 1) ** 1.5
    found = coverage(real[50:51].expand(40, 1), real)
    assert found.precision == 1
    assert found.coverage < 0.15
    assert found.recall == pytest.approx(0.01)
