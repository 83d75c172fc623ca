import pytest
import torch
from torch import nn

from sonde.nn.causal_convolution import CausalConvolution, TemporalBlock


@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_a_step_is_the_sum_over_steps_before_it_that_lie_a_dilation_apart(dilation: int) -> None:
    torch.manual_seed(0)
    layer, input = CausalConvolution(3, 5, 3, dilation=dilation).double(), torch.randn(2, 3, 20, dtype=torch.float64)
    nn.init.normal_(layer.bias)
    nn.init.uniform_(layer.length, 0.5, 2)
    weight = layer.length * nn.functional.normalize(layer.direction.flatten(1), dim=1).view_as(layer.direction)
    expected = layer.bias.repeat(20, 1).T.repeat(2, 1, 1)
    for step in range(20):
        for back in range(3):
            before = step - back * dilation
            if before >= 0:
                expected[:, :, step] += input[:, :, before] @ weight[:, :, 2 - back].T
    torch.testing.assert_close(layer(input), expected, rtol=0, atol=1e-13)


def test_lengths_start_as_those_of_what_was_drawn() -> None:
    layer = CausalConvolution(3, 5, 2)
    torch.testing.assert_close(layer.length.flatten(), layer.direction.flatten(1).norm(dim=1))


def test_a_block_adds_to_what_it_was_given() -> None:
    torch.manual_seed(0)
    block, input = TemporalBlock(4, 4, 3, dilation=2, dropout=0.5).eval(), torch.rand(2, 4, 9)
    nn.init.zeros_(block.second.length)
    assert torch.equal(block(input), input)
    assert isinstance(block.shortcut, nn.Identity)
    wider = TemporalBlock(4, 6, 3, dilation=2, dropout=0.0)
    nn.init.zeros_(wider.second.length)
    torch.testing.assert_close(wider(input), wider.shortcut(input).relu())
