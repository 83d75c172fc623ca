"""Protein torsions: the backbone torsion angles at each residue, from the residues alone."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.core.vocabulary import PAD
from sonde.tasks.supervised import check_shape, objective, wide
from sonde.tasks.torsions.config import ANGLES, TorsionsConfig
from sonde.tasks.torsions.meter import TorsionsMeter

SHORTEST = 1e-6  # of a direction, which has an angle only where it has a length

# B proteins, R residues of the longest, A angles


class Torsions:
    """Trains and evaluates one model on the angles phi and psi of each residue.

    Models output (B, R, A, 2), a direction for each angle. The loss is 1 - cos of how far an angle is off, which is the
    log likelihood of a von Mises distribution of fixed width, up to a factor and a constant: 0 when right, 1 at 90 degrees.
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: TorsionsConfig,
        *,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError when the targets are no angles, or `monitor` is not a metric"""
        if target.kind != "torsions":
            raise ConfigError("task torsions needs a folder of protein structures; leave --task torsions out")
        self.modules = nn.ModuleDict({"model": model})
        self.target, self.config = target, config
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[model]),)
        modes: dict[str, Literal["max", "min"]] = {f"{name}_error": "min" for name in ANGLES}
        self.objective: Objective = objective("near", {**modes, "near": "max", "loss": "min"}, monitor)
        self.abilities = Abilities(trivial_baseline=self.trivial_baseline)

    def loss(self, batch: Batch) -> Loss:
        """The mean over known angles; their number comes with it."""
        weight = _known(batch["target"]).sum()
        return Loss(self._each(self._directions(batch), batch["target"]).sum() / weight.clamp(min=1), weight)

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: angles found and true in degrees, whether each is known, and its loss, all (B, R, A)."""
        return self._evaluated(self._directions(batch), batch["target"])

    def meter(self) -> Meter:
        """A fresh one."""
        return TorsionsMeter(self.target.names)

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"angles": (B, R, A) in degrees, "lengths": (B,)}."""
        return {"angles": _degrees(self._directions(batch)), "lengths": (batch["input"] != PAD).sum(1)}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per protein: prediction in words, and the angles of each residue in degrees, by name."""
        rows = []
        for angles, length in zip(outputs["angles"], outputs["lengths"].tolist(), strict=True):
            rounded = angles[:length].double().round(decimals=1)
            named = {name: rounded[:, place].tolist() for place, name in enumerate(self.target.names)}
            rows.append({"prediction": f"{' and '.join(self.target.names)} of {length} residues", **named})
        return rows

    def trivial_baseline(
        self, known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor]
    ) -> tuple[str, dict[str, float]]:
        """The same angles everywhere: those of the mean direction over the training residues."""
        mean = known["target"].flatten(0, 1).sum(0)  # unknown angles are directions of no length
        target = evaluated["target"]
        meter = self.meter()
        meter.update(self._evaluated(mean.expand_as(target), target), torch.arange(len(target)))
        described = ", ".join(
            f"{name} {angle:.0f}" for name, angle in zip(self.target.names, _degrees(mean).tolist(), strict=True)
        )
        return f"always predicting the mean angles ({described} degrees)", meter.compute()

    def _directions(self, batch: Batch) -> Tensor:
        """(B, R, A, 2). Raises: ConfigError for a model with other outputs."""
        found = wide(self.modules["model"](*batch.fed()))
        expected = (*batch["input"].shape[:2], self.target.out_dim, 2)
        check_shape(found, expected, "task torsions needs (cosine, sine) pairs {}", model="torsion-network")
        return found

    def _evaluated(self, directions: Tensor, target: Tensor) -> dict[str, Tensor]:
        return {
            "found": _degrees(directions),
            "true": _degrees(target),
            "known": _known(target),
            "loss": self._each(directions, target),
        }

    def _each(self, directions: Tensor, target: Tensor) -> Tensor:
        """(B, R, A), 0 where an angle is not known."""
        length = directions.norm(dim=-1).clamp(min=SHORTEST)
        return (1 - (directions * target).sum(-1) / length) * _known(target)


def _known(target: Tensor) -> Tensor:
    """(…, 2) -> (…) 1 where a target is a direction, 0 where it has no length."""
    return (target.norm(dim=-1) > 0.5).to(target.dtype)


def _degrees(directions: Tensor) -> Tensor:
    """(…, 2) cosine and sine, of any length -> (…) from -180 to 180."""
    return torch.atan2(directions[..., 1], directions[..., 0]).rad2deg()
