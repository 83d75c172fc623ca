import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.temporal_convolution import TemporalConvolution, TemporalConvolutionConfig

SERIES = InputSpec(kind="series", shape=(100, 2))


def built(**settings: object) -> TemporalConvolution:
    torch.manual_seed(0)
    config = TemporalConvolutionConfig(embedding=4, width=6, dropout=0.0, **settings)  # type: ignore[arg-type]
    return TemporalConvolution(SERIES, 3, config).eval()


@pytest.mark.parametrize(("blocks", "kernel"), [(1, 3), (3, 2), (4, 3)])
def test_the_last_step_sees_as_far_back_as_the_paper_says(blocks: int, kernel: int) -> None:
    model = built(layers=blocks, kernel=kernel).double()
    for name, parameter in model.named_parameters():  # all positive: no ReLU shuts, nothing cancels
        if "bias" not in name:
            parameter.data.abs_()
    values = torch.rand(1, 100, 4, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(model.read(values)[0, -1].sum(), values)
    seen = gradient[0].abs().sum(-1).nonzero().flatten()
    # two convolutions a block, each reaching (kernel - 1) 2^block further
    assert 100 - int(seen[0]) == 1 + 2 * (kernel - 1) * (2**blocks - 1)


def test_no_step_hears_of_a_later_one() -> None:
    model, values = built(), torch.randn(1, 50, 4)
    before = model.read(values)
    values[:, 20] += 1
    after = model.read(values)
    assert torch.equal(after[:, :20], before[:, :20])
    assert (after[:, 20] - before[:, 20]).abs().max() > 1e-3


def test_the_last_step_is_the_rows_own() -> None:
    model, values = built(pool="last"), torch.randn(2, 30, 2)
    lengths = torch.tensor([30, 11])
    values[1, 11:] = 0
    torch.testing.assert_close(model(values, lengths)[1:], model(values[1:, :11], lengths[1:]))
    pools = [built(pool=pool)(values, lengths) for pool in ("last", "mean", "max")]
    assert (pools[0] - pools[1]).abs().max() > 1e-3
    assert (pools[1] - pools[2]).abs().max() > 1e-3


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="--layers must be at least 1, got 0"):
        TemporalConvolutionConfig(layers=0)
    with pytest.raises(ConfigError, match="--dropout must be at least 0 and below 1, got 1"):
        TemporalConvolutionConfig(dropout=1.0)
