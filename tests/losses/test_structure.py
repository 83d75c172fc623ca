import torch
import torch.nn.functional as F

from sonde.losses.structure import binned, distogram
from sonde.modalities.protein.codes import EDGES, bin_centres


def test_distances_fall_into_the_bins_that_they_are_named_for() -> None:
    edges = torch.tensor(EDGES)
    assert binned(torch.tensor([0.5, 4.0, 4.01, 8.0, 8.01, 50.0, 50.1, 900.0]), edges).tolist() == [
        0,
        0,
        1,
        4,
        5,
        25,
        26,
        26,
    ]
    assert binned(torch.tensor(bin_centres()), edges).tolist() == list(range(len(EDGES) + 1))


def test_the_loss_is_the_cross_entropy_of_the_pairs_that_count() -> None:
    drawn = torch.Generator().manual_seed(0)
    edges = torch.tensor([4.0, 8.0])
    logits = torch.randn(2, 5, 5, 3, generator=drawn)
    target = 12 * torch.rand(2, 5, 5, generator=drawn) + 0.1
    target[:, range(5), range(5)] = 0
    target[1, 3:], target[1, :, 3:] = 0, 0
    total, pairs = distogram(logits, target, edges)
    expected = torch.zeros(2)
    for row in range(2):
        for i in range(5):
            for j in range(5):
                if (value := float(target[row, i, j])) > 0:
                    place = torch.tensor(0 if value <= 4 else 1 if value <= 8 else 2)
                    expected[row] += F.cross_entropy(logits[row, i, j], place)
    torch.testing.assert_close(total, expected)
    assert pairs.tolist() == [20, 6]
