"""Reversible instance normalisation: windows of a series are normalised, and forecasts of them scaled back."""

from collections.abc import Callable

from torch import Tensor, nn

EPS = 1e-5

# B windows, L look-back, H horizon, V variables


class ReversibleNorm(nn.Module):
    """Variables of a window less their mean and over their deviation, and forecasts back again: (B, L, V) -> (B, L, V).

    Source: Kim et al. 2022, Reversible instance normalization for accurate time-series forecasting (ICLR), without their learned
    scale and shift
    """

    def forward(self, input: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(B, L, V) -> the same on its own scale, and that scale: mean and deviation (B, 1, V), for `restore`."""
        mean = input.mean(1, keepdim=True)
        std = (input.var(1, keepdim=True, unbiased=False) + EPS).sqrt()
        return (input - mean) / std, (mean, std)

    def each_variable(self, input: Tensor, forecast: Callable[[Tensor], Tensor]) -> Tensor:
        """Every variable by itself, on its own scale, through a forecast (B V, L) -> (B V, H): (B, L, V) -> (B, H, V)."""
        normed, scale = self(input)
        ahead = forecast(normed.transpose(1, 2).flatten(0, 1))
        return self.restore(ahead.unflatten(0, (-1, input.shape[2])).transpose(1, 2), scale)

    def restore(self, output: Tensor, scale: tuple[Tensor, Tensor]) -> Tensor:
        """(B, H, V) -> the same on the scale that the window had."""
        mean, std = scale
        return output * std + mean
