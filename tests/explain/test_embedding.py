import pytest
import torch
from sklearn.decomposition import PCA
from torch import nn

from sonde.explain.embedding import LastInput, principal_plane


def test_the_plane_is_that_of_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(300, 6, generator=generator) * torch.tensor([5.0, 3.0, 1.0, 1.0, 0.5, 0.1])
    plane = principal_plane(values)
    assert plane is not None
    other = PCA(2).fit(values.numpy())
    assert plane.explained == pytest.approx(other.explained_variance_ratio_.tolist(), rel=1e-4)
    theirs = torch.from_numpy(other.transform(values.numpy())).double()
    for axis in range(2):
        same = torch.corrcoef(torch.stack([plane.places[:, axis], theirs[:, axis]]))[0, 1].abs()
        assert float(same) == pytest.approx(1, abs=1e-5)


def test_the_picture_does_not_turn_over() -> None:
    values = torch.randn(50, 4, generator=torch.Generator().manual_seed(1))
    one, other = principal_plane(values), principal_plane(values.flip(0))
    assert one is not None
    assert other is not None
    assert torch.allclose(one.places, other.places.flip(0))


@pytest.mark.parametrize(
    "values", [torch.ones(9, 4), torch.arange(9.0)[:, None] * torch.ones(4), torch.zeros(2, 4), torch.rand(9, 1)]
)
def test_what_does_not_vary_in_two_directions_has_no_plane(values: torch.Tensor) -> None:
    assert principal_plane(values) is None


def test_the_input_of_the_last_layer_is_seen() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3), nn.Softmax(1))
    last, input = LastInput(model), torch.rand(5, 4)
    with last.watching():
        model(input)
    assert last.name == "2"
    assert last.value is not None
    assert torch.equal(last.value, model[:2](input).detach())
    before = last.value
    model(torch.rand(5, 4))
    assert last.value is before  # the hooks are gone
