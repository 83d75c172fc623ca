"""A generator makes rows of noise, a critic tells them from real ones, and each learns from the other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.generation import Generation, SampleRequest
from sonde.core.records import StepRecord
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.losses import adversarial
from sonde.metrics.made_rows import FEWEST, MODES, MadeRowsMeter
from sonde.metrics.random_features import random_features
from sonde.nn.spectral_norm import spectrally_normalised
from sonde.tasks.gan.config import GANConfig
from sonde.tasks.gan.networks import Judge, ToldGenerator, adversaries, noise_of_rows
from sonde.tasks.input_code import InputCode
from sonde.tasks.supervised import objective

KEPT = 128  # training rows, for the critic's accuracy on them
REMEMBERED = 0.98  # of the mean of the gradient's norm, from one update of the generator to the next

LOSSES = {
    "hinge": (adversarial.hinge_critic, adversarial.raised),
    "non-saturating": (adversarial.non_saturating_critic, adversarial.non_saturating_generator),
    "wgan-gp": (adversarial.wasserstein_critic, adversarial.raised),
}
"""The critic's loss of logits (real, made), and the generator's of made."""


class GAN:
    """Two phases: the critic at every step, the generator at every `critic_steps`-th, each by the other as it stands.

    Evaluated on rows that are made of fixed noise, beside validation rows of the same classes (`MadeRowsMeter`); the distance
    between them chooses the checkpoint. With --ema both networks are averaged for that, and samples are
    of the averaged generator.
    State: a few training rows, on which the critic is evaluated too, and the mean norm of the generator's gradient.
    Source: Goodfellow et al. 2014, arXiv:1406.2661
    """

    def __init__(
        self, model: nn.Module, target: TargetSpec, config: GANConfig, *, input: InputSpec, monitor: str | None = None
    ) -> None:
        """Raises: ConfigError for a network of another kind, or when `monitor` is not a metric"""
        nets = adversaries(model)
        self.config, self.code, self.latent = config, InputCode(input), nets.latent
        self.classes = len(target.names) if target.kind == "class" and config.by_class else 0
        self.generator = ToldGenerator(nets.generator, nets.latent, self.classes)
        self.critic = Judge(nets.critic, nets.critic.features, self.classes)  # type: ignore[arg-type]
        if config.normalised:
            spectrally_normalised(self.critic)
        self.modules = nn.ModuleDict({"generator": self.generator, "critic": self.critic})
        rate = {} if config.critic_lr is None else {"lr": config.critic_lr}
        self.phases: Sequence[Phase] = (
            Phase(name="critic", loss=self.critic_loss, trains=[self.critic], optimizer=rate or None),
            Phase(name="generator", loss=self.generator_loss, trains=[self.generator], every=config.every),
        )
        self.objective: Objective = objective("kernel_distance", MODES, monitor)
        self._critic_loss, self._generator_loss = LOSSES[config.gan_loss]
        self._features = random_features(self.code.shape)
        self._kept: tuple[Tensor, Tensor | None] | None = None
        self._gradient: Tensor | None = None
        self.abilities = Abilities(
            generation=Generation(draw=self.draw, latent=(nets.latent,), classes=bool(self.classes)),
            fewest_rows=FEWEST,
        )

    def critic_loss(self, batch: Batch) -> Loss:
        """How badly real rows are told from made ones, and penalties of the critic's gradient."""
        real, label = self.code.encode(batch["input"]), self._labels(batch)
        with torch.no_grad():
            made = self.generator(torch.randn(len(real), self.latent, device=real.device), label)
        if self._kept is None:
            self._kept = real[:KEPT].detach().clone(), None if label is None else label[:KEPT].clone()
        twice = None if label is None else torch.cat([label, label])
        real_logit, made_logit = self.critic(torch.cat([real, made.to(real.dtype)]), twice).chunk(2)
        loss = self._critic_loss(real_logit, made_logit)
        parts = {"real": real_logit.detach().mean(), "made": made_logit.detach().mean()}
        if self.config.r1 or self.config.penalty:
            penalties: Callable[..., dict[str, Tensor]] = self._penalties
            if torch.compiler.is_compiling():  # compiled code cannot be differentiated twice
                penalties = torch.compiler.disable(penalties)  # type: ignore[assignment]
            found = penalties(real, made, label)
            loss, parts = loss + found["weighted"], parts | {name: found[name] for name in found if name != "weighted"}
        return Loss(loss, len(batch), parts)

    def _penalties(self, real: Tensor, made: Tensor, label: Tensor | None) -> dict[str, Tensor]:
        """The sum of the penalties by their weights, "weighted", and each of them."""
        config, found = self.config, dict[str, Tensor]()

        def critic(rows: Tensor) -> Tensor:
            return self.critic(rows, label)

        if config.r1:
            found["r1"] = adversarial.r1_penalty(critic, real)
        if config.penalty:
            share = torch.rand(len(real), device=real.device)
            found["penalty"] = adversarial.gradient_penalty(critic, real, made, share)
        weights = {"r1": config.r1, "penalty": config.penalty}
        weighted = [weights[name] * value for name, value in found.items()]
        return found | {"weighted": torch.stack(weighted).sum()}

    def generator_loss(self, batch: Batch) -> Loss:
        """How badly the critic is deceived by rows made of new noise, of the classes of the batch."""
        label = self._labels(batch)
        made = self.generator(torch.randn(len(batch), self.latent, device=batch["input"].device), label)
        return Loss(self._generator_loss(self.critic(made, label)), len(batch))

    def after_step(self, record: StepRecord) -> None:
        """Remember how large the generator's gradient is."""
        norm = record.norms.get("generator")
        if norm is not None:
            norm = torch.as_tensor(norm).detach().float()
            self._gradient = norm.clone() if self._gradient is None else torch.lerp(norm, self._gradient, REMEMBERED)

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: features and logits of the rows, and of rows made of fixed noise for the same classes."""
        real, label = self.code.encode(batch["input"]), self._labels(batch)
        code = self.generator(noise_of_rows(batch.index, self.latent).to(real.device), label)
        made = self.code.encode(
            self.code.decode(code)
        )  # as somebody gets them: of tables with values that a table could have
        found = {"real": self._features(real), "made": self._features(made)}
        found |= {"real_logit": self.critic(real, label), "made_logit": self.critic(code, label)}
        return found if label is None else found | {"label": label}

    def meter(self) -> Meter:
        """A fresh one."""
        kept = self._kept
        return MadeRowsMeter(
            None if kept is None else lambda: self.critic(*kept),
            threshold=None if self.config.gan_loss == "wgan-gp" else 0.0,
            gradient=None if self._gradient is None else float(self._gradient),
        )

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"critic": (B,)}, how real the critic finds each row: a logit."""
        return {
            "critic": self.critic(self.code.encode(batch["input"]), self._labels(batch) if "target" in batch else None)
        }

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"critic": number} per row."""
        return [{"critic": value} for value in outputs["critic"].tolist()]

    def draw(self, request: SampleRequest) -> Tensor:
        """Rows of noise: (N, latent) -> (N, *shape), in one pass."""
        return self.code.decode(self.generator(request.start, request.labels))

    def state_dict(self) -> dict[str, Any]:
        """The training rows that were kept, and the mean norm of the generator's gradient."""
        rows, label = self._kept or (None, None)
        return {"rows": rows, "label": label, "gradient": self._gradient}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put them back."""
        device = next(self.modules.parameters()).device
        put = {name: value.to(device) if isinstance(value, Tensor) else None for name, value in state.items()}
        rows = put.get("rows")
        self._kept = None if rows is None else (rows, put.get("label"))
        self._gradient = put.get("gradient")

    def _labels(self, batch: Batch) -> Tensor | None:
        return batch["target"] if self.classes else None
