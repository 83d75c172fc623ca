"""Protein structure: how far apart the residues of a chain lie in space, from the residues alone."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.core.vocabulary import PAD
from sonde.losses.structure import binned, distogram
from sonde.metrics.structure import StructureMeter
from sonde.modalities.protein.codes import EDGES, bin_centres, bin_names
from sonde.tasks.structure.config import StructureConfig
from sonde.tasks.supervised import check_shape, objective, wide

MODES: Mapping[str, Literal["max", "min"]] = {
    "lddt": "max",
    "distance_error": "min",
    "contact_precision": "max",
    "contact_precision_l": "max",
    "rmsd": "min",
    "loss": "min",
}
LONG_RANGE = 24  # residues apart
SMOOTHING = 1.0  # pairs that each bin is given beforehand, where distances are counted

# B proteins, R residues of the longest, N bins of a distance


class Structure:
    """Trains and evaluates one model on the distances between alpha carbons, predicted as probabilities of bins (a distogram).

    Models output (B, R, R, bins) logits. The predicted distance is the mean of the bins' middles, weighted by probability.
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: StructureConfig,
        *,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError when the targets are no distances, or `monitor` is not a metric"""
        if target.kind != "distances" or target.names != bin_names():
            raise ConfigError("task structure needs a folder of protein structures; leave --task structure out")
        self.modules = nn.ModuleDict({"model": model})
        self.target, self.config = target, config
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[model]),)
        self.objective: Objective = objective("lddt", MODES, monitor)
        self.abilities = Abilities(trivial_baseline=self.trivial_baseline)

    def loss(self, batch: Batch) -> Loss:
        """The mean over pairs of residues; their number comes with it."""
        total, pairs = self._distogram(self._logits(batch), batch["target"])
        weight = pairs.sum()
        return Loss(total.sum() / weight.clamp(min=1), weight)

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: distances and contacts (B, R, R), target, coordinates, lengths; loss and its weight of each protein."""
        return self._evaluated(self._logits(batch), batch["target"], batch["coordinates"], _lengths(batch))

    def meter(self) -> Meter:
        """A fresh one."""
        return StructureMeter(contact=self.config.contact_distance)

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"distances": (B, R, R) in ångström, "contacts": chances (B, R, R), "lengths": (B,)}."""
        probs = self._logits(batch).softmax(-1)
        return {"distances": _expected(probs), "contacts": self._contacts(probs), "lengths": _lengths(batch)}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per protein: prediction in words, the number of likely long-range contacts, and all distances in ångström."""
        rows = []
        for place, length in enumerate(outputs["lengths"].tolist()):
            chances = outputs["contacts"][place, :length, :length]
            contacts = int((chances.triu(LONG_RANGE) > 0.5).sum())
            found = outputs["distances"][place, :length, :length].double().round(decimals=2).fill_diagonal_(0)
            rows.append(
                {
                    "prediction": f"{length} residues, {contacts} contacts at a separation of {LONG_RANGE} or more",
                    "contacts": contacts,
                    "distances": found.tolist(),
                }
            )
        return rows

    def trivial_baseline(
        self, known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor]
    ) -> tuple[str, dict[str, float]]:
        """The distances that training pairs as far apart along the chain have, whatever the residues."""
        table = separation_table(known["target"])
        target = evaluated["target"]
        places = torch.arange(target.shape[1])
        apart = (places[:, None] - places).abs().clamp(max=len(table) - 1)
        logits = table.log()[apart].expand(len(target), -1, -1, -1)
        lengths = (target.flatten(2).amax(2) > 0).sum(1)
        meter = StructureMeter(contact=self.config.contact_distance)
        meter.update(self._evaluated(logits, target, None, lengths), torch.arange(len(target)))
        return "distances of training pairs with the same sequence separation", meter.compute()

    def _logits(self, batch: Batch) -> Tensor:
        """(B, R, R, N). Raises: ConfigError for a model with other outputs."""
        logits = wide(self.modules["model"](*batch.fed()))
        rows, residues = batch["input"].shape
        expected = (rows, residues, residues, self.target.out_dim)
        check_shape(logits, expected, "task structure needs logits {}", model="structure-network")
        return logits

    def _evaluated(
        self, logits: Tensor, target: Tensor, coordinates: Tensor | None, lengths: Tensor
    ) -> dict[str, Tensor]:
        total, pairs = self._distogram(logits, target)
        probs = logits.softmax(-1)
        found = {"distances": _expected(probs), "contacts": self._contacts(probs), "target": target, "lengths": lengths}
        found |= {"loss": total / pairs.clamp(min=1), "weight": pairs}
        return found if coordinates is None else {**found, "coordinates": coordinates}

    def _distogram(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        return distogram(logits, target, torch.tensor(EDGES, device=logits.device))

    def _contacts(self, probs: Tensor) -> Tensor:
        return probs[..., : EDGES.index(self.config.contact_distance) + 1].sum(-1)


def separation_table(target: Tensor) -> Tensor:
    """(S, N) chances of each bin for pairs 0 to S - 1 residues apart, counted in distances (n, R, R), 0 where none counts."""
    bins = binned(target, torch.tensor(EDGES))
    places = torch.arange(target.shape[1])
    apart = (places[:, None] - places).abs().expand_as(target)
    counted = target > 0
    width = len(EDGES) + 1
    counts = torch.bincount(apart[counted] * width + bins[counted], minlength=target.shape[1] * width)
    counts = counts.view(-1, width).float()
    counts = counts[: int((counts.sum(1) > 0).nonzero().max()) + 1]
    # a bin that no such training pair is in must not cost infinitely: it has a share of what all pairs have
    overall = (counts.sum(0) + 1) / (counts.sum() + width)
    smoothed = counts + SMOOTHING * overall
    return smoothed / smoothed.sum(1, keepdim=True)


def _expected(probs: Tensor) -> Tensor:
    """(…, N) -> (…) in ångström."""
    return probs @ torch.tensor(bin_centres(), dtype=probs.dtype, device=probs.device)


def _lengths(batch: Batch) -> Tensor:
    return (batch["input"] != PAD).sum(1)
