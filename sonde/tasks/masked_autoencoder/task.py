"""Masked autoencoder: most patches of an image are masked, and their pixels are reconstructed."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.core.unmasked import Unmasked
from sonde.losses.patches import images_of, masked_error, patches_of, restored
from sonde.nn.features import features, remove_head
from sonde.nn.patch_decoder import PatchDecoder
from sonde.tasks.masked_autoencoder.config import HEADS, MaskedAutoencoderConfig
from sonde.tasks.supervised import wide
from sonde.tasks.unlabelled import meter_for, numbered, probed, unlabelled_objective

# row number n is evaluated under the mask n modulo this: the same in every evaluation, whatever its batch
EVALUATION_MASKS = 64

# B rows, C channels, T patches of an image, D channels of a token, V = C * patch * patch numbers of a patch


@runtime_checkable
class Patchwise(Protocol):
    """A network of images that can look at some of their patches only, as `VisionTransformer` can.

    patch: side in pixels; grid: patches from top to bottom and from left to right; prefix: tokens before the first patch
    """

    patch: int
    grid: tuple[int, int]
    prefix: int

    def tokens(self, input: Tensor, visible: Tensor | None = None) -> Tensor: ...


class MaskedAutoencoder:
    """Trains a vision transformer without its head on the patches it sees, and a light decoder that reconstructs the masked ones.

    Masks are drawn as dropout is, from torch's own stream; in an evaluation each row has a fixed one. Targets are not
    used, except by the meter: see `NeighboursMeter`.
    Source: He et al. 2021, Masked autoencoders are scalable vision learners, arXiv:2111.06377
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: MaskedAutoencoderConfig,
        *,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError for a network without patches, too few of them, or when `monitor` is not a metric"""
        if not isinstance(model, Patchwise):
            raise ConfigError(
                f"task masked-autoencoder masks patches of an image, and {type(model).__name__} has none; use --model "
                "vit-tiny-16, or --task simclr"
            )
        self.target, self.config = target, config
        self.patch, self.grid, self.count = model.patch, model.grid, model.grid[0] * model.grid[1]
        self.visible = round(self.count * (1 - config.mask_share))
        if not 0 < self.visible < self.count:
            raise ConfigError(
                f"--mask-share {config.mask_share:g} of {self.count} patches leaves none "
                f"{'visible' if self.visible == 0 else 'masked'}; give a smaller --patch, or another share"
            )
        channels = next(p.shape[1] for p in model.parameters() if p.ndim == 4)
        decoder = PatchDecoder(
            remove_head(model),
            prefix=model.prefix,
            patches=self.count,
            values=channels * self.patch**2,
            width=config.decoder_width,
            depth=config.decoder_depth,
            heads=HEADS,
        )
        self.modules = nn.ModuleDict({"model": model, "decoder": decoder})
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[model, decoder]),)
        self.objective: Objective = unlabelled_objective(target, monitor)
        self.abilities = Abilities(unmask=self.unmask)
        self._evaluation_noise = torch.rand(EVALUATION_MASKS, self.count, generator=torch.Generator().manual_seed(0))

    def loss(self, batch: Batch) -> Loss:
        """The mean over rows, each under a mask of its own."""
        noise = torch.rand(len(batch), self.count, device=batch["input"].device)
        return Loss(self._each(batch, noise).mean(), len(batch))

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: the error of the masked patches (B,), the features of the whole image (B, D), and its class."""
        noise = self._fixed_noise(batch)
        known = features(self.modules["model"], batch["input"])
        return probed(batch, self.target, known, self._each(batch, noise))

    def meter(self) -> Meter:
        """A fresh one."""
        return meter_for(self.target)

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"features": (B, D)}, what reaches the head of the network."""
        return {"features": features(self.modules["model"], batch["input"])}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"features": {"0": number, …}} per row."""
        return numbered(outputs)

    def unmask(self, batch: Batch) -> Unmasked:
        """Images under the masks of an evaluation. A masked patch's mean and deviation are those of the truth: its
        pixels are predicted without them."""
        predicted, masked = self._predicted(batch, self._fixed_noise(batch))
        patches = patches_of(batch["input"], self.patch)
        hidden = masked[..., None] > 0
        seen, found = patches.masked_fill(hidden, 0.0), torch.where(hidden, restored(predicted, patches), patches)
        return Unmasked(*(images_of(each, self.patch, self.grid) for each in (patches, seen, found)))

    def _fixed_noise(self, batch: Batch) -> Tensor:
        """(B, T), the same for a row in every evaluation."""
        return self._evaluation_noise[batch.index % EVALUATION_MASKS].to(batch["input"].device)

    def _each(self, batch: Batch, noise: Tensor) -> Tensor:
        """(B,), the error where noise (B, T) is largest."""
        predicted, masked = self._predicted(batch, noise)
        return masked_error(predicted, patches_of(batch["input"], self.patch), masked)

    def _predicted(self, batch: Batch, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Patches (B, T, V), and 1 for those that were masked (B, T): where noise (B, T) is largest."""
        order = noise.argsort(1)
        model = cast(Patchwise, self.modules["model"])
        tokens = model.tokens(batch["input"], order[:, : self.visible])
        predicted = wide(self.modules["decoder"](tokens, order))
        return predicted, torch.ones_like(noise).scatter_(1, order[:, : self.visible], 0.0)
