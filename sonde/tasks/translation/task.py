"""Translation: sequence to sequence, trained with teacher forcing, evaluated on generated text."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.core.vocabulary import BEGIN, PAD, read_vocabulary
from sonde.metrics.bleu import Bleu
from sonde.metrics.translation import MAPPED, TranslationMeter
from sonde.tasks.decode.beam import Autoregressive, Decoded, beam_search
from sonde.tasks.supervised import objective, wide
from sonde.tasks.translation.config import TranslationConfig

MOST_EXTRA = 10  # tokens that an answer may have beyond twice those of its source
# a prime: rows whose number times it falls low enough are a sample that has nothing to do with their order
EVERY = 7919

MODES: Mapping[str, Literal["max", "min"]] = {
    "bleu": "max",
    "token_accuracy": "max",
    "perplexity": "min",
    "loss": "min",
}

# B rows, S source tokens, M target tokens, L tokens that were generated, V symbols


@runtime_checkable
class Attends(Protocol):
    """A network that can output its attention weights: (B, S), (B, M) tokens -> weights (B, M, S)."""

    def attention(self, source: Tensor, target: Tensor) -> Tensor: ...


class Translation:
    """Trains one encoder-decoder with the true tokens before each (teacher forcing), and evaluates the text it generates.

    The network is called with source and target tokens and outputs logits (B, M, V); `Autoregressive` is how it generates a text.
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: TranslationConfig,
        *,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError for targets that are no texts, a network that cannot speak, or a `monitor` that is no metric;
        MissingDependency without sacrebleu, which computes BLEU
        """
        if target.kind != "tokens":
            raise ConfigError("task translation needs a target text for each source text; leave --task translation out")
        if not isinstance(model, Autoregressive):
            raise ConfigError(
                f"task translation needs an autoregressive decoder, and {type(model).__name__} has no begin and step; "
                "use --model transformer-small"
            )
        Bleu()  # whether sacrebleu is there is better known before the training than after it
        self.modules = nn.ModuleDict({"model": model})
        self.decoder: Autoregressive = model
        self.target, self.config = target, config
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[model]),)
        self.objective: Objective = objective("bleu", MODES, monitor)
        self.abilities = Abilities(quick_evaluate=self.quick_evaluate)
        self.vocabulary = read_vocabulary(target.tokenizer)

    def loss(self, batch: Batch) -> Loss:
        """Cross-entropy, the mean over target tokens; their number comes with it."""
        target = batch["target"]
        logits = self._logits(batch)
        value = F.cross_entropy(
            logits.flatten(0, 1), target.flatten(), ignore_index=PAD, label_smoothing=self.config.label_smoothing
        )
        return Loss(value, (target != PAD).sum())

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: how likely the truth is, the generated text, and of some rows the attention weights."""
        every = torch.ones(len(batch), dtype=torch.bool, device=batch["target"].device)
        found = self._evaluated(batch, every, self.config.beam)
        mapped = (batch.index < MAPPED).to(every.device)
        if isinstance(self.decoder, Attends) and bool(mapped.any()):
            source, generated = batch["input"][mapped], found["generated"][mapped]
            weights = self.decoder.attention(source, shifted(generated))
            return {**found, "mapped": mapped, "attention": weights, "spans": (source != PAD).sum(1)}
        return found

    def quick_evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """As `evaluate`, with a share of the rows translated greedily."""
        chosen = (batch.index * EVERY) % 10_000 < 10_000 * self.config.quick_share
        return self._evaluated(batch, chosen.to(batch["target"].device), 1)

    def meter(self) -> Meter:
        """A fresh one."""
        return TranslationMeter(self.vocabulary)

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"tokens": (B, L), "score": (B,)}, see `Decoded`."""
        found = self._translated(batch["input"], self.config.beam)
        return {"tokens": found.tokens, "score": found.scores}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per row: prediction, the text, and its score: log probability over the length penalty."""
        rows = zip(outputs["tokens"].tolist(), outputs["score"].tolist(), strict=True)
        return [{"prediction": self.vocabulary.decode(tokens), "score": score} for tokens, score in rows]

    def _logits(self, batch: Batch) -> Tensor:
        """(B, M, V)."""
        return wide(self.modules["model"](batch["input"], shifted(batch["target"])))

    def _evaluated(self, batch: Batch, chosen: Tensor, width: int) -> dict[str, Tensor]:
        """What `TranslationMeter.update` takes, with the rows where `chosen` (B,) is True translated."""
        source, target, logits = batch["input"], batch["target"], self._logits(batch)
        there = target != PAD
        each = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none").view_as(target) * there
        tokens = there.sum(1)
        right = ((logits.argmax(2) == target) & there).sum(1)
        generated = torch.full((len(batch), 1), PAD, device=source.device)
        if bool(chosen.any()):
            found = self._translated(source[chosen], width).tokens
            generated = torch.full((len(batch), found.shape[1]), PAD, device=source.device)
            generated[chosen] = found
        more = {"reference": batch["reference"]} if "reference" in batch else {}
        return {
            "loss": each.sum(1) / tokens,
            "right": right / tokens,
            "tokens": tokens,
            "target": target,
            "generated": generated,
            "decoded": chosen,
            **more,
        }

    def _translated(self, source: Tensor, width: int) -> Decoded:
        most = 2 * (source != PAD).sum(1) + MOST_EXTRA
        return beam_search(self.decoder, source, most=most, width=width, alpha=self.config.length_penalty)


def shifted(target: Tensor) -> Tensor:
    """The input of a decoder for `target` (B, M): BEGIN, then all of it but its last."""
    return F.pad(target[:, :-1], (1, 0), value=BEGIN)
