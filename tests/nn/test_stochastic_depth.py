import math

import pytest
import torch

from sonde.nn.stochastic_depth import StochasticDepth, rising


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.8])
def test_rows_fall_whole_with_the_probability_and_the_mean_stays(probability: float):
    torch.manual_seed(0)
    rows = 40_000
    output = StochasticDepth(probability)(torch.ones(rows, 3, 2, 2)).flatten(1)
    assert torch.equal(output.amin(1), output.amax(1))  # a row is kept or falls as a whole
    fallen = (output[:, 0] == 0).sum().item()
    assert abs(fallen - rows * probability) < 4 * math.sqrt(rows * probability * (1 - probability))
    assert output[output != 0].unique().tolist() == pytest.approx([1 / (1 - probability)])


def test_rows_fall_independently_of_their_neighbours():
    torch.manual_seed(1)
    kept = (StochasticDepth(0.3)(torch.ones(100_000, 1)) != 0).double().view(-1, 2)
    assert abs(torch.corrcoef(kept.T)[0, 1].item()) < 5 / math.sqrt(50_000)


def test_gradient_passes_through_kept_rows_alone_with_the_same_scale():
    torch.manual_seed(2)
    input = torch.randn(64, 5, requires_grad=True)
    output = StochasticDepth(0.5)(input)
    output.sum().backward()
    assert input.grad is not None
    assert torch.equal(output, input * input.grad)
    assert input.grad[:, 0].unique().tolist() == [0, 2]


def test_evaluation_and_zero_leave_the_input_and_the_generator_alone():
    input, before = torch.randn(4, 3), torch.get_rng_state()
    assert StochasticDepth(0.5).eval()(input) is input
    assert StochasticDepth(0.0)(input) is input
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("shape", [(6,), (6, 4), (6, 4, 5), (6, 4, 5, 5)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_takes_any_shape_and_keeps_the_dtype(shape: tuple[int, ...], dtype: torch.dtype):
    output = StochasticDepth(0.5)(torch.ones(shape, dtype=dtype))
    assert (output.shape, output.dtype) == (torch.Size(shape), dtype)


@pytest.mark.parametrize("probability", [-0.1, 1.0])
def test_refuses_a_probability_that_leaves_nothing(probability: float):
    with pytest.raises(ValueError, match=f"probability must be at least 0 and below 1, got {probability}"):
        StochasticDepth(probability)


def test_probabilities_rise_on_a_line_from_zero():
    assert rising(0.5, 6, last=True) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert rising(0.6, 6, last=False) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert rising(0.1, 1, last=True) == [0.0]
