"""Autoencoders: an encoder gives each input a short code, and a decoder the input back from it."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.reconstruction import LatentSpace, Reconstruction
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase, RuleBaseline
from sonde.metrics.reconstruction import ReconstructionMeter
from sonde.nn.mixed_columns import MixedColumns
from sonde.tasks.autoencoder.config import AutoencoderConfig
from sonde.tasks.input_code import InputCode, sound_input
from sonde.tasks.reconstructing import Worded, bottleneck, disturbed, pixels_of, qualities, quality
from sonde.tasks.supervised import objective

MEAN = "always giving back the mean"

# B rows, L numbers of a latent


class Autoencoder:
    """Trained by the mean error of the values that are given back: squared, of categories the cross-entropy.

    A sparse one passes its code through a ReLU and pays for each number of it by the length of the direction that it is decoded
    to, so that nothing is gained by small codes and large weights.
    Source: Hinton and Salakhutdinov 2006, Science 313; denoising: Vincent et al. 2010, JMLR 11; sparse: Ng 2011, CS294A lecture
    notes, with the penalty of Conerly et al. 2024, transformer-circuits.pub (April update)
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: AutoencoderConfig,
        *,
        input: InputSpec,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError for a network of another kind, or when `monitor` is not a metric"""
        self.net = bottleneck(model, latent=config.latent, channels=config.latent_channels, task="autoencoder")
        self.config, self.input = config, input
        self.code = InputCode(input, tables=False)
        self.columns, self.pixels = MixedColumns(sound_input(input)), pixels_of(input)
        self.format_predictions = Worded(input)
        self.modules = nn.ModuleDict({"model": self.net, "columns": self.columns})
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[self.net]),)
        self.objective: Objective = objective("loss", qualities(self.pixels), monitor)
        self.abilities = Abilities(
            rule_baseline=None if self.columns.mixed else RuleBaseline(MEAN, self.mean_given_back),
            reconstruction=Reconstruction(
                outputs={"latent": self.predict, "reconstruction": self.given_back, "anomaly": self.anomaly},
                latent=lambda batch: self._latent(self._fed(batch)),
                reconstruct=self._reconstructed,
                decode=self._decoded,
                space=LatentSpace(
                    shape=self.net.shape,
                    encode=lambda input: self._latent(self.code.encode(input)).unflatten(1, self.net.shape),
                    decode=lambda codes: self._decoded(codes.flatten(1)),
                ),
            ),
        )

    def loss(self, batch: Batch) -> Loss:
        """The mean error of the values of clean inputs, and what a sparse code pays."""
        input = self._fed(batch)
        code = self._latent(disturbed(input, self.config.corrupt, self.config.corruption))
        error = self.columns.errors(self.net.decode(code), input).mean()
        if not self.config.sparsity:
            return Loss(error, len(batch))
        price = self._price(code).mean()
        return Loss(error + self.config.sparsity * price, len(batch), {"error": error, "price": price})

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: loss and mse (B,), of images psnr and ssim (B,), of a sparse code the share that is not 0 (B,)."""
        input = self._fed(batch)
        code = self._latent(input)
        output = self.net.decode(code)
        found = {"loss": self.columns.errors(output, input).flatten(1).mean(1)}
        found |= quality(self.columns.values(output), input, self.pixels)
        if self.config.sparsity:
            found["loss"] = found["loss"] + self.config.sparsity * self._price(code)
            found["nonzero"] = (code > 0).float().mean(1)
        return found

    def mean_given_back(self, batch: Batch) -> Mapping[str, Tensor]:
        """Of a network that gives back the mean of the training rows, which is 0 on its scale."""
        input = self._fed(batch)
        found = quality(torch.zeros_like(input), input, self.pixels)
        return {"loss": found["mse"], **found}

    def meter(self) -> Meter:
        """A fresh one."""
        return ReconstructionMeter()

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"latent": (B, L)}."""
        return {"latent": self._latent(self._fed(batch))}

    def given_back(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"reconstruction": (B, *shape)}."""
        return {"reconstruction": self._reconstructed(batch)}

    def anomaly(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"score": (B,), the mean of "error": (B, *shape)}, as of rows of which it is not known whether they are normal."""
        input = self._fed(batch)
        error = self.columns.errors(self.net.decode(self._latent(input)), input)
        return {"score": error.flatten(1).mean(1), "error": error}

    def _fed(self, batch: Batch) -> Tensor:
        """What the network sees, of sound its levels by mel over time."""
        return self.code.encode(batch["input"])

    def _latent(self, input: Tensor) -> Tensor:
        code = self.net.encode(input)
        return F.relu(code) if self.config.sparsity else code

    def _reconstructed(self, batch: Batch) -> Tensor:
        return self._decoded(self._latent(self._fed(batch)))

    def _decoded(self, latent: Tensor) -> Tensor:
        return self.code.decode(self.columns.values(self.net.decode(latent)))

    def _price(self, code: Tensor) -> Tensor:
        """(B,), of a code that is 0 or more."""
        return code @ torch.linalg.vector_norm(self.net.up.weight, dim=0)
