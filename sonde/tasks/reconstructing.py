"""What tasks share that give inputs back from a code: the networks they take, quality by row, what `predict` writes."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Literal, Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.metrics.similarity import psnr, ssim
from sonde.nn.mixed_columns import MixedColumns
from sonde.tasks.supervised import wide

# B rows, L numbers of a latent


@runtime_checkable
class Codes(Protocol):
    """A network of an encoder (B, *shape) -> (B, *code) and a decoder (B, *code) -> (B, *out)."""

    code: tuple[int, ...]
    out: tuple[int, ...]

    def encode(self, input: Tensor) -> Tensor: ...
    def decode(self, code: Tensor) -> Tensor: ...


def coding(model: nn.Module, task: str) -> Codes:
    """The network, known to be of that kind. Raises: ConfigError for another"""
    if not isinstance(model, Codes):
        raise ConfigError(
            f"task {task} needs a network with encode and decode, and {type(model).__name__} has none; take --model "
            "autoencoder-cnn (images) or autoencoder-mlp (numbers)"
        )
    return model


class Bottleneck(nn.Module):
    """A network of codes with `latent` numbers, or pairs of them, between encoder and decoder."""

    def __init__(self, model: nn.Module, *, latent: int, task: str, moments: int = 1) -> None:
        """moments: numbers that are encoded for each of the latent.  Raises: ConfigError for a network of another kind"""
        super().__init__()
        self.code = coding(model, task).code
        self.model, self.latent, self.shape = model, latent, (latent,)
        self.down, self.up = nn.Linear(prod(self.code), moments * latent), nn.Linear(latent, prod(self.code))

    def encode(self, input: Tensor) -> Tensor:
        """(B, *shape) -> (B, moments * L), at least float32."""
        return wide(self.down(cast(Codes, self.model).encode(input).flatten(1)))

    def decode(self, latent: Tensor) -> Tensor:
        """(B, L) -> (B, *out), at least float32."""
        return wide(cast(Codes, self.model).decode(self.up(latent).unflatten(1, self.code)))

    def forward(self, input: Tensor) -> Tensor:
        """(B, *shape) -> (B, *out)."""
        return self.decode(self.encode(input))


class MapBottleneck(nn.Module):
    """A network whose code is a map, with 1x1 convolutions to a map of few channels and back. Codes are told as rows of numbers.

    Source: Rombach et al. 2022, High-resolution image synthesis with latent diffusion models, arXiv:2112.10752, section 3.1
    """

    def __init__(self, model: nn.Module, *, channels: int, task: str, moments: int = 1) -> None:
        """moments: as of `Bottleneck`.  Raises: ConfigError for a network of another kind, or one whose code is no map"""
        super().__init__()
        code = coding(model, task).code
        if len(code) != 3:
            raise ConfigError(
                f"--latent-channels {channels} makes a map of codes, and {type(model).__name__} has none; take --model "
                "autoencoder-cnn (images), or give --latent instead"
            )
        self.model, self.shape = model, (channels, *code[1:])
        self.latent = prod(self.shape)
        self.down, self.up = nn.Conv2d(code[0], moments * channels, 1), nn.Conv2d(channels, code[0], 1)

    def encode(self, input: Tensor) -> Tensor:
        """(B, *shape) -> (B, moments * L), at least float32."""
        return wide(self.down(cast(Codes, self.model).encode(input)).flatten(1))

    def decode(self, latent: Tensor) -> Tensor:
        """(B, L) -> (B, *out), at least float32."""
        return wide(cast(Codes, self.model).decode(self.up(latent.unflatten(1, self.shape))))

    def forward(self, input: Tensor) -> Tensor:
        """(B, *shape) -> (B, *out)."""
        return self.decode(self.encode(input))


def bottleneck(
    model: nn.Module, *, latent: int, channels: int, task: str, moments: int = 1
) -> Bottleneck | MapBottleneck:
    """`latent` numbers; or a map of so many channels, where they are not 0. Raises: ConfigError as these two"""
    if channels:
        return MapBottleneck(model, channels=channels, task=task, moments=moments)
    return Bottleneck(model, latent=latent, task=task, moments=moments)


class Pixels:
    """Normalised images (B, C, H, W) to values in 0..1 and back."""

    def __init__(self, input: InputSpec) -> None:
        channels = input.shape[0]
        std = [each if each > 0 else 1.0 for each in input.std or (1.0,) * channels]  # as `Normalise` does
        self.mean = torch.tensor(input.mean or (0.0,) * channels).view(-1, 1, 1)
        self.std = torch.tensor(std).view(-1, 1, 1)

    def of(self, input: Tensor) -> Tensor:
        """Normalised -> 0..1."""
        return (input * self.std.to(input.device) + self.mean.to(input.device)).clamp(0, 1)

    def back(self, pixels: Tensor) -> Tensor:
        """0..1 -> normalised."""
        return (pixels - self.mean.to(pixels.device)) / self.std.to(pixels.device)


def quality(given: Tensor, input: Tensor, pixels: Pixels | None) -> dict[str, Tensor]:
    """Of inputs given back, on the network's scale: mse (B,), the mean over values; of images also psnr and ssim (B,)."""
    found = {"mse": (given - input).square().flatten(1).mean(1)}
    if pixels is not None:
        shown, true = pixels.of(given), pixels.of(input)
        found |= {"psnr": psnr(shown, true), "ssim": ssim(shown, true)}
    return found


