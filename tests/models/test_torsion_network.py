from typing import Any

import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.torsion_network import TorsionNetwork, TorsionNetworkConfig

SPEC = InputSpec(kind="protein", shape=(40,), symbols=25)


def network(**settings: Any) -> TorsionNetwork:
    torch.manual_seed(0)
    return TorsionNetwork(SPEC, 2, TorsionNetworkConfig(embedding=8, width=12, **settings)).eval()


def test_each_residue_has_a_direction_for_each_angle_whatever_stands_beside_its_chain() -> None:
    made = network(layers=2).double()
    short, long = torch.randint(4, 25, (1, 6)), torch.randint(4, 25, (1, 11))
    both = torch.cat([torch.nn.functional.pad(short, (0, 5)), long])
    with torch.inference_mode():
        together = made(both)
        assert together.shape == (2, 11, 2, 2)
        torch.testing.assert_close(together[0, :6], made(short)[0])
        torch.testing.assert_close(together[1], made(long)[0])


def test_it_hears_of_both_sides() -> None:
    made = network().double()
    chain = torch.randint(4, 25, (1, 9))
    with torch.inference_mode():
        before = made(chain)
        for place in (0, 8):
            other = chain.clone()
            other[0, place] = 4 + (other[0, place] - 3) % 21
            moved = (made(other) - before).abs().amax((0, 2, 3))
            assert (moved > 0).all()


def test_other_inputs_and_settings_are_refused() -> None:
    with pytest.raises(
        ConfigError, match="^torsion-network takes protein residues as input, but this data is backbones"
    ):
        TorsionNetwork(InputSpec(kind="protein", shape=(40,)), 2, TorsionNetworkConfig())
    with pytest.raises(ConfigError, match="--width must be at least 1"):
        TorsionNetworkConfig(width=0)
    with pytest.raises(ConfigError, match="--dropout must be at least 0 and below 1"):
        TorsionNetworkConfig(dropout=1.0)
