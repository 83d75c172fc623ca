"""Masked language modelling: some tokens are masked, and predicted from those around them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.seams import Loss, Meter, Objective, Phase
from sonde.core.vocabulary import SPECIAL, UNKNOWN
from sonde.metrics.masked_tokens import MaskedTokensMeter
from sonde.nn.masked_tokens import TokenEncoder, begun, masked_logits, masked_token_head
from sonde.tasks.masked_language_model.config import MaskedLanguageModelConfig
from sonde.tasks.supervised import objective, wide
from sonde.tasks.unlabelled import numbered

MODES: Mapping[str, Literal["max", "min"]] = {"loss": "min", "perplexity": "min", "accuracy": "max"}
REPLACED, OTHER = 0.8, 0.1  # of the masked tokens: fed as UNKNOWN, fed as a random one; the rest are fed as they are
# token t of row n is evaluated under the draw (n, t) modulo these, whatever its batch
EVALUATION_ROWS, EVALUATION_PLACES = 64, 512

# B rows, T tokens, D channels of a token, N masked tokens of a batch


class Masked(NamedTuple):
    """fed: tokens as the network sees them (B, T);  chosen: bool (B, T), those that are predicted"""

    fed: Tensor
    chosen: Tensor


class MaskedLanguageModel:
    """Trains a network of tokens without its head on text of which some tokens are masked.

    Of those chosen, 80 % are fed as UNKNOWN, which stands for a masked token here, 10 % as a random token and 10 % as they
    are. They are drawn as dropout is, from torch's own stream; in an evaluation each row has its own for good. Targets are
    not looked at. Source: Devlin et al. 2018, BERT, arXiv:1810.04805, section 3.1
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: MaskedLanguageModelConfig,
        *,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError for a network without an output per token, or when `monitor` is not a metric"""
        head = masked_token_head(model, task="masked-language-model")
        self.config, self.symbols = config, len(head.bias)
        self.modules = nn.ModuleDict({"model": model, "head": head})
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[model, head]),)
        self.objective: Objective = objective("loss", MODES, monitor)
        drawn = torch.Generator().manual_seed(0)
        self._evaluation_noise = torch.rand(3, EVALUATION_ROWS, EVALUATION_PLACES, generator=drawn)

    def loss(self, batch: Batch) -> Loss:
        """The mean over all masked tokens of the batch."""
        tokens = begun(batch["input"])
        masked = self.mask(tokens, torch.rand(3, *tokens.shape, device=tokens.device))
        logits = self._logits(masked)
        total = masked.chosen.sum()
        nats = F.cross_entropy(logits, tokens[masked.chosen], reduction="sum")
        return Loss(nats / total.clamp(min=1), total)

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: nats and right, means over the masked tokens of each row (B,), and their number."""
        tokens = begun(batch["input"])
        places = torch.arange(tokens.shape[1]) % EVALUATION_PLACES
        noise = self._evaluation_noise[:, batch.index.cpu() % EVALUATION_ROWS][:, :, places]
        masked = self.mask(tokens, noise.to(tokens.device))
        logits, true = self._logits(masked), tokens[masked.chosen]
        each = F.cross_entropy(logits, true, reduction="none")
        number = masked.chosen.sum(1)
        row = masked.chosen.nonzero()[:, 0]

        def mean(values: Tensor) -> Tensor:
            return values.new_zeros(len(tokens)).index_add(0, row, values) / number.clamp(min=1)

        return {"nats": mean(each), "right": mean((logits.argmax(1) == true).float()), "hidden": number}

    def meter(self) -> Meter:
        """A fresh one."""
        return MaskedTokensMeter()

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"features": (B, D)}, the mean of the network's output at each token."""
        tokens = begun(batch["input"])
        hidden = cast(TokenEncoder, self.modules["model"]).hidden(tokens)
        there = (tokens != 0).to(hidden.dtype)[:, :, None]
        return {"features": (hidden * there).sum(1) / there.sum(1)}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"features": {"0": number, …}} per row."""
        return numbered(outputs)

    def mask(self, tokens: Tensor, noise: Tensor) -> Masked:
        """Choose tokens (B, T) and change what is fed. noise: (3, B, T) uniform in [0, 1): whether, how, and by which."""
        whether, how, which = noise
        chosen = (whether < self.config.hidden_share) & (tokens >= len(SPECIAL))
        other = len(SPECIAL) + (which * (self.symbols - len(SPECIAL))).long()
        fed = torch.where(chosen & (how < REPLACED), UNKNOWN, tokens)
        return Masked(torch.where(chosen & (how >= REPLACED) & (how < REPLACED + OTHER), other, fed), chosen)

    def _logits(self, masked: Masked) -> Tensor:
        """(N, symbols) of the chosen tokens."""
        model = cast(TokenEncoder, self.modules["model"])
        return wide(masked_logits(model, self.modules["head"], masked.fed, masked.chosen))
