"""Small tasks of the kinds that must fit the loop: supervised, padded, adversarial, averaged, acting."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.records import StepRecord
from sonde.core.seams import Loss, Objective, Phase, Task, as_loss
from sonde.engine.execution.settings import StepSettings
from sonde.engine.step import Stepper
from sonde.engine.update import Update
from sonde.tasks.custom.task import MeanMeter

CPU = torch.device("cpu")


def mlp(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a, b in zip(widths, widths[1:], strict=False):
        layers += [nn.Linear(a, b), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


class Sample:
    """What every sample task shares: nothing to evaluate and no state."""

    objective = Objective("loss", "min")
    across_rows = ()

    def evaluate(self, batch: Batch) -> dict[str, Tensor]:
        return {"loss": self.phases[0].loss(batch).value}  # type: ignore[attr-defined]

    def meter(self) -> MeanMeter:
        return MeanMeter()

    def predict(self, batch: Batch) -> dict[str, Tensor]:
        return {}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        return []

    def after_step(self, record: StepRecord) -> None: ...

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class Supervised(Sample):
    def __init__(self, model: nn.Module):
        self.modules = nn.ModuleDict({"model": model})
        self.phases = [Phase(name="model", loss=self.loss, trains=[model])]

    def loss(self, batch: Batch) -> Loss:
        return Loss(F.cross_entropy(self.modules["model"](batch["input"]), batch["target"]), len(batch))


class MaskedTokens(Sample):
    """Mean loss over unpadded positions: pieces of a batch hold unequal counts."""

    def __init__(self, model: nn.Module):
        self.modules = nn.ModuleDict({"model": model})
        self.phases = [Phase(name="model", loss=self.loss, trains=[model])]

    def loss(self, batch: Batch) -> Loss:
        logits = self.modules["model"](batch["token"])  # (B, T, V)
        each = F.cross_entropy(logits.flatten(0, 1), batch["target"].flatten(), reduction="none")
        count = batch["mask"].sum()
        return Loss((each * batch["mask"].flatten()).sum() / count, count)


class Adversarial(Sample):
    """Non-saturating GAN (Goodfellow et al. 2014): two phases, two optimisers, one step count."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module, latent: int, generator_every: int = 1):
        self.generator, self.discriminator, self.latent = generator, discriminator, latent
        self.modules = nn.ModuleDict({"generator": generator, "discriminator": discriminator})
        self.phases = [
            Phase(name="discriminator", loss=self.discriminator_loss, trains=[discriminator]),
            Phase(name="generator", loss=self.generator_loss, trains=[generator], every=generator_every),
        ]

    def fake(self, rows: int) -> Tensor:
        return self.generator(torch.randn(rows, self.latent))

    def discriminator_loss(self, batch: Batch) -> Loss:
        with torch.no_grad():
            fake = self.fake(len(batch))
        real_score, fake_score = self.discriminator(batch["input"]), self.discriminator(fake)
        value = F.softplus(-real_score).mean() + F.softplus(fake_score).mean()
        return Loss(value, len(batch), {"real_score": real_score.mean()})

    def generator_loss(self, batch: Batch) -> Loss:
        return Loss(F.softplus(-self.discriminator(self.fake(len(batch)))).mean(), len(batch))


class Denoising(Sample):
    """DDPM noise prediction (Ho et al. 2020) with an averaged copy moved after each step."""

    def __init__(self, model: nn.Module, levels: int, decay: float = 0.99):
        self.model, self.average, self.decay = model, deepcopy(model).requires_grad_(False), decay
        self.modules = nn.ModuleDict({"model": model, "average": self.average})
        self.phases = [Phase(name="model", loss=self.loss, trains=[model])]
        self.signal = torch.cumprod(1 - torch.linspace(1e-3, 0.2, levels), 0)
        self.moved = 0

    def loss(self, batch: Batch) -> Loss:
        x = batch["input"]
        level = torch.randint(len(self.signal), (len(x),))
        noise = torch.randn_like(x)
        keep = self.signal[level].unsqueeze(-1)
        noisy = keep.sqrt() * x + (1 - keep).sqrt() * noise
        return Loss(F.mse_loss(self.model(torch.cat([noisy, keep], -1)), noise), len(batch))

    def after_step(self, record: StepRecord) -> None:
        self.moved += 1
        with torch.no_grad():
            for slow, fast in zip(self.average.parameters(), self.model.parameters(), strict=True):
                slow.lerp_(fast, 1 - self.decay)

    def state_dict(self) -> dict[str, Any]:
        return {"moved": self.moved}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.moved = state["moved"]


