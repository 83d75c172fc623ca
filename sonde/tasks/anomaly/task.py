"""Anomaly detection: what is far from all normal rows, or what an autoencoder cannot give back that has seen no others."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.reconstruction import Reconstruction
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.metrics.anomaly import AnomalyMeter, threshold_told
from sonde.nn.mixed_columns import MixedColumns
from sonde.tasks.anomaly.config import AnomalyConfig
from sonde.tasks.anomaly.description import Description
from sonde.tasks.anomaly.known import Known
from sonde.tasks.anomaly.normal import normal_classes
from sonde.tasks.reconstructing import Bottleneck, Worded, disturbed
from sonde.tasks.supervised import objective

# B rows


class Anomaly:
    """Trained as an autoencoder on normal rows alone; a row's score is how far it is from those nearest to it, or the mean
    error of its values (`AnomalyConfig.score`).

    A validation chooses the threshold: the score that its normal rows exceed at the stated rate. Which rows are anomalies chooses
    nothing: the best checkpoint is the one with the least error on normal rows.
    Source: Sakurada and Yairi 2014, Anomaly detection using autoencoders with nonlinear dimensionality reduction, MLSDA
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: AnomalyConfig,
        *,
        input: InputSpec,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError for a network of another kind, where nobody says what is normal, or when `monitor` is no metric"""
        self.net = Bottleneck(model, latent=config.latent, task="anomaly")
        self.config, self.input = config, input
        self.normal = normal_classes(target, config)
        self.names = target.names if self.normal else ()
        self.columns = MixedColumns(input)
        self.format = Worded(input)
        self.threshold: float | None = None
        self.promised: float | None = None  # how often new normal rows exceed it
        self.contrasted = config.score == "neighbours" and input.has_planes and config.contrast > 0
        self.across_rows: Sequence[str] = ("NT-Xent",) if self.contrasted else ()
        self.known = None
        if config.score == "neighbours":
            self.known = Known(Description(input, config.stretch), self.net, learned=self.contrasted)
        trained = {"model": self.net, **self._projection()}
        self.modules = nn.ModuleDict({**trained, "columns": self.columns})
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=list(trained.values())),)
        self.error = "reconstruction_error" if self.contrasted else "loss"  # of what is trained a part, or all
        modes: dict[str, Any] = {self.error: "min"}
        modes |= {"auroc": "max", "average_precision": "max"} if self.names else {}
        self.objective: Objective = objective(self.error, modes, monitor)
        self.abilities = Abilities(
            tune_threshold=self.tune_threshold,
            trivial_baseline=self.one_score if self.names else None,
            know_rows=None if self.known is None else self.known.know,
            reconstruction=Reconstruction(
                outputs={"latent": self.latent, "reconstruction": self.given_back, "anomaly": self.anomaly},
                latent=lambda batch: self.net.encode(batch["input"]),
                reconstruct=lambda batch: self.given_back(batch)["reconstruction"],
                decode=lambda latent: self.columns.values(self.net.decode(latent)),
                beside={"": self.told, "anomaly": self.told},
            ),
        )

    def loss(self, batch: Batch) -> Loss:
        """The mean error of the values, of images also how badly they are known again; the rows are normal ones."""
        output = self.net(disturbed(batch["input"], self.config.corrupt, self.config.corruption))
        error = self.columns.errors(output, batch["input"]).mean()
        if self.known is None or not self.contrasted:
            return Loss(error, len(batch))
        self.known.stale = True
        contrast = self.known.contrast(batch["input"]).mean()
        return Loss(error + self.config.contrast * contrast, len(batch), {self.error: error, "contrast": contrast})

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: score (B,), loss (B,), the mean error, and the class of each row where rows have one."""
        error = self._error(batch).flatten(1).mean(1)
        found = {"score": error if self.known is None else self.known.distance(batch["input"]), "loss": error}
        return {**found, "target": batch["target"]} if self.names else found

    def meter(self) -> Meter:
        """A fresh one, with the current threshold."""
        return AnomalyMeter(
            self.names,
            self.normal,
            false_alarms=self.config.false_alarms,
            threshold=self.threshold,
            promised=self.promised,
            error=self.error,
            score=self.config.score,
            beside="" if self.known is None else "reconstruction",
        )

    def tune_threshold(self, meter: Meter) -> None:
        """Let a validation choose the threshold."""
        if isinstance(meter, AnomalyMeter):
            self.threshold, self.promised = meter.choose_threshold(), meter.promised

    def one_score(self, known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor]) -> tuple[str, dict[str, float]]:
        """What one score for all rows reaches: ranks by chance."""
        anomalous = ~torch.tensor(self.normal)[evaluated["target"].long()]
        return "the same score for all rows", {"auroc": 0.5, "average_precision": float(anomalous.double().mean())}

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"score": (B,)}."""
        return {"score": self.anomaly(batch)["score"]}

    def anomaly(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"score": (B,), "error": (B, *shape), where the row is not given back}."""
        error = self._error(batch)
        score = error.flatten(1).mean(1) if self.known is None else self.known.distance(batch["input"])
        return {"score": score, "error": error}

    def told(self) -> list[str]:
        """What the scores are beside."""
        return threshold_told(self.threshold, self.config.false_alarms, self.promised)

    def latent(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"latent": (B, L)}."""
        return {"latent": self.net.encode(batch["input"])}

    def given_back(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"reconstruction": (B, *shape)}."""
        return {"reconstruction": self.columns.values(self.net(batch["input"]))}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """As `Worded`; a score that exceeds the threshold is of an anomaly: {"prediction": "anomaly", "score": number}."""
        rows = self.format(outputs)
        limit = self.threshold
        if "score" not in outputs or limit is None:
            return rows
        return [{"prediction": "anomaly" if row["score"] > limit else "normal", **row} for row in rows]

    def state_dict(self) -> dict[str, Any]:
        """The threshold that a validation chose, and the normal rows that others are compared with."""
        found: dict[str, Any] = {
            "threshold": [] if self.threshold is None else [self.threshold],
            "promised": [] if self.promised is None else [self.promised],
        }
        return found if self.known is None else {**found, "known": self.known.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Judge by what was saved."""
        self.threshold = next((float(value) for value in state["threshold"]), None)
        self.promised = next((float(value) for value in state.get("promised", ())), None)
        if self.known is not None and "known" in state:  # not in runs of earlier versions
            self.known.load_state_dict(state["known"])

    def _error(self, batch: Batch) -> Tensor:
        """(B, *shape)."""
        return self.columns.errors(self.net(batch["input"]), batch["input"])

    def _projection(self) -> dict[str, nn.Module]:
        found = None if self.known is None else self.known.projection
        return {} if found is None else {"projection": found}
