import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from sonde.tasks.anomaly import neighbours
from sonde.tasks.anomaly.neighbours import Neighbours


def test_distances_are_those_of_scikit_learn_along_its_principal_components(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "MOST_NUMBERS", 4)
    drawn = np.random.default_rng(0)
    known, new = drawn.normal(size=(50, 9)) * np.arange(1, 10), drawn.normal(size=(7, 9))
    made = Neighbours()
    assert not made
    made.keep(torch.from_numpy(part) for part in np.split(known, 5))
    components = PCA(4).fit(known)
    peer = NearestNeighbors(n_neighbors=3).fit(components.transform(known))
    wanted = peer.kneighbors(components.transform(new))[0].mean(1)
    np.testing.assert_allclose(made.distance(torch.from_numpy(new)).numpy(), wanted, rtol=1e-3)
    again = Neighbours()
    again.load_state_dict(made.state_dict())
    assert again.distance(torch.from_numpy(new)).equal(made.distance(torch.from_numpy(new)))


def test_of_many_rows_every_so_many_th_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "MOST_ROWS", 4)
    made = Neighbours()
    made.keep([torch.arange(10.0)[:, None]])
    assert (made.known + made.mean).flatten().tolist() == [0, 2, 5, 7]
