"""Diffusion: a network learns to tell what is below the noise, and taking the noise away in steps makes new inputs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.generation import SampleRequest
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.metrics.noise_levels import NoiseLevelMeter
from sonde.tasks.denoising import WHITE, Conditioned, EvaluationNoise, by_row, coded, guided_by, kept, like_rows
from sonde.tasks.diffusion.config import DiffusionConfig
from sonde.tasks.diffusion.samplers import SAMPLERS, begin
from sonde.tasks.diffusion.schedules import drawn, quantiles, steps
from sonde.tasks.input_code import Code, InputCode
from sonde.tasks.latent_code import LatentCode
from sonde.tasks.supervised import objective

STEPS = 20


class Diffusion:
    """Trains a network on rows x + σ ε, and takes the noise away again.

    The network gets the noisy row divided by √(1 + σ²), which has variance 1, and gives v, the noise ε or the row x; the loss
    is the squared error of that. Evaluated on fixed noise (`EvaluationNoise`), so that overfitting can be seen.
    Source: Ho, Jain and Abbeel 2020, arXiv:2006.11239; v: Salimans and Ho 2022, arXiv:2202.00512, which for data of variance 1
    is the preconditioning of Karras et al. 2022, arXiv:2206.00364, table 1
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: DiffusionConfig,
        *,
        input: InputSpec,
        code: LatentCode | None = None,
        monitor: str | None = None,
    ) -> None:
        """code: of an autoencoder, where that is learned instead of inputs

        Raises: ConfigError for a network of another kind, or when `monitor` is not a metric
        """
        self.net = Conditioned(model, target, task="diffusion")
        self.config = config
        self.code: Code = InputCode(input) if code is None else code
        self.modules = nn.ModuleDict({"model": self.net} if code is None else {"model": self.net, "code": code})
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[self.net]),)
        self.objective: Objective = objective("loss", {"loss": "min"}, monitor)
        self._fixed = EvaluationNoise(self.code.shape)
        self._levels = quantiles(config.noise_schedule, torch.tensor(self._fixed.times))
        self.abilities = Abilities(
            trivial_baseline=self.trivial_baseline,
            generation=self.net.generation(
                self.draw,
                self.denoised,
                self.code.shape,
                SAMPLERS,
                steps=STEPS,
                dropped=config.class_dropout > 0,
                keeps=self.code.keeps,
            ),
        )

    def loss(self, batch: Batch) -> Loss:
        """The mean squared error of what the network predicts, at a noise level drawn for each row."""
        data = self.code.encode(batch["input"])
        sigma = drawn(self.config.noise_schedule, len(data), data.device)
        error = self._error(data, torch.randn_like(data), sigma, self.net.labels(batch, self.config.class_dropout))
        return Loss(error.mean(), len(batch))

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: the error (B,) at a fixed noise level, and the number of that (B,)."""
        noise, _, level = self._fixed(batch)
        sigma = self._levels.to(level.device)[level]
        return {
            "loss": self._error(self.code.encode(batch["input"]), noise, sigma, self.net.labels(batch, 0.0)),
            "level": level,
        }

    def meter(self) -> Meter:
        """A fresh one; levels are the share of noise, σ / √(1 + σ²)."""
        return NoiseLevelMeter(tuple((self._levels / (1 + self._levels.square()).sqrt()).tolist()))

    def trivial_baseline(
        self, known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor]
    ) -> tuple[str, dict[str, float]]:
        """Of white data v is 0 everywhere, and the noise and the input are shares of what is seen; the error over the levels."""
        noise = self._levels.square() / (1 + self._levels.square())  # share of the variance
        errors = {"v": torch.ones_like(noise), "noise": 1 - noise, "input": noise}[self.config.predicts]
        return WHITE, {"loss": float(errors.mean())}

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"loss": (B,)}, how badly each row is known: the error at the fixed noise level of its place."""
        return {"loss": self.evaluate(batch)["loss"]}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"loss": number} per row."""
        return [{"loss": value} for value in outputs["loss"].tolist()]

    def denoised(self, noisy: Tensor, sigma: float, label: Tensor | None, guidance: float = 1.0) -> Tensor:
        """The mean of the data given x + σ ε: noisy (N, *shape); with classifier-free guidance."""
        levels = noisy.new_full((len(noisy),), sigma)
        scale = (1 + levels.square()).rsqrt()
        seen = noisy * like_rows(scale, noisy)
        found = self.net.guided(seen, time_of(levels), label, guidance)
        if self.config.predicts == "input":
            return found
        if self.config.predicts == "noise":
            return noisy - sigma * found
        return like_rows(scale, noisy) * (seen - sigma * found)

    def draw(self, request: SampleRequest) -> Tensor:
        """Take the noise of `start` away, (N, *shape)."""
        sigmas = steps(self.config.noise_schedule, request.steps or STEPS)
        start = request.start
        known, whole = coded(self.code, request)

        def keep(at: Tensor, sigma: float) -> Tensor:
            return kept(at, known, whole, lambda known: known + sigma * start)

        sample = SAMPLERS[request.sampler or next(iter(SAMPLERS))]
        noise = request.noise or (lambda shape: torch.randn(shape, device=start.device))
        noisy = begin(start, sigmas[0])
        made = sample(lambda at, sigma: guided_by(self.denoised, at, sigma, request), noisy, sigmas, noise, keep)
        return kept(self.code.decode(made), request.known, request.keep)

    def _error(self, data: Tensor, noise: Tensor, sigma: Tensor, label: Tensor | None) -> Tensor:
        """(B,)."""
        level = like_rows(sigma, data)
        scale = (1 + level.square()).rsqrt()
        found = self.net(scale * (data + level * noise), time_of(sigma), label)
        wanted = {"input": data, "noise": noise, "v": scale * (noise - level * data)}[self.config.predicts]
        return by_row((found - wanted).square())


def time_of(sigma: Tensor) -> Tensor:
    """Noise levels as times in 0..1, those of the cosine schedule whatever the run's own is."""
    return torch.atan(sigma) * (2 / math.pi)