class ClippedPolicy(Sample):
    """PPO's clipped surrogate (Schulman et al. 2017); batches come from acting."""

    def __init__(self, policy: nn.Module, clip: float = 0.2):
        self.policy, self.clip = policy, clip
        self.modules = nn.ModuleDict({"policy": policy})
        self.phases = [Phase(name="policy", loss=self.loss, trains=[policy])]

    def loss(self, batch: Batch) -> Loss:
        logp = torch.distributions.Categorical(logits=self.policy(batch["context"])).log_prob(batch["action"])
        ratio = (logp - batch["logp"]).exp()
        clipped = ratio.clamp(1 - self.clip, 1 + self.clip)
        return Loss(-torch.minimum(ratio * batch["advantage"], clipped * batch["advantage"]).mean(), len(batch))


class BanditRollout:
    """Experience as a source: act, cut into minibatches, repeat. Its half-used rollout is part of its state."""

    batches = None

    def __init__(self, policy: nn.Module, rows: int = 256, epochs: int = 4, minibatches: int = 4):
        self.policy, self.rows, self.rounds, self.minibatches = policy, rows, epochs, minibatches
        self.epoch, self.mean_reward = 0, 0.0
        self.fields: dict[str, Tensor] = {}
        self.pending: list[Tensor] = []
        self.open = False  # an epoch has begun and not ended, also where nothing of it is left

    def act(self) -> None:
        context = torch.randn(self.rows, 2)
        with torch.no_grad():
            choice = torch.distributions.Categorical(logits=self.policy(context))
        action = choice.sample()
        reward = (action == (context[:, 0] > 0).long() + (context[:, 1] > 0).long()).float()
        self.mean_reward = reward.mean().item()
        advantage = (reward - reward.mean()) / (reward.std() + 1e-6)
        self.fields = {"context": context, "action": action, "logp": choice.log_prob(action), "advantage": advantage}
        self.pending = [p for _ in range(self.rounds) for p in torch.randperm(self.rows).chunk(self.minibatches)]

    def __iter__(self) -> Iterator[Batch]:
        if not self.open:
            self.act()
            self.open = True
        while self.pending:
            picked = self.pending.pop(0)
            yield Batch({name: value[picked] for name, value in self.fields.items()}, picked)
        self.epoch, self.open = self.epoch + 1, False

    def describe(self, index: int) -> str:
        return f"action {index}"

    def state_dict(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "fields": self.fields,
            "pending": self.pending,
            "open": self.open,
            "mean_reward": self.mean_reward,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.epoch, self.fields, self.mean_reward = state["epoch"], dict(state["fields"]), state["mean_reward"]
        self.pending, self.open = list(state["pending"]), state["open"]


def blobs(rows: int = 512, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(0, 3, (rows,), generator=generator)
    centre = torch.stack([label.float(), -label.float()], 1)
    return {"input": torch.randn(rows, 2, generator=generator) * 0.3 + centre, "target": label}


def batch(**fields: Tensor) -> Batch:
    return Batch(fields, torch.arange(len(next(iter(fields.values())))))


def stepper(
    task: Task, *, lr: float = 1e-2, accumulate: int = 1, optimizer: Any = torch.optim.Adam, **more: Any
) -> Stepper:
    updates = [
        Update(phase=phase, optimizer=optimizer(phase.parameters(), lr=lr), multiplier=lambda step: 1.0)
        for phase in task.phases
    ]
    return Stepper(task, updates, StepSettings(device=CPU, accumulate=accumulate, **more))


def pieces_give_the_gradient(made: Task, given: Batch) -> None:
    """Assert that the weighted losses of three pieces of a batch have the gradient of the whole batch's loss."""

    def loss_of(batch: Batch) -> Loss:
        return as_loss(made.phases[0].loss(batch), len(batch))

    parameters = list(made.modules.parameters())
    whole = torch.autograd.grad(loss_of(given).value, parameters)
    losses = [loss_of(piece) for piece in given.split(3)]
    total = sum(float(loss.weight) for loss in losses)
    summed = torch.autograd.grad(
        torch.stack([one.value * float(one.weight) / total for one in losses]).sum(), parameters
    )
    for one, other in zip(whole, summed, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)
