import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from sonde.metrics import nearest as module
from sonde.metrics.nearest import nearest


def test_the_nearest_rows_are_scikit_learns_in_any_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = torch.Generator().manual_seed(0)
    queries, rows = torch.randn(31, 7, generator=draw) + 1000, torch.randn(50, 7, generator=draw) + 1000
    wanted, places = NearestNeighbors(n_neighbors=3, algorithm="brute").fit(rows.double()).kneighbors(queries.double())
    for size in (module.AT_ONCE, 120):
        monkeypatch.setattr(module, "AT_ONCE", size)
        found = nearest(queries, rows, 3)
        torch.testing.assert_close(found.distance, torch.from_numpy(wanted), rtol=1e-7, atol=1e-7)
        assert found.row.tolist() == places.tolist()


@pytest.mark.parametrize("at_once", [module.AT_ONCE, 4])
def test_a_row_is_no_neighbour_of_its_own(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    rows = torch.tensor([[0.0], [1.0], [3.0]])
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    found = nearest(rows, rows, same=True)
    assert found.row[:, 0].tolist() == [1, 0, 1]
    torch.testing.assert_close(found.distance[:, 0], torch.tensor([1.0, 1, 2], dtype=torch.float64))
    with pytest.raises(ValueError, match="3 nearest of 2 rows"):
        nearest(rows, rows, 3, same=True)
