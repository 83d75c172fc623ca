"""Variational autoencoders: a code with noise, close to a normal distribution, from which new inputs can be decoded."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.generation import Generation, SampleRequest
from sonde.core.reconstruction import LatentSpace, Reconstruction
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase, RuleBaseline
from sonde.metrics.reconstruction import ReconstructionMeter
from sonde.tasks.input_code import InputCode
from sonde.tasks.reconstructing import Worded, bottleneck, pixels_of, qualities, quality
from sonde.tasks.supervised import objective
from sonde.tasks.vae.alone import Alone
from sonde.tasks.vae.column_likelihood import Columns
from sonde.tasks.vae.config import VAEConfig
from sonde.tasks.vae.likelihood import NOISES, Bernoulli, likelihood_of

WITHOUT_CODE = "a normal distribution without a code"
APART = "columns that know nothing of each other, each bent to be normal"
AT_ONCE = 8  # samples a row that are decoded at a time for the importance-weighted bound
WIDEST = 10.0  # of a code's log-variance, either way: beyond it float32 overflows in early steps

# B rows, L numbers of a latent, K samples


class VAE:
    """Trained by minus the evidence lower bound, in nats a row: what the decoder says of the input, and KL(q(z|x) || N(0, I)).

    Evaluated with noise that is fixed by the number of a row. `loss` is what is trained, `elbo` has beta 1 and no free bits;
    with another beta a run is told by `elbo`, beside that of a decoder without a code.
    Source: Kingma and Welling 2013, arXiv:1312.6114; beta: Higgins et al. 2017, ICLR; free bits: Kingma et al. 2016,
    arXiv:1606.04934, appendix C.8; importance-weighted bound: Burda, Grosse and Salakhutdinov 2015, arXiv:1509.00519
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: VAEConfig,
        *,
        input: InputSpec,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError for a network or inputs of another kind, or when `monitor` is not a metric"""
        self.net = bottleneck(model, latent=config.latent, channels=config.latent_channels, task="vae", moments=2)
        self.sound = InputCode(input, tables=False)
        self.likelihood = likelihood_of(input, config.likelihood, config.binarise)
        self.config, self.input = config, input
        self.pixels = pixels_of(input)
        self.format_predictions = Worded(input)
        self.modules = nn.ModuleDict({"model": self.net, "likelihood": self.likelihood})
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[self.net, self.likelihood]),)
        self.across_rows = ("model",) if config.free_bits else ()
        modes = qualities(self.pixels, elbo="max", kl="min")
        self.objective: Objective = objective("loss", modes, monitor)
        self._noise = torch.randn(NOISES, self.net.latent, generator=torch.Generator().manual_seed(0))
        self._columns = self.likelihood if isinstance(self.likelihood, Columns) else None
        self._read: Callable[[], Iterator[Batch]] = lambda: iter(())
        self._alone: Alone | None = None  # fitted when it is first asked for
        known, what = not isinstance(self.likelihood, Bernoulli), APART if self._columns else WITHOUT_CODE
        self.abilities = Abilities(
            rule_baseline=RuleBaseline(what, self.evaluate_without_code) if known else None,
            know_rows=self.know_rows if known else None,
            quick_evaluate=self.quick_evaluate if config.importance else None,
            generation=Generation(draw=self.draw, latent=(self.net.latent,)),
            reconstruction=Reconstruction(
                outputs={"latent": self.predict, "reconstruction": self.given_back, "anomaly": self.anomaly},
                latent=lambda batch: self._code(batch)[0],
                reconstruct=lambda batch: self.given_back(batch)["reconstruction"],
                decode=self._decoded,
                space=LatentSpace(
                    shape=self.net.shape,
                    encode=lambda input: self._moments(self.sound.encode(input))[0].unflatten(1, self.net.shape),
                    decode=lambda codes: self._decoded(codes.flatten(1)),
                ),
            ),
        )

    def loss(self, batch: Batch) -> Loss:
        """Minus the bound, the mean over rows, with one sample of each code."""
        target, fed = self._target(self._fed(batch), None)
        mean, log_variance = self._moments(fed)
        latent = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        error = -self.likelihood.log_probability(self.net.decode(latent), target).mean()
        divergence = divergences(mean, log_variance)
        # of the mean over the batch: a number may carry more for some rows and less for others
        price = divergence.mean(0).clamp(min=self.config.free_bits).sum()
        parts = {"error": error, "kl": divergence.sum(1).mean()}
        return Loss(error + self.config.beta * price, len(batch), parts)

    def quick_evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: loss, elbo, kl, mse, of images psnr and ssim, (B,) each; the means of codes as latent (B, L)."""
        target, fed = self._target(self._fed(batch), batch.index)
        mean, log_variance = self._moments(fed)
        noise = self._noise[batch.index.cpu() % NOISES].to(mean)
        latent = mean + (log_variance / 2).exp() * noise
        likelihood = self.likelihood.log_probability(self.net.decode(latent), target)
        kl = divergences(mean, log_variance).sum(1)
        found = self._told(self.config.beta * kl - likelihood, likelihood - kl) | {"kl": kl, "latent": mean}
        return found | quality(self.likelihood.mean(self.net.decode(mean)), self._shown(batch, fed), self.pixels)

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """The same, and with --importance the bound of as many samples (B,)."""
        found = dict(self.quick_evaluate(batch))
        if self.config.importance:
            found["bound"] = self.bound(batch, self.config.importance)
        return found

    def evaluate_without_code(self, batch: Batch) -> Mapping[str, Tensor]:
        """Of a decoder that is told nothing, and has learned of the training rows what it could: of a table columns that know
        nothing of each other."""
        assert not isinstance(self.likelihood, Bernoulli)
        input = self._fed(batch)
        target = self.likelihood.target(input, None)
        if self._alone is None:
            self._alone = self.likelihood.alone(self.likelihood.target(self._fed(each), None) for each in self._read())
        output, deviation = (each.to(input) for each in self._alone)
        output = output.expand_as(self.likelihood.fed(target))
        nats = self.likelihood.each(output, target, deviation).flatten(1).sum(1)
        found = self._told(nats, -nats) | {"kl": torch.zeros_like(nats)}
        if self.config.beta != 1:
            del found["loss"]  # without a code nothing is weighted: beside a weighted loss it would say nothing
        return found | quality(self.likelihood.mean(output), input, self.pixels)

    def know_rows(self, read: Callable[[], Iterator[Batch]]) -> None:
        """Let the baseline be one of training rows, which are read when it is asked for."""
        self._read, self._alone = read, None

    def bound(self, batch: Batch, samples: int) -> Tensor:
        """(B,) log of the mean over K samples z of q(z|x) of p(x, z) / q(z|x): it rises to log p(x) with K."""
        target, fed = self._target(self._fed(batch), batch.index)
        mean, log_variance = self._moments(fed)
        deviation = (log_variance / 2).exp()
        drawn = torch.Generator().manual_seed(2)
        row = batch.index.cpu() % NOISES
        parts: list[Tensor] = []
        for first in range(0, samples, AT_ONCE):
            number = min(AT_ONCE, samples - first)
            noise = torch.randn(number, NOISES, mean.shape[1], generator=drawn)[:, row].to(mean)  # (K, B, L)
            latent = mean + deviation * noise
            output = self.net.decode(latent.flatten(0, 1))
            repeated = target.expand(number, *target.shape).flatten(0, 1)
            likelihood = self.likelihood.log_probability(output, repeated).unflatten(0, (number, -1))
            # the normalisers of p(z) and q(z|x) cancel, but for the deviation
            ratio = (noise.square() - latent.square()).sum(2) / 2 + log_variance.sum(1) / 2
            parts.append((likelihood + ratio).double() if mean.device.type != "mps" else likelihood + ratio)
        return torch.cat(parts).logsumexp(0) - math.log(samples)

    def meter(self) -> Meter:
        """A fresh one."""
        return ReconstructionMeter()

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"latent": (B, L)}, the means of the codes."""
        return {"latent": self._code(batch)[0]}

    def given_back(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"reconstruction": (B, *shape)}, from the means of the codes."""
        mean, _ = self._code(batch)
        return {"reconstruction": self._decoded(mean)}

    def anomaly(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"score": (B,), minus the bound at the mean code in nats, "error": (B, *shape), minus the log-likelihood by value}."""
        target, fed = self._target(self._fed(batch), batch.index)
        mean, log_variance = self._moments(fed)
        error = self.likelihood.each(self.net.decode(mean), target)
        return {"score": error.flatten(1).sum(1) + divergences(mean, log_variance).sum(1), "error": error}

    def draw(self, request: SampleRequest) -> Tensor:
        """Codes (N, L) of a standard normal distribution -> new inputs (N, *shape)."""
        output = self.net.decode(request.start)
        if request.noise is None:
            return self.sound.decode(self.likelihood.mean(output))
        return self.sound.decode(self.likelihood.drawn(output, request.noise))

    def _told(self, loss: Tensor, elbo: Tensor) -> dict[str, Tensor]:
        """Both, first the one that tells how a run did: what is weighted by another beta than 1 bounds no likelihood."""
        return {"loss": loss, "elbo": elbo} if self.config.beta == 1 else {"elbo": elbo, "loss": loss}

    def _fed(self, batch: Batch) -> Tensor:
        """The rows, of sound their levels by mel over time."""
        return self.sound.encode(batch["input"])

    def _decoded(self, latent: Tensor) -> Tensor:
        return self.sound.decode(self.likelihood.mean(self.net.decode(latent)))

    def _target(self, input: Tensor, index: Tensor | None) -> tuple[Tensor, Tensor]:
        """(What the decoder is to give back, what the encoder is fed)."""
        target = self.likelihood.target(input, index)
        return target, self.likelihood.fed(target)

    def _code(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the codes of rows as they are given: no pixel becomes 0 or 1 by chance."""
        return self._moments(self._fed(batch) if self._columns is None else self._target(batch["input"], None)[1])

    def _shown(self, batch: Batch, fed: Tensor) -> Tensor:
        """What inputs given back are compared with: what was fed, of a table the rows themselves."""
        return fed if self._columns is None else batch["input"]

    def _moments(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the codes, (B, L) each."""
        mean, log_variance = self.net.encode(input).chunk(2, 1)
        return mean, log_variance.clamp(-WIDEST, WIDEST)


def divergences(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, 1)) of each number, (B, L) in nats. Source: Kingma and Welling 2013, appendix B"""
    return (mean.square() + log_variance.exp() - 1 - log_variance) / 2
