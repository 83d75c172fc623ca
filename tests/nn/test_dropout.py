import math

import pytest
import torch

from sonde.nn.dropout import LEVELS, Dropout


@pytest.mark.parametrize("p", [0.1, 0.2, 0.5, 0.9])
def test_shares_of_zeros_and_values_are_bernoullis(p: float):
    torch.manual_seed(0)
    units = 1_000_003  # no multiple of the four units of one draw
    output = Dropout(p)(torch.ones(units))
    zeros = (output == 0).sum().item()
    assert abs(zeros - units * p) < 4 * math.sqrt(units * p * (1 - p)) + units / LEVELS
    assert output[output != 0].unique().tolist() == pytest.approx([1 / (1 - p)], rel=2e-4)
    assert output.mean().item() == pytest.approx(1, abs=4 * math.sqrt(p / (1 - p) / units))


def test_units_fall_independently_of_their_neighbours_and_of_their_place_in_a_draw():
    torch.manual_seed(1)
    rows = 400_000
    kept = (Dropout(0.2)(torch.ones(rows, 8)) != 0).double()
    chance = 4 * math.sqrt(0.2 * 0.8 / rows)
    assert (kept.mean(0) - 0.8).abs().max() < chance
    correlation = torch.corrcoef(kept.T) - torch.eye(8)
    assert correlation.abs().max() < 5 / math.sqrt(rows)


def test_gradient_passes_where_the_unit_was_kept_with_the_same_scale():
    torch.manual_seed(2)
    input = torch.randn(64, 33, requires_grad=True)
    output = Dropout(0.25)(input)
    output.sum().backward()
    assert input.grad is not None
    assert torch.allclose(output, input * input.grad)
    assert input.grad.unique().tolist() == pytest.approx([0, 4 / 3], rel=1e-4)


def test_follows_the_default_generator_and_differs_from_call_to_call():
    layer, input = Dropout(0.5), torch.ones(100)
    torch.manual_seed(3)
    first, second = layer(input), layer(input)
    torch.manual_seed(3)
    assert torch.equal(layer(input), first)
    assert not torch.equal(first, second)


def test_evaluation_and_zero_leave_the_input_and_the_generator_alone():
    input = torch.randn(10)
    before = torch.get_rng_state()
    assert Dropout(0.5).eval()(input) is input
    assert Dropout(0.0)(input) is input
    assert torch.equal(torch.get_rng_state(), before)


def test_refuses_a_share_that_is_none():
    with pytest.raises(ValueError, match=r"p must be at least 0 and below 1, got 1\.0"):
        Dropout(1.0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_keeps_dtype_and_memory_format(dtype: torch.dtype):
    input = torch.ones(2, 3, 4, 4, dtype=dtype).contiguous(memory_format=torch.channels_last)
    output = Dropout(0.5)(input)
    assert output.dtype == dtype
    assert output.is_contiguous(memory_format=torch.channels_last)
