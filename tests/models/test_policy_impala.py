"""The residual network of IMPALA."""

import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.policy_impala import PolicyImpala, PolicyImpalaConfig, Section


def network(*shape: int, **settings) -> PolicyImpala:
    return PolicyImpala(InputSpec(kind="environment", shape=shape), 0, PolicyImpalaConfig(**settings))


def conv(into: int, out: int) -> int:
    return 9 * into * out + out


@pytest.mark.parametrize("shape", [(4, 84, 84), (3, 64, 64), (1, 10, 9)])
def test_its_weights_are_those_of_the_paper(shape: tuple[int, ...]) -> None:
    """15 convolutions of 3x3, and a layer of 256 on what is left of the picture; of Atari's 1.09 million."""
    found = sum(each.numel() for each in network(*shape).parameters())
    sections = [(shape[0], 16), (16, 32), (32, 32)]
    left = 32 * -(-shape[1] // 8) * -(-shape[2] // 8)
    assert found == sum(conv(a, b) + 4 * conv(b, b) for a, b in sections) + left * 256 + 256
    if shape == (4, 84, 84):
        assert found == 1_089_232


def test_a_section_without_its_blocks_is_a_pooled_convolution() -> None:
    one, seen = network(2, 12, 12, widths=(3,)), torch.rand(2, 2, 12, 12)
    section = one.sections[0]
    assert isinstance(section, Section)
    for name, weight in section.named_parameters():
        if ".second." in name:
            torch.nn.init.zeros_(weight)
    pooled = torch.nn.MaxPool2d(3, 2, padding=1)(section.convolution(seen))
    torch.testing.assert_close(section(seen), pooled)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="--widths takes at least one section"):
        PolicyImpalaConfig(widths=())
    with pytest.raises(ConfigError, match="policy-impala reads pixels"):
        network(8)
