from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sample_proteins import helix
from torch import Tensor

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.modalities.protein.codes import residues
from sonde.models.inverse_folding import (
    InverseFoldingConfig,
    InverseFoldingNetwork,
    MessagePassing,
    beta_carbons,
    dihedrals,
)

SPEC = InputSpec(kind="protein", shape=(60,))


def network(**settings: Any) -> InverseFoldingNetwork:
    torch.manual_seed(0)
    settings = {"width": 16, "layers": 2, "neighbours": 6, **settings}
    return InverseFoldingNetwork(SPEC, residues().size, InverseFoldingConfig(**settings)).eval()


def walk(length: int = 20, seed: int = 0) -> Tensor:
    """(1, length, 4, 3): a chain with no symmetry."""
    drawn = torch.Generator().manual_seed(seed)
    steps = 3.8 * F.normalize(torch.randn(1, length, 3, generator=drawn), dim=-1)
    return steps.cumsum(1)[:, :, None] + torch.randn(1, length, 4, 3, generator=drawn)


def turned(seed: int = 3) -> Tensor:
    """A rotation (3, 3)."""
    found, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))
    return (found * torch.linalg.det(found)).float()


def test_turning_and_moving_a_protein_changes_nothing_but_its_mirror_image_is_another() -> None:
    model, given, lengths = network(), walk(), torch.tensor([20])
    rotation = turned()
    torch.testing.assert_close(torch.linalg.det(rotation), torch.tensor(1.0))
    with torch.no_grad():
        found = model(given, lengths)
        torch.testing.assert_close(
            model(given @ rotation + torch.tensor([5.0, -3.0, 40.0]), lengths), found, atol=1e-4, rtol=1e-4
        )
        mirrored = model(given * torch.tensor([1.0, 1.0, -1.0]), lengths)
    assert (mirrored - found).abs().max() > 1e-2


def test_padding_and_other_chains_change_nothing() -> None:
    model, long, short = (
        network(),
        walk(20),
        walk(4, seed=1),
    )  # the short one has fewer residues than neighbours are asked for
    both = torch.cat([long, F.pad(short, (0, 0, 0, 0, 0, 16))])
    with torch.no_grad():
        together = model(both, torch.tensor([20, 4]))
        torch.testing.assert_close(model(long, torch.tensor([20]))[0], together[0])
        torch.testing.assert_close(model(short, torch.tensor([4]))[0], together[1, :4])
        wider = model(F.pad(both, (0, 0, 0, 0, 0, 5), value=2.0), torch.tensor([20, 4]))
    torch.testing.assert_close(wider[0, :20], together[0])
    torch.testing.assert_close(wider[1, :4], together[1, :4])


def test_residues_hear_of_their_neighbours_in_space_alone() -> None:
    model, given = network(layers=1, neighbours=3), walk(12)
    given[:, 10:] += 500  # nobody's neighbours but each other's
    far = given.clone()
    far[:, 11] += 300
    with torch.no_grad():
        found, other = model(given, torch.tensor([12])), model(far, torch.tensor([12]))
    torch.testing.assert_close(found[:, :10], other[:, :10])
    assert not torch.allclose(found[:, 10], other[:, 10])


def test_noise_is_drawn_in_training_alone() -> None:
    model, given, lengths = network(noise=0.5, dropout=0.0), walk(), torch.tensor([20])
    with torch.no_grad():
        assert torch.equal(model(given, lengths), model(given, lengths))
        model.train()
        assert not torch.equal(model(given, lengths), model(given, lengths))


def test_dihedrals_are_those_of_biotite() -> None:
    structure = pytest.importorskip("biotite.structure")
    chain = helix(9)
    found = dihedrals(torch.from_numpy(chain)[None], torch.ones(1, 9, dtype=torch.bool))[0].view(9, 3, 2)
    angles = torch.atan2(found[..., 1], found[..., 0]).numpy()
    n, ca, c = chain[:, 0], chain[:, 1], chain[:, 2]
    np.testing.assert_allclose(angles[1:, 0], structure.dihedral(c[:-1], n[1:], ca[1:], c[1:]), atol=1e-4)
    np.testing.assert_allclose(angles[:-1, 1], structure.dihedral(n[:-1], ca[:-1], c[:-1], n[1:]), atol=1e-4)
    np.testing.assert_allclose(angles[:-1, 2], structure.dihedral(ca[:-1], c[:-1], n[1:], ca[1:]), atol=1e-4)
    assert not found[0, 0].any()
    assert not found[-1, 1:].any()


def test_beta_carbons_stand_where_they_were_measured(shared_data: Path) -> None:
    pdb = pytest.importorskip("biotite.structure.io.pdb")
    atoms = pdb.PDBFile.read(shared_data / "protein" / "1TEN_A.pdb").get_structure(model=1)
    misses = []
    for residue in np.unique(atoms.res_id):
        own = atoms[atoms.res_id == residue]
        named = dict(zip(own.atom_name.tolist(), own.coord, strict=True))
        if {"N", "CA", "C", "O", "CB"} <= named.keys():
            backbone = torch.from_numpy(np.stack([named[name] for name in ("N", "CA", "C", "O")]))
            misses.append(float((beta_carbons(backbone) - torch.from_numpy(named["CB"])).norm()))
    assert len(misses) > 70
    assert np.median(misses) < 0.15  # ångström


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0}, "--width must be at least 1, got 0"),
        ({"layers": 0}, "--layers must be at least 1, got 0"),
        ({"neighbours": 0}, "--neighbours must be at least 1, got 0"),
        ({"noise": -1.0}, "--noise must be at least 0, got -1"),
        ({"dropout": -0.1}, "--dropout must be at least 0 and below 1, got -0.1"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        InverseFoldingConfig(**settings)


def test_residues_are_refused_as_inputs() -> None:
    spec = InputSpec(kind="protein", shape=(9,), symbols=25)
    with pytest.raises(
        ConfigError, match="^inverse-folding-network takes protein backbones as input, but this data is residues"
    ):
        InverseFoldingNetwork(spec, 25, InverseFoldingConfig())


def test_a_round_takes_the_mean_of_what_neighbours_say() -> None:
    torch.manual_seed(0)
    one = MessagePassing(8, 0.0).eval()
    residues, edges = torch.randn(1, 4, 8), torch.randn(1, 4, 2, 8)
    nearest = torch.tensor([[[1, 2], [0, 3], [3, 0], [2, 1]]])
    share = torch.full((1, 4, 2, 1), 0.5)
    share[0, 3, 0], share[0, 3, 1] = 1.0, 0.0  # its second neighbour lies behind the end
    with torch.no_grad():
        found = one(residues, edges, nearest, share)[0]
        for place in range(4):
            said = [
                one.message(one.own(residues[0, place]) + one.theirs(residues[0, other]) + one.edge(edges[0, place, n]))
                for n, other in enumerate(nearest[0, place].tolist())
            ]
            heard = said[0] if place == 3 else (said[0] + said[1]) / 2
            before = one.norm(residues[0, place] + heard)
            torch.testing.assert_close(found[place], one.mlp_norm(before + one.mlp(before)))
