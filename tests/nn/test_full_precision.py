"""The last layer of a policy or a value is not rounded to 16 bits."""

import torch
from torch import nn

from sonde.nn.full_precision import FullLinear


def test_under_autocast_it_is_that_of_float32() -> None:
    """Values of some hundreds, which bfloat16 knows to within two."""
    torch.manual_seed(0)
    layer, plain = FullLinear(16, 3), nn.Linear(16, 3)
    plain.load_state_dict(layer.state_dict())
    seen = 100 * torch.rand(8, 16)
    with torch.autocast("cpu", torch.bfloat16):
        found, rounded = layer(seen), plain(seen)
    torch.testing.assert_close(found, plain(seen), rtol=0, atol=0)
    assert (rounded.float() - found).abs().max() > 0.1


def test_it_takes_features_that_were_rounded_and_hands_gradients_back() -> None:
    """Below it autocast computes in bfloat16."""
    torch.manual_seed(0)
    below, layer = nn.Linear(4, 16), FullLinear(16, 3)
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(below(torch.rand(8, 4)))
    assert found.dtype == torch.float32
    found.sum().backward()
    assert below.weight.grad is not None and below.weight.grad.abs().sum() > 0
