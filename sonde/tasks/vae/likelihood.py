"""What a decoder's outputs say of an input: the logarithm of its probability, and inputs drawn from it."""

import math
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.nn.mixed_columns import MixedColumns
from sonde.tasks.reconstructing import Pixels

NOISES = 64  # row number n is evaluated with noise n modulo this: the same in every evaluation, whatever its batch
NARROWEST = math.log(1e-3)  # of a deviation: rows that are given back exactly have no highest likelihood

# B rows, F features, W outputs


class Gaussian(nn.Module):
    """Values with normal noise of a learned deviation, one for all values of an image or array and one a column of a table;
    categories by their probabilities.

    Source: Rybkin, Daniilidis and Levine 2020, Simple and effective VAE training with calibrated decoders, arXiv:2006.13202
    """

    def __init__(self, input: InputSpec) -> None:
        super().__init__()
        self.columns = MixedColumns(input)
        numbers = len(self.columns.numbers) if self.columns.mixed else len(input.columns) if input.columns else 1
        of_columns = numbers if len(input.shape) == 1 else 1
        self.log_deviation = nn.Parameter(torch.zeros(of_columns))

    @property
    def deviation(self) -> Tensor:
        """(1,) or one a column."""
        return self.log_deviation.clamp(min=NARROWEST).exp()

    def target(self, input: Tensor, index: Tensor | None) -> Tensor:
        """The input itself."""
        return input

    def log_probability(self, output: Tensor, input: Tensor) -> Tensor:
        """(B,) nats of inputs (B, F) under outputs (B, W); a density of numbers, on the scale that the network is fed."""
        return -self.each(output, input).flatten(1).sum(1)

    def each(self, output: Tensor, input: Tensor) -> Tensor:
        """Minus that by value."""
        numbers, logits = self.columns.parts(output)
        true = input[:, self.columns.numbers] if self.columns.mixed else input
        standard = (true - numbers) / self.deviation
        nats = standard.square() / 2 + self.deviation.log() + math.log(2 * math.pi) / 2
        return self.columns.joined(nats, self.columns.surprise(logits, input))

    def mean(self, output: Tensor) -> Tensor:
        """What is likeliest, as the network is fed it."""
        return self.columns.values(output)

    def drawn(self, output: Tensor, noise: Callable[[tuple[int, ...]], Tensor]) -> Tensor:
        """An input of a table by chance, noise and all; of an image the mean, which is how those are shown."""
        if len(output.shape) > 2:
            return output
        numbers, logits = self.columns.parts(output)
        numbers = numbers + self.deviation * noise(tuple(numbers.shape))
        codes = []
        for each in logits:
            uniform = torch.special.ndtr(noise(tuple(each.shape))).clamp(1e-6, 1 - 1e-6)
            codes.append((each - (-uniform.log()).log()).argmax(1))  # Gumbel noise: one category by its probability
        return self.columns.joined(numbers, codes)


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
