"""What a forecaster of quantiles minimises."""

import torch
from torch import Tensor

# Q quantiles


def pinball(prediction: Tensor, target: Tensor, quantiles: Tensor) -> Tensor:
    """Mean over quantiles of τ times what the target lies above the prediction, or 1 - τ times what it lies below.

    prediction: (…, Q);  target: (…);  quantiles: (Q,) in (0, 1). Returns (…); twice of it for τ = 0.5 is the absolute error
    Source: Koenker and Bassett 1978, Regression quantiles, Econometrica 46(1)
    """
    above = target[..., None] - prediction
    return torch.maximum(quantiles * above, (quantiles - 1) * above).mean(-1)
