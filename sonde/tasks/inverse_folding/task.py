"""Inverse folding: which residues a backbone was made of."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.core.vocabulary import PAD, SPECIAL, read_vocabulary
from sonde.metrics.residues import ResiduesMeter
from sonde.tasks.inverse_folding.config import InverseFoldingTaskConfig
from sonde.tasks.supervised import check_shape, objective, wide

FIRST = len(SPECIAL)  # the first symbol that is a residue

# B proteins, R residues of the longest, C symbols


class InverseFolding:
    """Trains and evaluates one model on the residue at each position of a backbone, all predicted at once.

    Models output (B, R, C) logits; those of symbols that are no residues are not used.
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: InverseFoldingTaskConfig,
        *,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError when the targets are no residues, or `monitor` is not a metric"""
        if target.kind != "residues":
            raise ConfigError(
                "task inverse-folding needs a folder of protein structures; leave --task inverse-folding out"
            )
        self.modules = nn.ModuleDict({"model": model})
        self.target, self.config = target, config
        self.vocabulary = read_vocabulary(target.tokenizer)
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[model]),)
        modes: dict[str, Literal["max", "min"]] = {"recovery": "max", "perplexity": "min", "loss": "min"}
        self.objective: Objective = objective("recovery", modes, monitor)
        self.abilities = Abilities(trivial_baseline=self.trivial_baseline)

    def loss(self, batch: Batch) -> Loss:
        """The mean over known residues; their number comes with it."""
        each = self._each(self._logits(batch), batch["target"], self.config.label_smoothing)
        weight = (batch["target"] != PAD).sum()
        return Loss(each.sum() / weight.clamp(min=1), weight)

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: prediction and target (B, R), loss and its weight of each place (B, R)."""
        logits, target = self._logits(batch), batch["target"]
        return self._evaluated(logits, target)

    def meter(self) -> Meter:
        """A fresh one."""
        return ResiduesMeter(self.target.names, first=FIRST)

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"logp": (B, R, residues), "lengths": (B,)}."""
        return {"logp": self._logits(batch).log_softmax(-1), "lengths": batch["lengths"]}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per chain: prediction, a letter a residue, and its mean probability."""
        rows = []
        for logp, length in zip(outputs["logp"], outputs["lengths"].tolist(), strict=True):
            best = logp[:length].detach().max(-1)
            letters = self.vocabulary.decode((best.indices + FIRST).tolist())
            rows.append({"prediction": letters, "probability": float(best.values.exp().mean())})
        return rows

    def trivial_baseline(
        self, known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor]
    ) -> tuple[str, dict[str, float]]:
        """Always the most frequent residue of the training chains, with the chances that they have there."""
        counts = torch.bincount(known["target"].long().flatten(), minlength=self.vocabulary.size)[FIRST:]
        chances = (counts + 1) / (counts.sum() + len(counts))
        target = evaluated["target"].long()
        meter = self.meter()
        meter.update(self._evaluated(chances.log().expand(*target.shape, -1), target), torch.arange(len(target)))
        return f"always predicting {self.target.names[int(counts.argmax())]}, the most frequent", meter.compute()

    def _logits(self, batch: Batch) -> Tensor:
        """(B, R, residues). Raises: ConfigError for a model with other outputs."""
        logits = wide(self.modules["model"](*batch.fed()))
        expected = (*batch["input"].shape[:2], self.target.out_dim)
        check_shape(logits, expected, "task inverse-folding needs logits {}", model="inverse-folding-network")
        return logits[..., FIRST:]

    def _evaluated(self, logits: Tensor, target: Tensor) -> dict[str, Tensor]:
        weight = (target != PAD).to(logits.dtype)
        return {
            "prediction": logits.argmax(-1) + FIRST,
            "target": target,
            "loss": self._each(logits, target),
            "weight": weight,
        }

    def _each(self, logits: Tensor, target: Tensor, smoothing: float = 0.0) -> Tensor:
        """(B, R) in nats, 0 where no residue is known."""
        places = torch.where(target == PAD, 0, target - FIRST)
        each = F.cross_entropy(logits.flatten(0, 1), places.flatten(), reduction="none", label_smoothing=smoothing)
        return each.view(target.shape) * (target != PAD)
