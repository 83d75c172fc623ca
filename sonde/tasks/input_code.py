"""How tasks that make inputs code them: rows of tables as continuous numbers, all else as it is."""

from dataclasses import replace
from typing import Protocol

from torch import Tensor

from sonde.core.dataset import InputSpec
from sonde.nn.column_code import ColumnCode


def network_input(input: InputSpec) -> InputSpec:
    """What a network is built for that works on codes."""
    shape = InputCode(input).shape
    return input if shape == input.shape and not input.columns else replace(input, shape=shape, columns=())


class Code(Protocol):
    """Inputs (B, *input.shape) <-> codes (B, *shape). keeps, keep: where codes are kept if a part of an input is (B, *shape)."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def keeps(self) -> bool: ...
    def encode(self, input: Tensor) -> Tensor: ...
    def decode(self, code: Tensor) -> Tensor: ...
    def keep(self, mask: Tensor) -> Tensor: ...


class InputCode:
    """Inputs (B, *input.shape) <-> codes (B, *shape), on which noise and densities make sense."""

    def __init__(self, input: InputSpec) -> None:
        self._columns = ColumnCode(input.columns) if input.columns and len(input.shape) == 1 else None
        self.shape = input.shape if self._columns is None else (self._columns.width,)
        self.keeps = not input.columns

    def encode(self, input: Tensor) -> Tensor:
        """(B, *input.shape) -> (B, *shape)."""
        return input if self._columns is None else self._columns.encode(input)

    def decode(self, code: Tensor) -> Tensor:
        """(B, *shape) -> (B, *input.shape), of tables with values that a table could have."""
        return code if self._columns is None else self._columns.decode(code)

    def keep(self, mask: Tensor) -> Tensor:
        """As it is."""
        return mask

    def spread(self, input: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """(codes with a density, by how many nats that bounds the input's from below (B,)), see `ColumnCode.spread`."""
        return (input, input.new_zeros(len(input))) if self._columns is None else self._columns.spread(input, noise)
