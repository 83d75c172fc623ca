"""Normalizing flow: a network that can be undone turns inputs into normal numbers, and so knows how likely each is."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.generation import Generation, SampleRequest
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase, RuleBaseline
from sonde.metrics.likelihood import LikelihoodMeter
from sonde.nn.frequencies import shares_of
from sonde.nn.gaussian_mixture import GaussianMixture
from sonde.tasks.denoising import EvaluationNoise
from sonde.tasks.input_code import InputCode
from sonde.tasks.normalizing_flow.beside import BEFORE, Beside, best_share, mixed
from sonde.tasks.normalizing_flow.config import NormalizingFlowConfig
from sonde.tasks.supervised import objective, wide

LEVELS = 255  # steps of a pixel's brightness

# B rows, N samples


class Invertible(Protocol):
    """A network of an input and a vector of `condition` numbers: normal numbers and the log-determinant, and the way back."""

    condition: int

    def __call__(self, input: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]: ...
    def inverse(self, normal: Tensor, condition: Tensor) -> Tensor: ...


class ConditionedFlow(nn.Module):
    """An invertible network with a vector for each class (one for all where there are none), and how frequent classes are."""

    def __init__(self, model: nn.Module, target: TargetSpec, *, numbers: int = 0, components: int = 1) -> None:
        """components: Gaussians of as many `numbers` in what inputs are turned into; 1 for the standard normal distribution

        Raises: ConfigError for a network of another kind
        """
        super().__init__()
        if not isinstance(getattr(model, "condition", None), int) or not callable(getattr(model, "inverse", None)):
            raise ConfigError(
                f"task normalizing-flow needs a network with an `inverse`, and {type(model).__name__} has none; take --model "
                "realnvp-mlp (numbers) or glow (images)"
            )
        self.classes = len(target.names) if target.kind == "class" else 0
        self.model = model
        self.vectors = nn.Embedding(max(1, self.classes), cast(Invertible, model).condition)
        self.prior = nn.Parameter(torch.zeros(self.classes)) if self.classes else None
        self.base = GaussianMixture(components, numbers) if components > 1 else None

    def forward(self, code: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor]:
        """(B, *shape), classes (B,) -> log-density of the codes given their class (B,), log-probability of the class (B,)."""
        normal, volume = self.model(code, self._condition(code, label))
        normal = wide(normal)
        base = log_normal(normal) if self.base is None else self.base.log_density(normal)
        return wide(volume) + base, self.log_prior(code, label)

    def log_prior(self, code: Tensor, label: Tensor | None) -> Tensor:
        """(B,)."""
        if self.prior is None or label is None:
            return code.new_zeros(len(code))
        return self.prior.log_softmax(0)[label]

    def know_classes(self, label: Tensor) -> Tensor:
        """Begin with classes as frequent as among rows (N,); the nats of each (classes,)."""
        assert self.prior is not None
        found = shares_of(torch.bincount(label.cpu(), minlength=self.classes)).log()
        with torch.no_grad():
            self.prior.copy_(found)
        return -found

    def begin_at(self, code: Tensor, label: Tensor | None) -> None:
        """Put the Gaussians where rows lie (N, D)."""
        if self.base is not None:
            with torch.no_grad():
                self.base.begin_at(wide(self.model(code, self._condition(code, label))[0]))

    def inverse(self, normal: Tensor, label: Tensor | None) -> Tensor:
        """(N, *shape), of several Gaussians with one number more, which chooses among them; classes (N,) -> (N, *shape)."""
        if self.base is not None:
            normal = self.base.draw(normal[:, :-1], torch.special.ndtr(normal[:, -1]))
        return cast(Invertible, self.model).inverse(normal, self._condition(normal, label))

    def _condition(self, rows: Tensor, label: Tensor | None) -> Tensor:
        return self.vectors(torch.zeros(len(rows), dtype=torch.int64, device=rows.device) if label is None else label)


class NormalizingFlow:
    """Trained by maximum likelihood, exact for numbers; pixels, rounded numbers, categories and gaps are dequantised, which
    bounds their probability from below (`ColumnCode.spread`; of images Theis et al. 2015, arXiv:1511.01844).

    The loss is in nats a row: of tables in standard deviations of their numbers, of images for pixels of 8 bits. With classes it
    is that of the row and its class together; a row without one is as likely as with all of them together. Of rows of numbers
    a small share of the density is that of independent columns, since a flow makes single rows unlike all others so improbable
    that they outweigh the rest; samples have none of it. With a mixture beside it (`Beside`) the density is that of both
    averaged, and samples come from both; only the flow is trained.
    Source: Dinh, Sohl-Dickstein and Bengio 2016, arXiv:1605.08803
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: NormalizingFlowConfig,
        *,
        input: InputSpec,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError for a network of another kind, or when `monitor` is not a metric"""
        _check(config, input, target)
        self.config, self.input, self.code = config, input, InputCode(input, straight=config.marginals == "straight")
        self.bent = InputCode(input)
        self.net = ConditionedFlow(model, target, numbers=self.code.shape[0], components=config.components)
        self.straight = InputCode(input, straight=True)
        self.beside = Beside(config.mixture, self.code.shape[0]) if config.mixture else None
        self._share = BEFORE  # of the mixture in the density
        held = {} if self.beside is None else {"mixture": self.beside}
        self.modules = nn.ModuleDict({"model": self.net, **held})
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[self.net]),)
        self.objective: Objective = objective("loss", {"loss": "min", "bits_per_dim": "min"}, monitor)
        self._fixed = EvaluationNoise(self.code.shape)
        self._pixel = _pixel(input) if input.has_planes else None
        self._usual: list[float] = []  # quantiles of the losses of validation rows
        self._class_nats: Tensor | None = None  # of each class by how often it is among the training rows
        what = "white noise" if input.has_planes else "columns that know nothing of each other, each bent to be normal"
        self.abilities = Abilities(
            rule_baseline=RuleBaseline(what, self.evaluate_plain),
            tune_threshold=self.tune_threshold,
            know_rows=self.know_rows if self._has_begin else None,
            generation=Generation(draw=self.draw, latent=self._latent(), classes=bool(self.net.classes)),
        )

    def know_rows(self, read: Callable[[], Iterator[Batch]]) -> None:
        """Take over how often gaps, categories and classes are there, and let the Gaussians begin where rows lie."""
        batch = joined(list(read()))
        self.code.know(batch["input"])
        self.bent.know(batch["input"])
        self.straight.know(batch["input"])
        if self.beside is not None:
            self.beside.fit(self.straight.spread(batch["input"], self._fixed(batch)[0])[0])
        if self.net.classes:
            self._class_nats = self.net.know_classes(batch["target"])
        if self.net.base is None:
            return
        code, _ = self._spread(batch["input"], self._fixed(batch)[0])
        self.net.begin_at(code, self._labels(batch))

    def loss(self, batch: Batch) -> Loss:
        """The mean negative log-likelihood, with noise drawn anew below the steps of what is rounded."""
        noise = torch.randn(len(batch), *self.code.shape, device=batch["input"].device)
        logp, prior = self._logp(batch["input"], noise, self._labels(batch))
        return Loss(-(logp + prior).mean(), len(batch))

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: loss (B,) of row and class, and nats (B,) of the row given its class; with fixed noise."""
        input, noise = batch["input"], self._fixed(batch)[0]
        logp, prior = self._logp(input, noise, self._labels(batch))
        if self.beside is None:
            return {"loss": -(logp + prior), "nats": -logp}
        other = self._of_mixture(input, noise)
        nats = -mixed(logp, other, self._share)
        return {"loss": nats, "nats": nats, "both": torch.stack([logp, other], 1)}

    def evaluate_plain(self, batch: Batch) -> Mapping[str, Tensor]:
        """The same without a network: numbers are taken for normal ones, gaps, categories and classes for as frequent as among
        training rows."""
        found = -self._plain(batch["input"], self._fixed(batch)[0])
        nats, label = self._class_nats, self._labels(batch)
        of_class = math.log(max(1, self.net.classes)) if nats is None or label is None else nats.to(found)[label]
        return {"loss": found + of_class, "nats": found}

    def meter(self) -> LikelihoodMeter:
        """A fresh one."""
        columns = {column.source for column in self.input.columns}
        share = None if self.beside is None else self._share
        return LikelihoodMeter(len(columns) or math.prod(self.input.shape), share=share)

    def tune_threshold(self, meter: Meter) -> None:
        """Let validation rows choose the mixture's share; keep how likely they are, beside which a row is unusual."""
        if isinstance(meter, LikelihoodMeter):
            if meter.both:
                self._share = best_share(*torch.cat(meter.both).unbind(1))
                meter.weigh(self._share)
            self._usual = meter.quantiles()

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"log_likelihood": (B,)} in nats whatever the class, "anomaly": (B,) the share of validation rows that are likelier."""
        found, input, noise = [], batch["input"], self._fixed(batch)[0]
        for number in range(max(1, self.net.classes)):
            label = torch.full((len(input),), number, device=input.device) if self.net.classes else None
            found.append(sum(self._logp(input, noise, label)))
        logp = torch.stack(found).logsumexp(0)
        if self.beside is not None:
            logp = mixed(logp, self._of_mixture(input, noise), self._share)
        if not self._usual:
            return {"log_likelihood": logp}
        usual = torch.tensor(self._usual, dtype=torch.float64, device=logp.device)
        return {"log_likelihood": logp, "anomaly": torch.searchsorted(usual, -logp.double()).double() / len(usual)}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"log_likelihood": nats, "anomaly": 0..1} per row."""
        names, values = list(outputs), [outputs[name].tolist() for name in outputs]
        return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]

    def draw(self, request: SampleRequest) -> Tensor:
        """Undo the network: normal numbers `start` -> new inputs, (N, *shape)."""
        if self.beside is not None:
            return self._drawn_of_both(request.start)
        code = self.net.inverse(request.start, request.labels)
        if self._pixel is not None:
            code = code - self._pixel.to(code) / 2  # in the middle between two steps of brightness lies the lower one
        return self.code.unspread(code)

    def _drawn_of_both(self, start: Tensor) -> Tensor:
        """The last of the numbers says whether a row comes from the mixture, and from which of its Gaussians."""
        assert self.beside is not None
        place = torch.special.ndtr(start[:, -1])
        of_flow = self.code.unspread(self.net.inverse(start[:, :-1], None))
        numbers = start[:, : self.straight.shape[0]]
        other = self.straight.unspread(self.beside.draw(numbers, (place / self._share).clamp(max=1)))
        return torch.where((place < self._share)[:, None], other, of_flow)

    def state_dict(self) -> dict[str, Any]:
        """How likely validation rows were, and how often gaps and categories are there, and the mixture's share."""
        share = [] if self.beside is None else [self._share]
        return {"usual": list(self._usual), "shares": self.code.shares, "mixture": share}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """What `state_dict` gave."""
        self._usual = [float(value) for value in state["usual"]]
        self.code.shares = self.bent.shares = self.straight.shares = state.get("shares", [])
        self._share = next((float(value) for value in state.get("mixture", ())), BEFORE)

    def _logp(self, input: Tensor, noise: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor]:
        """What the network gives, mixed with a little of the density of independent columns where inputs are rows of numbers."""
        code, nats = self._spread(input, noise)
        logp, prior = self.net(code, label)
        logp, share = logp + nats, self.config.outlier_share
        if share and not self.input.has_planes:
            logp = torch.logaddexp(logp + math.log1p(-share), self._plain(input, noise) + math.log(share))
        return logp, prior

    def _of_mixture(self, input: Tensor, noise: Tensor) -> Tensor:
        """(B,) the log-density of the mixture beside the flow."""
        assert self.beside is not None
        code, nats = self.straight.spread(input, noise)
        return self.beside(code) + nats

    def _plain(self, input: Tensor, noise: Tensor) -> Tensor:
        """(B,) the log-density of independent columns, each bent to be normal."""
        code, nats = self._spread(input, noise) if self._pixel is not None else self.bent.spread(input, noise)
        return log_normal(code) + nats

    @property
    def _has_begin(self) -> bool:
        return self.config.components > 1 or self.beside is not None or self.code.counts_rows or bool(self.net.classes)

    def _latent(self) -> tuple[int, ...]:
        more = (self.config.components > 1) + (self.beside is not None)  # which of several Gaussians, which of both
        return (self.code.shape[0] + more, *self.code.shape[1:])

    def _labels(self, batch: Batch) -> Tensor | None:
        return batch["target"] if self.net.classes else None

    def _spread(self, input: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """(B, *input.shape) and normal numbers (B, *shape) -> (codes (B, *shape), nats that come to their log-density (B,))."""
        if self._pixel is None:
            return self.code.spread(input, noise)
        pixel = self._pixel.to(input)
        nats = pixel.log().expand_as(input[0]).sum()
        return input + torch.special.ndtr(noise) * pixel, nats.expand(len(input))


def joined(batches: Sequence[Batch]) -> Batch:
    """The rows of all."""
    fields = {name: torch.cat([batch[name] for batch in batches]) for name in batches[0].fields}
    return Batch(fields, torch.cat([batch.index for batch in batches]))


def _check(config: NormalizingFlowConfig, input: InputSpec, target: TargetSpec) -> None:
    """Raises: ConfigError for settings of rows of numbers where inputs are none, or have classes"""
    if config.components > 1 and len(input.shape) > 1:
        raise ConfigError(f"--components {config.components} is for rows of numbers; leave it out")
    if config.mixture and (len(input.shape) > 1 or target.has_classes):
        what = "rows without a --target of classes" if target.has_classes else "rows of numbers"
        raise ConfigError(f"--mixture {config.mixture} is for {what}; leave it out, or give 0")
    if config.marginals == "straight" and not input.columns:
        raise ConfigError("--marginals straight is for tables; leave it out: other inputs are fed as they are")


def log_normal(values: Tensor) -> Tensor:
    """(B, …) -> (B,) the log-density of standard normal numbers."""
    return -0.5 * (values.square() + math.log(2 * math.pi)).flatten(1).sum(1)


def _pixel(input: InputSpec) -> Tensor:
    """(C, 1, 1) how far two steps of brightness are apart in what a network is fed."""
    std = torch.tensor(input.std or (1.0,) * input.shape[0], dtype=torch.float64)
    return (1 / (LEVELS * torch.where(std > 0, std, 1.0))).view(-1, 1, 1)