Mode = Literal["max", "min"]


def qualities(pixels: Pixels | None, **more: Mode) -> dict[str, Mode]:
    """What can choose the best checkpoint, and which way is better: the loss, what `quality` measures, and more."""
    found: dict[str, Mode] = {"loss": "min", "mse": "min", **more}
    return found if pixels is None else {**found, "psnr": "max", "ssim": "max"}


def pixels_of(input: InputSpec) -> Pixels | None:
    """None for inputs that are no images."""
    return Pixels(input) if input.has_planes else None


def disturbed(input: Tensor, amount: float, kind: str) -> Tensor:
    """An input to be given back as it was: with normal noise of that deviation, or with that share of its values set to 0.

    Draws from torch's own stream. Source: Vincent et al. 2010, Stacked denoising autoencoders, JMLR 11
    """
    if not amount:
        return input
    if kind == "mask":
        return input * (torch.rand_like(input) >= amount)
    return input + amount * torch.randn_like(input)


class Worded:
    """What `predict` gave of rows, in words and numbers: codes, inputs on their own scale, errors where they lie."""

    def __init__(self, input: InputSpec) -> None:
        self.input = input
        self.columns = MixedColumns(input)
        self.pixels = pixels_of(input)
        single = len(input.columns) == prod(input.shape)
        self.names = [column.name for column in input.columns] if single else None

    def __call__(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per row: {"latent": {"0": number, …}}, {"reconstruction": …}, or {"score": number, "error": …}.

        Reconstructions of images are (H, W, C) uint8, their errors (H, W) means over channels; of columns a dict by name; of
        sound waveforms (S,), their errors (1, M, F) by mel and frame.
        """
        listed: dict[str, Sequence[Any]] = {}
        for name, values in outputs.items():
            values = values.detach().cpu()
            if name == "reconstruction":
                listed[name] = self._given_back(values)
            elif name == "error":
                listed[name] = self._errors(values)
            elif values.ndim > 1:
                listed[name] = [numbered(row) for row in values.flatten(1).tolist()]
            else:
                listed[name] = values.tolist()
        return [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)]

    def _given_back(self, values: Tensor) -> Sequence[Any]:
        if self.pixels is not None:
            return list((self.pixels.of(values.float()) * 255).round().to(torch.uint8).movedim(1, -1).numpy())
        if self.names is None:
            whole = values.ndim > 2 or self.input.is_clip
            return list(values.numpy()) if whole else [numbered(row) for row in values.tolist()]
        return [
            {
                column.name: _cell(column.categories, value)
                if column.kind == "category"
                else value * column.std + column.mean
                for column, value in zip(self.input.columns, row, strict=True)
            }
            for row in values.flatten(1).tolist()
        ]

    def _errors(self, values: Tensor) -> Sequence[Any]:
        if self.pixels is not None:
            return list(values.mean(1).numpy())
        if self.names is None:
            return list(values.numpy()) if values.ndim > 2 else [numbered(row) for row in values.tolist()]
        return [dict(zip(self.names, row, strict=True)) for row in values.flatten(1).tolist()]


def numbered(row: Sequence[Any]) -> dict[str, Any]:
    """{"0": the first, "1": …}."""
    return {str(place): value for place, value in enumerate(row)}


def _cell(categories: Sequence[str], code: float) -> str:
    place = round(code)
    return categories[place - 1] if 0 < place <= len(categories) else ""
