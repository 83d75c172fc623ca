"""What a decoder's outputs say of an input: the logarithm of its probability, and inputs drawn from it."""

import math
from collections.abc import Callable, Iterable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.tasks.reconstructing import Pixels
from sonde.tasks.vae.alone import NARROWEST, Alone, values_alone
from sonde.tasks.vae.column_likelihood import Columns

NOISES = 64  # row number n is evaluated with noise n modulo this: the same in every evaluation, whatever its batch

# B rows


class Gaussian(nn.Module):
    """Values with normal noise of a learned deviation, one for all values of an image or array.

    Source: Rybkin, Daniilidis and Levine 2020, Simple and effective VAE training with calibrated decoders, arXiv:2006.13202
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_deviation = nn.Parameter(torch.zeros(1))

    @property
    def deviation(self) -> Tensor:
        """(1,)."""
        return self.log_deviation.clamp(min=NARROWEST).exp()

    def target(self, input: Tensor, index: Tensor | None) -> Tensor:
        """The input itself."""
        return input

    def fed(self, target: Tensor) -> Tensor:
        """The same."""
        return target

    def log_probability(self, output: Tensor, input: Tensor) -> Tensor:
        """(B,) nats of inputs (B, …) under outputs like them; a density, on the scale that the network is fed."""
        return -self.each(output, input).flatten(1).sum(1)

    def each(self, output: Tensor, input: Tensor, deviation: Tensor | None = None) -> Tensor:
        """Minus that by value. deviation: in place of the learned"""
        deviation = self.deviation if deviation is None else deviation
        standard = (input - output) / deviation
        return standard.square() / 2 + deviation.log() + math.log(2 * math.pi) / 2

    def alone(self, targets: Iterable[Tensor]) -> Alone:
        """See `values_alone`."""
        return values_alone(targets)

    def mean(self, output: Tensor) -> Tensor:
        """The same: what is likeliest."""
        return output

    def drawn(self, output: Tensor, noise: Callable[[tuple[int, ...]], Tensor]) -> Tensor:
        """Rows of numbers by chance, noise and all; of an image the mean, which is how those are shown."""
        return output if output.ndim > 2 else output + self.deviation * noise(tuple(output.shape))


class Bernoulli(nn.Module):
    """Probabilities of white pixels, as logits (B, C, H, W)."""

    def __init__(self, input: InputSpec, binarise: Literal["auto", "dynamic", "threshold", "none"]) -> None:
        """Raises: ConfigError for inputs that are no images"""
        super().__init__()
        if not input.has_planes:
            raise ConfigError("--likelihood bernoulli is for the pixels of images; leave it out")
        self.pixels = Pixels(input)
        self.binarise = "dynamic" if binarise == "auto" else binarise
        self._fixed = torch.rand(NOISES, *input.shape, generator=torch.Generator().manual_seed(1))

    def target(self, input: Tensor, index: Tensor | None) -> Tensor:
        """Pixels in 0..1, or 0 and 1. index: numbers of the rows (B,), by which chance is fixed in evaluations"""
        pixels = self.pixels.of(input)
        if self.binarise == "none":
            return pixels
        if self.binarise == "threshold":
            return (pixels >= 0.5).to(pixels.dtype)
        chance = torch.rand_like(pixels) if index is None else self._fixed[index.cpu() % NOISES].to(pixels.device)
        return (chance < pixels).to(pixels.dtype)

    def fed(self, target: Tensor) -> Tensor:
        """Binary pixels as the encoder is fed them."""
        return self.pixels.back(target)

    def log_probability(self, output: Tensor, target: Tensor) -> Tensor:
        """(B,) nats."""
        return -self.each(output, target).flatten(1).sum(1)

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Minus that by pixel."""
        return F.binary_cross_entropy_with_logits(output, target, reduction="none")

    def mean(self, output: Tensor) -> Tensor:
        """Probabilities, as the network is fed images."""
        return self.pixels.back(output.sigmoid())

    def drawn(self, output: Tensor, noise: Callable[[tuple[int, ...]], Tensor]) -> Tensor:
        """The same: how samples are shown."""
        return self.mean(output)


def likelihood_of(
    input: InputSpec, kind: str, binarise: Literal["auto", "dynamic", "threshold", "none"]
) -> Gaussian | Columns | Bernoulli:
    """By --likelihood, and of rows of a table by their columns. Raises: ConfigError as `Bernoulli`"""
    if kind == "bernoulli":
        return Bernoulli(input, binarise)
    return Columns(input) if input.columns and len(input.shape) == 1 else Gaussian()
