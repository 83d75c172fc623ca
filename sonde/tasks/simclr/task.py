"""Self-supervised contrastive learning: two views of an image should be similar, and dissimilar to all other images."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import VIEWS, Batch
from sonde.core.dataset import TargetSpec
from sonde.core.seams import Loss, Meter, Objective, Phase
from sonde.losses.contrastive import nt_xent
from sonde.nn.features import features, remove_head
from sonde.tasks.simclr.config import SimCLRConfig
from sonde.tasks.unlabelled import meter_for, numbered, probed, unlabelled_objective

# B rows, D numbers of a feature, P numbers of a projection


class SimCLR:
    """Trains a network without its head, and a projection on top of it, on batches that hold two views of each row.

    Targets are not used, except by the meter: see `NeighboursMeter`. The loss of an evaluation is that of its batches,
    so it is comparable between evaluations by batches of the same size.
    Source: Chen et al. 2020, A simple framework for contrastive learning of visual representations, arXiv:2002.05709
    """

    across_rows: Sequence[str] = ("NT-Xent",)

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: SimCLRConfig,
        *,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError for a network without a linear head, or when `monitor` is not a metric"""
        self.target, self.config = target, config
        width = remove_head(model)
        projection = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, config.projection))
        self.modules = nn.ModuleDict({"model": model, "projection": projection})
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[model, projection]),)
        self.objective: Objective = unlabelled_objective(target, monitor)

    def loss(self, batch: Batch) -> Loss:
        """The mean over rows. A piece of a batch holds fewer negatives: see `across_rows`."""
        return Loss(self._each(batch).mean(), len(batch))

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: the loss of the views (B,), the features of the unchanged image (B, D), and its class."""
        return probed(batch, self.target, features(self.modules["model"], batch["input"]), self._each(batch))

    def meter(self) -> Meter:
        """A fresh one."""
        return meter_for(self.target)

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"features": (B, D)}, what reaches the head of the network."""
        return {"features": features(self.modules["model"], batch["input"])}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"features": {"0": number, …}} per row."""
        return numbered(outputs)

    def _each(self, batch: Batch) -> Tensor:
        # both views in one batch, so that batch norm uses the same statistics for them
        views = torch.cat([batch[name] for name in VIEWS])
        first, second = self.modules["projection"](features(self.modules["model"], views)).chunk(2)
        return nt_xent(first, second, temperature=self.config.temperature)
