"""What is known of a series in advance: its effect is taken off the past of any forecaster, and put on its forecast."""

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.series_input import forecast_variables

WIDTH = (
    64  # hidden units; a few columns of numbers and names have effects that add up, or depend on one another in pairs
)

# B windows, L look-back, H horizon, V variables, F of them that are forecast, K numbers known of a step


class Effect(nn.Module):
    """What the known values of a step add to its variables, by one hidden layer; at first nothing: (B, T, K) -> (B, T, F)."""

    def __init__(self, known: int, variables: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(known, WIDTH)
        self.head = nn.Linear(WIDTH, variables, bias=False)
        nn.init.zeros_(self.head.weight)

    def forward(self, covariates: Tensor) -> Tensor:
        """(B, T, K) -> (B, T, F)."""
        return self.head(torch.relu(self.hidden(covariates)))


class KnownAhead(nn.Module):
    """A forecaster of what known values leave unexplained, and their effect: (B, L, V), (B, L + H, K) -> (B, H, F).

    Regression with errors that are forecast, as an ARIMAX model, learned together: a promotion that ended with the window is not
    taken for the level of what follows, and one that is planned is seen.
    Source: Hyndman and Athanasopoulos 2021, Forecasting: principles and practice, 3rd edition, chapter 10
    """

    def __init__(self, network: nn.Module, input: InputSpec) -> None:
        """network: any forecaster, (B, L, V), lengths (B,) -> (B, H, F)"""
        super().__init__()
        self.look_back, self.variables = forecast_variables(input)
        self.network = network
        self.effect = Effect(input.covariates, self.variables)

    def forward(self, input: Tensor, lengths: Tensor, covariates: Tensor) -> Tensor:
        """(B, L, V), lengths (B,), (B, L + H, K) -> (B, H, F)."""
        past, ahead = self.effect(covariates).split([self.look_back, covariates.shape[1] - self.look_back], dim=1)
        forecast, others = input.split([self.variables, input.shape[2] - self.variables], dim=2)
        return self.network(torch.cat([forecast - past, others], dim=2), lengths) + ahead
