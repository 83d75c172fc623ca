"""Flow matching: a network learns the velocity by which noise flows to data, and following it makes new inputs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.generation import SampleRequest
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.metrics.noise_levels import NoiseLevelMeter
from sonde.tasks.denoising import WHITE, Conditioned, EvaluationNoise, by_row, coded, guided_by, kept, like_rows
from sonde.tasks.flow_matching.config import FlowMatchingConfig
from sonde.tasks.input_code import Code, InputCode
from sonde.tasks.latent_code import LatentCode
from sonde.tasks.supervised import objective

STEPS = 20
Velocity = Callable[[Tensor, float], Tensor]
"""(N, *shape) and a time -> their velocity there."""


class FlowMatching:
    """At time t of 0..1 a row is (1 - t) noise + t data, and the network learns its velocity, data - noise.

    Evaluated on fixed noise and times (`EvaluationNoise`), so that losses of different steps can be compared.
    Source: Lipman et al. 2022, arXiv:2210.02747; Liu, Gong and Liu 2022 (rectified flow), arXiv:2209.03003; pairing by optimal
    transport: Tong et al. 2023, arXiv:2302.00482; logit-normal times: Esser et al. 2024, arXiv:2403.03206
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: FlowMatchingConfig,
        *,
        input: InputSpec,
        code: LatentCode | None = None,
        monitor: str | None = None,
    ) -> None:
        """code: of an autoencoder, where that is learned instead of inputs

        Raises: ConfigError for a network of another kind, or when `monitor` is not a metric
        """
        self.net = Conditioned(model, target, task="flow-matching")
        self.config = config
        self.code: Code = InputCode(input) if code is None else code
        self.modules = nn.ModuleDict({"model": self.net} if code is None else {"model": self.net, "code": code})
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[self.net]),)
        self.objective: Objective = objective("loss", {"loss": "min"}, monitor)
        self._fixed = EvaluationNoise(self.code.shape)
        self.abilities = Abilities(
            trivial_baseline=self.trivial_baseline,
            generation=self.net.generation(
                self.draw,
                self.velocity,
                self.code.shape,
                SOLVERS,
                steps=STEPS,
                dropped=config.class_dropout > 0,
                keeps=self.code.keeps,
            ),
        )

    def loss(self, batch: Batch) -> Loss:
        """The mean squared error of the velocity, at a time drawn for each row."""
        data = self.code.encode(batch["input"])
        noise = torch.randn_like(data)
        if self.config.pairing == "optimal":
            noise = noise[paired(data, noise)]
        time = torch.rand(len(data), device=data.device)
        if self.config.times == "logit-normal":
            time = torch.randn(len(data), device=data.device).sigmoid()
        error = self._error(data, noise, time, self.net.labels(batch, self.config.class_dropout))
        return Loss(error.mean(), len(batch))

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: the error (B,) at a fixed time, and the number of that (B,)."""
        noise, time, level = self._fixed(batch)
        return {
            "loss": self._error(self.code.encode(batch["input"]), noise, time, self.net.labels(batch, 0.0)),
            "level": level,
        }

    def meter(self) -> Meter:
        """A fresh one."""
        return NoiseLevelMeter(tuple(1 - time for time in self._fixed.times))

    def trivial_baseline(
        self, known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor]
    ) -> tuple[str, dict[str, float]]:
        """Of white data and white noise the velocity at x is (2 t - 1) x / (t² + (1 - t)²); its error over the fixed times."""
        errors = [2 - (2 * t - 1) ** 2 / (t**2 + (1 - t) ** 2) for t in self._fixed.times]
        return WHITE, {"loss": sum(errors) / len(errors)}

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"loss": (B,)}, how badly each row is known: the mean error of its velocity at the fixed time of its place."""
        return {"loss": self.evaluate(batch)["loss"]}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"loss": number} per row."""
        return [{"loss": value} for value in outputs["loss"].tolist()]

    def velocity(self, at: Tensor, time: float, label: Tensor | None, guidance: float = 1.0) -> Tensor:
        """Of (N, *shape) at a time, with classifier-free guidance."""
        return self.net.guided(at, at.new_full((len(at),), time), label, guidance)

    def draw(self, request: SampleRequest) -> Tensor:
        """Follow the flow from `start` (noise) to new inputs, (N, *shape)."""
        steps, start = request.steps or STEPS, request.start
        known, keep = coded(self.code, request)
        at, solve = start, SOLVERS[request.sampler or next(iter(SOLVERS))]
        for number in range(steps):
            now, then = number / steps, (number + 1) / steps
            at = solve(lambda at, time: guided_by(self.velocity, at, time, request), at, now, then)
            at = kept(at, known, keep, lambda known, then=then: torch.lerp(start, known, then))
        return kept(self.code.decode(at), request.known, request.keep)

    def _error(self, data: Tensor, noise: Tensor, time: Tensor, label: Tensor | None) -> Tensor:
        """(B,)."""
        at = torch.lerp(noise, data, like_rows(time, data))
        return by_row((self.net(at, time, label) - (data - noise)).square())


def paired(data: Tensor, noise: Tensor) -> Tensor:
    """(B,) int64: which noise goes to each row, so that the sum of squared distances is least."""
    from scipy.optimize import linear_sum_assignment

    apart = torch.cdist(data.flatten(1).float(), noise.flatten(1).float()).square()
    _, chosen = linear_sum_assignment(apart.cpu().numpy())
    return torch.from_numpy(np.asarray(chosen)).to(data.device)


def euler(velocity: Velocity, at: Tensor, now: float, then: float) -> Tensor:
    """One step of Euler's method: one evaluation of the network."""
    return at + (then - now) * velocity(at, now)


def midpoint(velocity: Velocity, at: Tensor, now: float, then: float) -> Tensor:
    """One step of the midpoint method: two evaluations, error of third order."""
    half = euler(velocity, at, now, (now + then) / 2)
    return at + (then - now) * velocity(half, (now + then) / 2)


def heun(velocity: Velocity, at: Tensor, now: float, then: float) -> Tensor:
    """One step of Heun's method: two evaluations, error of third order."""
    first = velocity(at, now)
    second = velocity(at + (then - now) * first, then)
    return at + (then - now) / 2 * (first + second)


SOLVERS = {"midpoint": midpoint, "heun": heun, "euler": euler}
"""By name, the usual one first."""
