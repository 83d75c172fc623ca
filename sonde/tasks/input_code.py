"""How tasks that make inputs code them: rows of tables as continuous numbers, clips of sound as pictures, all else as it is."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from torch import Tensor

from sonde.core.dataset import InputSpec
from sonde.nn.column_code import ColumnCode
from sonde.nn.sound_code import code_of


def network_input(input: InputSpec) -> InputSpec:
    """What a network is built for that works on codes."""
    return _coded(input, InputCode(input))


def sound_input(input: InputSpec) -> InputSpec:
    """The same where tables are not coded."""
    return _coded(input, InputCode(input, tables=False)) if input.is_clip else input


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
    """Inputs (B, *input.shape) <-> codes (B, *shape), on which noise and densities make sense.

    keeps: whether a part of an input is kept with the same part of its code
    """

    def __init__(self, input: InputSpec, *, tables: bool = True, straight: bool = False) -> None:
        """tables: whether rows of tables are coded;  straight: their numbers stay in standard deviations instead of being bent"""
        coded = tables and bool(input.columns) and len(input.shape) == 1
        self._columns = ColumnCode(input.columns, straight=straight) if coded else None
        self._sound = code_of(input) if input.is_clip else None
        self.keeps = not input.columns and self._sound is None
        self.shape: tuple[int, ...] = input.shape
        if self._columns is not None:
            self.shape = (self._columns.width,)
        elif self._sound is not None:
            self.shape = self._sound.shape

    def encode(self, input: Tensor) -> Tensor:
        """(B, *input.shape) -> (B, *shape). Sound may be longer or shorter than a clip."""
        if self._sound is not None:
            return self._sound.encode(input)
        return input if self._columns is None else self._columns.encode(input)

    def decode(self, code: Tensor) -> Tensor:
        """(B, *shape) -> (B, *input.shape), of tables with values that a table could have."""
        if self._sound is not None:
            return self._sound.decode(code)
        return code if self._columns is None else self._columns.decode(code)

    def keep(self, mask: Tensor) -> Tensor:
        """As it is."""
        return mask

    def spread(self, input: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """(codes with a density, by how many nats that bounds the input's from below (B,)), see `ColumnCode.spread`."""
        return (input, input.new_zeros(len(input))) if self._columns is None else self._columns.spread(input, noise)

    def unspread(self, code: Tensor) -> Tensor:
        """The way back from `spread`: (B, *shape) -> (B, *input.shape)."""
        return self.decode(code) if self._columns is None else self._columns.unspread(code)

    @property
    def counts_rows(self) -> bool:
        """Whether `know` makes a difference."""
        return self._columns is not None and self._columns.counts_rows

    def know(self, input: Tensor) -> None:
        """Let gaps and categories be as often in `spread` as in training rows."""
        if self._columns is not None:
            self._columns.know(input)

    @property
    def shares(self) -> list[list[float]]:
        """What `know` came to."""
        return [] if self._columns is None else self._columns.shares()

    @shares.setter
    def shares(self, shares: Sequence[Sequence[float]]) -> None:
        if self._columns is not None and shares:
            self._columns.take_shares(shares)


def _coded(input: InputSpec, code: InputCode) -> InputSpec:
    if input.is_clip:
        return replace(input, shape=code.shape, mean=(), std=(), scale=0.0)
    return input if code.shape == input.shape and not input.columns else replace(input, shape=code.shape, columns=())
