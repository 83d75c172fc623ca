"""Codes of a trained autoencoder, in which another model learns: latent diffusion."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.core.reconstruction import LatentSpace

LEAST = (
    0.01  # of the widest channel's deviation: what varies less says next to nothing, and is not blown up to variance 1
)
CLOSE = 0.01  # deviations by which two scales of the same codes may differ

# B rows; codes are (B, L) numbers or (B, C, H, W) maps


class LatentCode(nn.Module):
    """Inputs <-> codes of a frozen autoencoder, each of whose channels (or numbers) has mean 0 and variance 1 on training rows.

    The scale is a buffer, and so a part of checkpoints; the autoencoder's own weights are not: its run folder holds them.
    Source: Rombach et al. 2022, arXiv:2112.10752, sections 3.1 and D.1 (one scale for all channels there)
    """

    def __init__(self, space: LatentSpace, frozen: nn.Module, input: InputSpec, trained: InputSpec) -> None:
        """frozen: the autoencoder's networks;  input: that of the run that learns codes;  trained: that of the autoencoder"""
        super().__init__()
        self.shape = space.shape
        frozen.eval().requires_grad_(False)
        self._held = (space, frozen)  # in a tuple, so that its weights are not taken for ours
        self._into, self._back = _between(input, trained), _between(trained, input)
        per = (space.shape[0], 1, 1) if self.keeps else space.shape
        self.register_buffer("mean", torch.zeros(per))
        self.register_buffer("std", torch.ones(per))
        self.mean: Tensor
        self.std: Tensor

    @property
    def keeps(self) -> bool:
        """Whether a part of an input has a part of the code, which can be kept: of maps."""
        return len(self.shape) == 3

    def encode(self, input: Tensor) -> Tensor:
        """(B, *input.shape) -> (B, *shape), without gradients."""
        return (self._raw(input) - self.mean) / self.std

    def decode(self, code: Tensor) -> Tensor:
        """(B, *shape) -> (B, *input.shape)."""
        raw = (code * self.std + self.mean).to(self._place(code))
        return _moved(self._held[0].decode(raw), self._back).to(code)

    def keep(self, mask: Tensor) -> Tensor:
        """1 where an input is kept (B, C, H, W) -> 1 where all that a place of the map stands for is (B, *shape).

        Raises: ConfigError for a mask under which there is no such place
        """
        whole = 1 - F.adaptive_max_pool2d(1 - mask.amin(1, keepdim=True), self.shape[1:])
        if not whole.any():
            sides = [f"{-(-there // here)}" for there, here in zip(mask.shape[2:], self.shape[1:], strict=True)]
            raise ConfigError(
                f"--mask leaves no block of {' x '.join(sides)} pixels to keep, and this run works on codes of such blocks; keep "
                "more, or use a run without --latent"
            )
        return whole.expand(-1, *self.shape)

    def same_as(self, other: "LatentCode") -> bool:
        """Whether a code of the one means what it means to the other, up to how rows were drawn to scale them."""
        mine, theirs = (each._held[1].state_dict() for each in (self, other))
        if mine.keys() != theirs.keys() or any(not torch.equal(mine[name].cpu(), theirs[name].cpu()) for name in mine):
            return False
        apart = torch.cat([((self.mean - other.mean) / self.std).flatten(), (other.std / self.std - 1).flatten()])
        return bool(apart.abs().max() <= CLOSE)

    @torch.no_grad()
    def measure(self, batches: Iterable[Tensor]) -> None:
        """Take the scale from inputs (B, *input.shape)."""
        codes = torch.cat([self._raw(batch).double().cpu() for batch in batches])
        over = (0, 2, 3) if self.keeps else (0,)
        std, mean = torch.std_mean(codes, over, correction=0)
        std = std.clamp(min=LEAST * float(std.max()))
        std[std == 0] = 1.0  # codes that never vary
        self.mean.copy_(mean.view(self.mean.shape))
        self.std.copy_(std.view(self.std.shape))

    @torch.no_grad()
    def _raw(self, input: Tensor) -> Tensor:
        return self._held[0].encode(_moved(input.to(self._place(input)), self._into)).to(input)

    def _place(self, like: Tensor) -> Tensor:
        """A tensor of the autoencoder's dtype, on the device that it is used on."""
        frozen = self._held[1]
        if next(frozen.parameters()).device != like.device:
            frozen.to(like.device)
        return next(frozen.parameters())


def _between(given: InputSpec, wanted: InputSpec) -> tuple[Tensor, Tensor] | None:
    """(factor, offset), (C, 1, 1) each, from images as one run normalises them to those of another; None for the same."""
    if not given.has_planes or (given.mean, given.std) == (wanted.mean, wanted.std):
        return None
    one, other = _scale(given), _scale(wanted)
    return one[1] / other[1], (one[0] - other[0]) / other[1]


def _scale(input: InputSpec) -> tuple[Tensor, Tensor]:
    """(mean, std), (C, 1, 1) each, as `Normalise` has them."""
    channels = input.shape[0]
    std = [each if each > 0 else 1.0 for each in input.std or (1.0,) * channels]
    return torch.tensor(input.mean or (0.0,) * channels).view(-1, 1, 1), torch.tensor(std).view(-1, 1, 1)


def _moved(input: Tensor, between: tuple[Tensor, Tensor] | None) -> Tensor:
    return input if between is None else input * between[0].to(input) + between[1].to(input)
