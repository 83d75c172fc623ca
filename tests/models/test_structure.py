from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.modalities.protein.codes import residues
from sonde.models.structure import StructureNetwork, StructureNetworkConfig, Triangles

SPEC = InputSpec(kind="protein", shape=(60,), symbols=residues().size)


def tokens(*letters: str) -> Tensor:
    rows = [torch.tensor(residues().encode(text)) for text in letters]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def network(**settings: Any) -> StructureNetwork:
    torch.manual_seed(0)
    return StructureNetwork(
        SPEC, 5, StructureNetworkConfig(**{"pair_width": 8, "residue_width": 16, **settings})
    ).eval()


def test_pairs_are_told_alike_from_both_sides() -> None:
    with torch.no_grad():
        found = network()(tokens("MKTAYIAKQR"))
    assert found.shape == (1, 10, 10, 5)
    torch.testing.assert_close(found, found.transpose(1, 2))


def test_padding_and_other_chains_change_nothing() -> None:
    model, long, short = network(), "MKTAYIAKQRQISFVK", "GGSW"
    with torch.no_grad():
        together = model(tokens(long, short))
        torch.testing.assert_close(model(tokens(long))[0], together[0])
        torch.testing.assert_close(model(tokens(short))[0], together[1, :4, :4])
        wider = model(F.pad(tokens(long, short), (0, 9)))
    torch.testing.assert_close(wider[:, :16, :16], together)


def test_every_residue_reaches_every_pair_through_the_triangles() -> None:
    given = tokens("MKTAYIAKQRQISFVKSHFSRQ")
    changed = given.clone()
    changed[0, -1] = residues().encode("W")[0]
    with torch.no_grad():
        whole, alone = network(layers=1), network(layers=0)
        assert not torch.allclose(whole(given)[0, 0, 1], whole(changed)[0, 0, 1], atol=1e-7)
        torch.testing.assert_close(alone(given)[0, 0, 1], alone(changed)[0, 0, 1])


@pytest.mark.parametrize("outgoing", [True, False])
def test_triangles_are_summed_over_the_third_corner(outgoing: bool) -> None:
    torch.manual_seed(0)
    triangles, width = Triangles(4, outgoing=outgoing).eval(), 4
    pairs = torch.randn(1, 5, 5, width)
    there = torch.ones(1, 5, 5, 1)
    there[0, 4], there[0, :, 4] = 0, 0
    with torch.no_grad():
        normed = triangles.norm(pairs)
        values, gates = triangles.sides(normed).chunk(2, -1)
        one, other = (values * gates.sigmoid() * there)[0].chunk(2, -1)
        heard = torch.zeros(5, 5, width)
        for i in range(5):
            for j in range(5):
                for k in range(5):
                    heard[i, j] += one[i, k] * other[j, k] if outgoing else one[k, i] * other[k, j]
        expected = triangles.output(triangles.heard_norm(heard)) * triangles.gate(normed[0]).sigmoid()
        torch.testing.assert_close(triangles(pairs, there)[0], expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pair_width": 0}, "--pair-width must be at least 1, got 0"),
        ({"residue_width": 0}, "--residue-width must be at least 1, got 0"),
        ({"layers": -1}, "--layers must be at least 0, got -1"),
        ({"dropout": 1.5}, "--dropout must be at least 0 and below 1, got 1.5"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        StructureNetworkConfig(**settings)


def test_backbones_are_refused() -> None:
    with pytest.raises(
        ConfigError, match="^structure-network takes protein residues as input, but this data is backbones"
    ):
        StructureNetwork(InputSpec(kind="protein", shape=(9,)), 5, StructureNetworkConfig())
