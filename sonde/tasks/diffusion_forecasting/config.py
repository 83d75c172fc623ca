"""Settings of forecasting by diffusion: its flags."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.bounds import at_least
from sonde.core.errors import ConfigError
from sonde.tasks.forecasting.config import check_quantiles

FEWEST = 20  # paths, of fewer of which none lies below the 5 % quantile
HEADS = 4  # of the denoiser


@dataclass(frozen=True, kw_only=True)
class DiffusionForecastingConfig:
    """Settings of forecasting by diffusion."""

    quantiles: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
    """Quantiles of the sample paths that are reported; 0.5 is the forecast itself."""
    paths: int = 32
    """Sample paths of each forecast in an evaluation, for quantiles and the CRPS; an even number from 20."""
    sampling_steps: int = 4
    """Steps in which noise becomes a path (midpoint method); more are slower and more exact."""
    noises: int = 4
    """Noises drawn for each window in a training step."""
    times: Literal["uniform", "logit-normal"] = "uniform"
    """How times are drawn in training: evenly, or more often in the middle (logit-normal)."""
    path_every: int = 4
    """Steps after each of which the network that makes the paths is trained once; the forecast is at every step."""
    path_width: int = 64
    """Width of the network that makes the paths, a multiple of 4."""
    path_layers: int = 2
    """Blocks of the network that makes the paths."""

    def __post_init__(self) -> None:
        check_quantiles(self.quantiles)
        at_least(self, 1, "sampling_steps", "noises", "path_every", "path_width", "path_layers")
        at_least(self, FEWEST, "paths")
        if self.paths % 2:
            raise ConfigError(f"--paths must be even, as half of them mirror the others' noise, got {self.paths}")
        if self.path_width % HEADS:
            raise ConfigError(f"--path-width must be a multiple of {HEADS}, got {self.path_width}")
