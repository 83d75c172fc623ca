"""The error by the size of a code, beside scikit-learn's principal components."""

import torch
from sklearn.decomposition import PCA

from sonde.core.batch import Batch
from sonde.core.dataset import Column, InputSpec
from sonde.core.reconstruction import Reconstruction
from sonde.run.bottleneck import bottleneck_curve, directions, sizes

ARRAY = InputSpec(kind="array", shape=(6,))
TURN = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(3)))[0]


def rows(number: int, seed: int) -> torch.Tensor:
    spread = torch.tensor([4.0, 3.0, 2.0, 1.0, 0.5, 0.25])
    return torch.randn(number, 6, generator=torch.Generator().manual_seed(seed)) * spread @ TURN + 1


def batches(number: int, seed: int) -> list[Batch]:
    return [Batch({"input": part}, torch.arange(len(part))) for part in rows(number, seed).split(50)]


def linear(code: int) -> Reconstruction:
    """The first numbers of the rows turned back, in another order."""
    order = torch.randperm(code, generator=torch.Generator().manual_seed(1))
    return Reconstruction(
        outputs={},
        latent=lambda batch: ((batch["input"] - 1) @ TURN.T)[:, :code][:, order],
        reconstruct=lambda batch: batch["input"],
        decode=lambda latent: torch.zeros(len(latent), 6).index_copy(1, order, latent) @ TURN + 1,
    )


def test_directions_are_those_of_scikit_learn_for_long_and_for_wide_tables() -> None:
    for values in (rows(200, 0), rows(5, 0)):
        found, known = directions(values), PCA().fit(values.double().numpy())
        for number in (1, 2, 4):
            few = torch.from_numpy(known.components_[:number])
            mean = torch.from_numpy(known.mean_)
            wanted = mean + (values.double() - mean) @ few.T @ few
            torch.testing.assert_close(found.kept(values.double(), number), wanted)


def test_a_linear_code_that_is_cut_is_as_good_as_principal_components() -> None:
    found = bottleneck_curve(linear(4), ARRAY, batches(2000, 0), batches(300, 1))
    assert found is not None
    assert found["numbers"] == [1, 2, 4]
    torch.testing.assert_close(torch.tensor(found["error"]), torch.tensor(found["pca"]), rtol=0.01, atol=0)
    assert found["error"][-1] == found["whole"]
    assert (found["fitted"], found["rows"]) == (2000, 300)
    given = rows(300, 1).double().numpy()
    pca = PCA(2).fit(rows(2000, 0).double().numpy())
    wanted = ((pca.inverse_transform(pca.transform(given)) - given) ** 2).mean()
    torch.testing.assert_close(found["pca"][1], float(wanted), rtol=1e-4, atol=0)


def test_sizes_double_up_to_the_whole() -> None:
    assert sizes(8) == [1, 2, 4, 8]
    assert sizes(5) == [1, 2, 4, 5]
    assert sizes(1) == [1]


def test_categories_and_codes_of_a_codebook_have_no_such_curve() -> None:
    given = batches(20, 0)
    mixed = InputSpec(kind="table", shape=(1,), columns=(Column(name="a", kind="category", source="a"),))
    assert bottleneck_curve(linear(4), mixed, given, given) is None
    assert bottleneck_curve(linear(1), ARRAY, given, given) is None
    chosen = Reconstruction(outputs={}, latent=linear(2).latent, reconstruct=linear(2).reconstruct)
    assert bottleneck_curve(chosen, ARRAY, given, given) is None
