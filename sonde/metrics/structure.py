"""Evaluation of predicted distances between residues, protein by protein."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sonde.core.units import number
from sonde.metrics.first_nan import FirstNaN
from sonde.metrics.mean import Mean
from sonde.metrics.traces import contact_precision, local_agreement, superposed_up_to_reflection
from sonde.modalities.protein.codes import CONTACT

CASES = 4  # proteins stored whole from each end, to be drawn
NEAR = 20.0  # ångström; farther apart, an error says little of the fold
SEPARATION = 2  # residues apart: neighbours are always 3.8 ångström apart

# B proteins, R residues of the longest


class StructureMeter:
    """Adds up distances and truths; each protein has the same weight.

    metrics: lddt (`local_agreement`); distance_error, in ångström, the mean over pairs nearer than 20; contact_precision and
             contact_precision_l, of the R/5 and the R likeliest long-range contacts; rmsd, in ångström, of the trace that the
             distances give; loss (the task's own)
    """

    def __init__(self, *, contact: float = CONTACT) -> None:
        """contact: ångström below which residues touch."""
        self.contact = contact
        self.scores, self.precisions, self.rmsd, self.loss = Mean(), Mean(), Mean(), Mean()
        self.first_nan = FirstNaN()
        self.cases: list[dict[str, Any]] = []  # those with the lowest lDDT, then those with the highest

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add proteins: distances, contacts (chances), target (B, R, R), lengths, loss, weight (B,), and
        coordinates (B, R, 3) where traces are to be laid on the true ones.
        """
        self.first_nan.update(outputs["loss"], index)
        self.loss.update(outputs["loss"], outputs["weight"])
        for place, length in enumerate(outputs["lengths"].tolist()):
            if outputs["loss"][place].isnan():
                continue  # `compute` says which
            square = (slice(length), slice(length))
            found, chances, true = (outputs[name][place][square] for name in ("distances", "contacts", "target"))
            lddt = self._add(found.double().cpu(), chances.cpu(), true.double().cpu())
            if "coordinates" in outputs:
                self._superpose(found.cpu(), outputs["coordinates"][place, :length].cpu(), lddt, int(index[place]))

    def merge(self, other: "StructureMeter") -> None:
        """Add another process's sums."""
        for name in ("scores", "precisions", "rmsd", "loss", "first_nan"):
            getattr(self, name).merge(getattr(other, name))
        self._keep(other.cases)

    def compute(self) -> dict[str, float]:
        """All metrics over all proteins so far. Raises: NonFinite when an output was NaN."""
        self.first_nan.refuse()
        lddt, error = self.scores.value().tolist()
        precisions = self.precisions.value() if self.precisions.total is not None else torch.full((2,), torch.nan)
        precision, whole = precisions.tolist()  # NaN where no chain is long enough for a long range
        return {
            "lddt": lddt,
            "distance_error": error,
            "contact_precision": precision,
            "contact_precision_l": whole,
            **({"rmsd": float(self.rmsd.value())} if self.rmsd.total is not None else {}),
            "loss": float(self.loss.value()),
        }

    def details(self) -> dict[str, Any]:
        """worst and best proteins, each with the true and the predicted trace (docs/run-folder.md)."""
        half = min(CASES, -(-len(self.cases) // 2))
        ordered = sorted(self.cases, key=lambda case: (case["lddt"], case["index"]))
        return {
            "worst": [_formatted(case) for case in ordered[:half]],
            "best": [_formatted(case) for case in ordered[::-1][: min(CASES, len(ordered) - half)]],
        }

    def _add(self, found: Tensor, chances: Tensor, true: Tensor) -> float:
        """Count one protein, and return its lDDT."""
        lddt = local_agreement(found, true)
        near = (true < NEAR) & torch.ones_like(true, dtype=torch.bool).triu(SEPARATION)
        self.scores.update(torch.tensor([[lddt, float((found - true).abs()[near].mean())]]))
        both = [contact_precision(chances, true, contact=self.contact, among=among) for among in (5, 1)]
        if both[0] == both[0]:  # too short a chain has no long range
            self.precisions.update(torch.tensor([both]))
        return lddt

    def _superpose(self, found: Tensor, places: Tensor, lddt: float, index: int) -> None:
        """Count how far the trace reconstructed from the distances is off, and offer the protein for a picture."""
        trace, rmsd = superposed_up_to_reflection(found, places)
        self.rmsd.update(torch.tensor([rmsd]))
        self._keep([{"index": index, "lddt": lddt, "rmsd": rmsd, "true": places.double(), "found": trace}])

    def _keep(self, more: list[dict[str, Any]]) -> None:
        ordered = sorted([*self.cases, *more], key=lambda case: (case["lddt"], case["index"]))
        self.cases = ordered if len(ordered) <= 2 * CASES else [*ordered[:CASES], *ordered[-CASES:]]


def _formatted(case: Mapping[str, Any]) -> dict[str, Any]:
    """A protein for a person: numbers in words, traces in ångström."""
    return {
        "index": case["index"],
        "target": f"{len(case['true'])} residues",
        "prediction": f"lDDT {number(case['lddt'], 2)}, RMSD {number(case['rmsd'], 3)} Å",
        "confidence": None,
        "loss": 1 - case["lddt"],
        "trace": {name: case[name].round(decimals=1).tolist() for name in ("true", "found")},
    }
