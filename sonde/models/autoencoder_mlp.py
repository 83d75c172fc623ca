"""An encoder and a decoder of dense layers, mirror images of each other: for tables, arrays and small images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_counts
from sonde.nn.activations import Activation, activation
from sonde.nn.mixed_columns import MixedColumns


@dataclass(frozen=True, kw_only=True)
class AutoencoderMLPConfig:
    """Settings of the autoencoder of dense layers."""

    hidden: tuple[int, ...] = (256, 128)
    """Units of the encoder's hidden layers, in order; the decoder has the same in reverse. None gives a linear one."""
    activation: Activation = "relu"
    """Activation after each hidden layer."""

    def __post_init__(self) -> None:
        check_counts(self, "hidden")


class AutoencoderMLP(nn.Module):
    """`encode`: (B, *shape) -> (B, *code);  `decode`: (B, *code) -> (B, *out). A task puts its bottleneck between the two.

    Of a table with categories `out` is what `MixedColumns` makes of a row; else it is the input's shape.
    Source: Hinton and Salakhutdinov 2006, Science 313
    """

    def __init__(self, input: InputSpec, out_dim: int, config: AutoencoderMLPConfig) -> None:
        """out_dim: not used, as what comes out is like what goes in"""
        super().__init__()
        self.columns = MixedColumns(input)
        self.out: tuple[int, ...] = self.columns.out
        values, hidden = prod(self.out), config.hidden
        widths = (values, *hidden)
        self.code: tuple[int, ...] = (widths[-1],)

        def acting() -> nn.Module:
            return activation(config.activation)

        self.encoder = nn.Sequential(*_layers(widths, acting))
        self.decoder = nn.Sequential(*([acting()] if hidden else []), *_layers(widths[::-1], acting)[:-1])

    def encode(self, input: Tensor) -> Tensor:
        """(B, *shape) -> (B, *code)."""
        return self.encoder(self.columns(input).flatten(1))

    def decode(self, code: Tensor) -> Tensor:
        """(B, *code) -> (B, *out)."""
        return self.decoder(code).unflatten(1, self.out)

    def forward(self, input: Tensor) -> Tensor:
        """(B, *shape) -> (B, *out), without a bottleneck."""
        return self.decode(self.encode(input))


def _layers(widths: Sequence[int], acting: Callable[[], nn.Module]) -> list[nn.Module]:
    """A dense layer from each width to the next, an activation after each."""
    found: list[nn.Module] = []
    for before, after in zip(widths, widths[1:], strict=False):
        found += [nn.Linear(before, after), acting()]
    return found
