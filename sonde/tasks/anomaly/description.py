"""What rows are compared by without learning: edges of images, steps that follow one another, or the values themselves."""

from math import prod

from torch import Tensor

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.nn.mixed_columns import MixedColumns
from sonde.nn.oriented_gradients import OrientedGradients

# B rows, P parts of a row that are compared by themselves, D numbers


class Description:
    """(B, *shape) -> (B, P, D); P is 1 but for rows of steps that are compared by `stretch` of them."""

    def __init__(self, input: InputSpec, stretch: int) -> None:
        """Raises: ConfigError for a stretch of what has no steps, or not so many"""
        self.stretch = stretch
        self.edges = OrientedGradients() if input.has_planes else None
        self.columns = MixedColumns(input)
        if stretch and (input.has_planes or input.kind == "table"):
            what = "images" if input.has_planes else "columns of a table"
            raise ConfigError(f"--stretch {stretch} is for rows of steps, and these are {what}; leave it out")
        if stretch > input.shape[0]:
            raise ConfigError(f"--stretch {stretch} is longer than the rows, which have {input.shape[0]} steps")
        self.width = prod(input.shape[1:])

    def __call__(self, input: Tensor) -> Tensor:
        """(B, *shape) -> (B, P, D)."""
        if self.edges is not None:
            return self.edges(input)[:, None]
        if not self.stretch:
            return self.columns(input).flatten(1)[:, None].float()
        steps = input.reshape(len(input), -1, self.width).float()
        return steps.unfold(1, self.stretch, max(1, self.stretch // 2)).flatten(2)  # (B, P, width * stretch)
