"""Masked diffusion of text: tokens that are masked at random are learned, and texts are made by filling in masks alone."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.generation import Generation, SampleRequest
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.core.vocabulary import BEGIN, PAD, UNKNOWN, Vocabulary, read_vocabulary
from sonde.metrics.masked_diffusion import MaskedDiffusionMeter
from sonde.nn.masked_tokens import TokenEncoder, masked_logits, masked_token_head
from sonde.tasks.decode.sampling import Sampling, distribution
from sonde.tasks.masked_diffusion.config import MaskedDiffusionConfig
from sonde.tasks.masked_diffusion.samplers import MASK, SAMPLERS, picked
from sonde.tasks.masked_diffusion.schedules import drawn, steps
from sonde.tasks.supervised import objective, wide
from sonde.tasks.unigrams import unigram_baseline

MODES: Mapping[str, Literal["max", "min"]] = {
    "loss": "min",
    "perplexity": "min",
    "bits_per_character": "min",
    "accuracy": "max",
}
NOISES = 64  # row number n is evaluated with noise n modulo this: the same in every evaluation, whatever its batch
GOLDEN = (5**0.5 - 1) / 2  # its multiples, whole numbers taken off, lie evenly between 0 and 1 however many there are
LEVELS = 16  # at which `predict` masks a text
MOST_STEPS = 128  # of sampling, where nobody says
AT_ONCE = 2**22  # probabilities that are held at a time while sampling

# B rows, T tokens, N masked tokens of a batch, V symbols


class MaskedDiffusion:
    """Trains an encoder of tokens to tell those that are masked, at all shares of masked tokens from 0 to 1.

    The loss is the negative evidence lower bound in continuous time: the weighted sum of the cross-entropies of masked tokens, an
    upper bound of the nats of the text. The network is not told the time, which the masks themselves tell (Ou et al. 2024,
    arXiv:2406.03736). Sources: Sahoo et al. 2024 (MDLM), arXiv:2406.07524; Shi et al. 2024 (MD4), arXiv:2406.04329; in an
    evaluation a number of masks is drawn instead of a share, which varies less: Nie et al. 2025 (LLaDA), arXiv:2502.09992,
    equation 14
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: MaskedDiffusionConfig,
        *,
        input: InputSpec,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError for a network without an output per token, other targets, or when `monitor` is not a metric"""
        if target.kind != "next":
            raise ConfigError("task masked-diffusion needs plain text; leave --task masked-diffusion out")
        head = masked_token_head(model, task="masked-diffusion")
        self.target, self.config, self.length = target, config, input.shape[0]
        self.vocabulary: Vocabulary = read_vocabulary(target.tokenizer)
        self.modules = nn.ModuleDict({"model": model, "head": head})
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[model, head]),)
        self.objective: Objective = objective("loss", MODES, monitor)
        self._noise = torch.rand(NOISES, self.length, generator=torch.Generator().manual_seed(0))
        self.abilities = Abilities(
            trivial_baseline=self.trivial_baseline,
            generation=Generation(
                draw=self.draw,
                latent=(2, self.length),
                steps=min(MOST_STEPS, self.length),
                samplers=tuple(SAMPLERS),
                keeps=True,
                tempered=True,
            ),
        )

    def loss(self, batch: Batch) -> Loss:
        """The bound in nats a token, each row masked at a time of its own."""
        tokens = batch["target"]
        share, weight = drawn(self.config.noise_schedule, len(tokens), tokens.device)
        there = tokens != PAD
        masked = there & (torch.rand(tokens.shape, device=tokens.device) < share[:, None])
        nats = F.cross_entropy(self._logits(tokens, masked), tokens[masked], reduction="none")
        number = there.sum()
        return Loss((nats * weight[masked.nonzero()[:, 0]]).sum() / number, number)

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: nats and right (B,), means over the masked tokens of each row; their number (B,); target (B, T)."""
        tokens = batch["target"]
        level = ((batch.index.double() + 0.5) * GOLDEN % 1).float().to(tokens.device)
        masked = self._masked(tokens, level, batch.index % NOISES)
        logits, true, row = self._logits(tokens, masked), tokens[masked], masked.nonzero()[:, 0]
        number = masked.sum(1)

        def mean(values: Tensor) -> Tensor:
            return values.new_zeros(len(tokens)).index_add(0, row, values) / number.clamp(min=1)

        nats = F.cross_entropy(logits, true, reduction="none")
        right = mean((logits.argmax(1) == true).to(nats.dtype))
        return {"nats": mean(nats), "right": right, "hidden": number, "target": tokens}

    def meter(self) -> Meter:
        """A fresh one."""
        return MaskedDiffusionMeter(self.vocabulary)

    def trivial_baseline(
        self, known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor]
    ) -> tuple[str, dict[str, float]]:
        """Each token by how often it occurs in the training text; of tokens without a context the bound is their entropy."""
        return unigram_baseline(known, evaluated, symbols=self.target.symbols)

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"nats": (B,)}, the bound of each text in nats a token: the mean over fixed numbers of masked tokens."""
        tokens = batch["input"]
        total = torch.zeros(len(tokens), device=tokens.device)
        for place in range(LEVELS):
            level = total.new_full((len(tokens),), (place + 0.5) / LEVELS)
            masked = self._masked(tokens, level, torch.full((len(tokens),), place))
            row = masked.nonzero()[:, 0]
            nats = F.cross_entropy(self._logits(tokens, masked), tokens[masked], reduction="none")
            total.index_add_(0, row, nats / masked.sum(1)[row])
        return {"nats": total / LEVELS}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per text: the bound in nats a token, and the perplexity that it comes to."""
        return [{"loss": nats, "perplexity": math.exp(nats)} for nats in outputs["nats"].tolist()]

    def draw(self, request: SampleRequest) -> Tensor:
        """Fill in masks: (N, T) tokens; where a part of a text is known, as many as it has."""
        start = torch.special.ndtr(request.start.double())  # uniform numbers (N, 2, T)
        tokens = torch.full_like(start[:, 0], MASK, dtype=torch.int64)
        if request.known is not None and request.keep is not None:
            start = start[..., : request.known.shape[1]]
            tokens = torch.where(request.keep > 0, request.known.long(), MASK)
        shares = steps(self.config.noise_schedule, request.steps or min(MOST_STEPS, tokens.shape[1]))
        sample = SAMPLERS[request.sampler or next(iter(SAMPLERS))]
        sampling = Sampling(temperature=request.temperature)
        fill = partial(self._filled, sampling=sampling)
        return sample(fill, tokens, start[:, 0], start[:, 1], shares)

    def _filled(self, tokens: Tensor, places: Tensor, choice: Tensor, *, sampling: Sampling) -> tuple[Tensor, Tensor]:
        """A `Fill` of the samplers by the network; a token that stands for unknown ones is never made."""
        model, head = cast(TokenEncoder, self.modules["model"]), self.modules["head"]
        hidden = model.hidden(F.pad(tokens, (1, 0), value=BEGIN))[:, 1:][places]  # (K, D)
        parts = []
        size = max(1, AT_ONCE // self.target.symbols)
        for vectors, numbers in zip(hidden.split(size), choice.split(size), strict=True):
            logits = _without(wide(head(vectors, model.words.weight)), PAD, UNKNOWN, MASK)
            parts.append(picked(distribution(logits, sampling).double(), numbers))
        made, sure = zip(*parts, strict=True)
        return torch.cat(made), torch.cat(sure)

    def _masked(self, tokens: Tensor, level: Tensor, row: Tensor) -> Tensor:
        """(B, T) bool: of each row's n tokens 1 + floor(level n), which by fixed noise. level: (B,) in 0..1;  row: its (B,)"""
        there = tokens != PAD
        noise = self._noise[row.cpu(), : tokens.shape[1]].to(tokens.device).masked_fill(~there, 2.0)
        rank = noise.argsort(1).argsort(1)
        return there & (rank <= (level * there.sum(1)).long()[:, None])

    def _logits(self, tokens: Tensor, masked: Tensor) -> Tensor:
        """(N, V) of the masked tokens; PAD and MASK are never below a mask."""
        fed = F.pad(tokens.masked_fill(masked, MASK), (1, 0), value=BEGIN)
        model = cast(TokenEncoder, self.modules["model"])
        return _without(wide(masked_logits(model, self.modules["head"], fed, F.pad(masked, (1, 0)))), PAD, MASK)


def _without(logits: Tensor, *symbols: int) -> Tensor:
    """Logits (N, V) by which these symbols have no probability."""
    return logits.index_fill(1, torch.tensor(symbols, device=logits.device), -torch.inf)
