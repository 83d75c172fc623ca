"""What is known of a series in advance: its effect is taken off the past of any forecaster, and put on its forecast."""

import torch
from torch import Tensor, nn

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

    def __init__(self, network: nn.Module, *, look_back: int, variables: int, known: int) -> None:
        """network: any forecaster, (B, L, V), lengths (B,) -> (B, H, F);  variables: F;  known: K"""
        super().__init__()
        self.look_back, self.variables = look_back, variables
        self.network = network
        self.effect = Effect(known, variables)

    def forward(self, input: Tensor, lengths: Tensor, covariates: Tensor) -> Tensor:
        """(B, L, V), lengths (B,), (B, L + H, K) -> (B, H, F)."""
        left = torch.cat([self.unexplained(input, covariates), input[:, :, self.variables :]], dim=2)
        return self.network(left, lengths) + self.effect(covariates[:, self.look_back :])

    def unexplained(self, input: Tensor, covariates: Tensor) -> Tensor:
        """The window without the effect of what is known: (B, L, V), (B, L + H, K) -> (B, L, F)."""
        return input[:, :, : self.variables] - self.effect(covariates[:, : self.look_back])
