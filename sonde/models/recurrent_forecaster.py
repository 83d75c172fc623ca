"""A recurrent network that encodes a window of all variables and forecasts all steps of the horizon at once."""

from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_counts, check_shares
from sonde.models.series_input import forecast_variables
from sonde.nn.dropout import Dropout
from sonde.nn.reversible_norm import ReversibleNorm

# B windows, L look-back, H horizon, V variables


@dataclass(frozen=True, kw_only=True)
class RecurrentForecasterConfig:
    """Settings of the recurrent forecasters."""

    width: int = 64
    """Hidden size of each recurrent layer."""
    layers: int = 1
    """Recurrent layers, stacked."""
    dropout: float = 0.1
    """Dropout of the last hidden state before the linear layer."""

    def __post_init__(self) -> None:
        check_counts(self, "width", "layers")
        check_shares(self, "dropout")


class RecurrentForecaster(nn.Module):
    """A normalised window through recurrent layers; a linear map of the last hidden state gives the steps' differences from the
    last value: (B, L, V) -> (B, H, F). All V variables are inputs, also those that are not forecast.
    """

    def __init__(
        self, input: InputSpec, out_dim: int, config: RecurrentForecasterConfig, *, cell: type[nn.LSTM] | type[nn.GRU]
    ) -> None:
        super().__init__()
        _, self.forecast = forecast_variables(input)
        self.horizon = out_dim
        self.norm = ReversibleNorm()
        self.recurrent = cell(input.shape[1], config.width, config.layers, batch_first=True)
        self.dropout = Dropout(config.dropout)
        self.head = nn.Linear(config.width, self.horizon * self.forecast)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, L, V), lengths (B,), all of them L -> (B, H, F)."""
        normed, (mean, std) = self.norm(input)
        states, _ = self.recurrent(normed)  # (B, L, units)
        ahead = self.head(self.dropout(states[:, -1])).unflatten(1, (self.horizon, self.forecast))
        ahead = ahead + normed[:, -1:, : self.forecast]
        return self.norm.restore(ahead, (mean[..., : self.forecast], std[..., : self.forecast]))


lstm_forecaster = partial(RecurrentForecaster, cell=nn.LSTM)
"""With long short-term memory (Hochreiter and Schmidhuber 1997). out_dim: steps that are forecast."""
gru_forecaster = partial(RecurrentForecaster, cell=nn.GRU)
"""With gated recurrent units (Cho et al. 2014). out_dim: steps that are forecast."""
