"""The judge of samples, a classifier or of tables a regressor: what it sees before its last layer, and which classes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sonde.core.dataset import Schema
from sonde.core.errors import ConfigError
from sonde.core.files import sha256
from sonde.core.progress import Tick, silent
from sonde.engine.checkpoint import best_folder
from sonde.explain.embedding import LastInput
from sonde.explain.hooks import as_used
from sonde.modalities.catalogue import modality

if TYPE_CHECKING:
    from sonde.modalities.made import Made
    from sonde.run.run import Run

AT_ONCE = 256  # rows
DIGITS = 12  # of a hash

# N inputs, D features


@dataclass(frozen=True, kw_only=True)
class Seen:
    """features: (N, D) float32, what the judge's last layer was given
    classes:  (N,) int64, the one it took each input for; of a regressor (0,)
    certain:  (N,) float32, how probable that class was to it; of a regressor (0,)
    layer:    the name of that layer
    """

    features: Tensor
    classes: Tensor
    certain: Tensor
    layer: str


def check_judge(judge: "Run", run: "Run") -> None:
    """Raises: ConfigError for a judge that is no classifier, or that takes other inputs than the run makes"""
    if not _answers(judge):
        raise ConfigError(
            f"--judge {judge.folder} is a run of task {judge.spec.name}, and a judge is a classifier: train one on the same data "
            "with --task classification (of a table, one of a column of numbers is a judge too)"
        )
    mine, other = run.schema.input, judge.schema.input
    if mine.kind != other.kind or mine.has_planes and mine.shape[0] != other.shape[0]:
        raise ConfigError(
            f"--judge {judge.folder} was trained on {_inputs(judge.schema)}, and {run.folder} makes {_inputs(run.schema)}; "
            "name a classifier of such inputs"
        )


def _answers(judge: "Run") -> bool:
    """Whether it is a classifier; of kinds of data that a classical model learns, which samples may train, a regressor too."""
    target = judge.schema.target
    one_value = target.has_values and len(target.names) == 1 and not target.masked
    return judge.spec.labels and (
        target.has_classes or (one_value and bool(modality(judge.schema.input.kind).classical))
    )


def weights_hash(run: "Run") -> str:
    """The first digits of the SHA-256 of the weights of the best checkpoint: what was measured, and by what."""
    return sha256(best_folder(run.folder / "checkpoints") / "weights.safetensors")[:DIGITS]


def seen_by(judge: "Run", inputs: Any, made: "Made", tick: Tick = silent, label: str = "judging") -> Seen:
    """What the judge makes of inputs on the data's own scale, as `as_given` leaves them. Raises: ConfigError, DataError"""
    watched = LastInput(judge.model)
    features: list[Tensor] = []
    classes: list[Tensor] = []
    certain: list[Tensor] = []
    for first in range(0, len(inputs), AT_ONCE):
        part = made.chosen(inputs, np.arange(first, min(first + AT_ONCE, len(inputs))))
        fed = judge.preprocess(part)
        with as_used(judge.model), torch.inference_mode(), watched.watching():
            judge.model(*(fed if isinstance(fed, tuple) else (fed,)))
        if watched.value is None or len(watched.value) != len(part):
            raise ConfigError(
                f"--judge {judge.folder}: its network has no last layer whose input is one vector per row"
            )
        features.append(watched.value.cpu())
        if judge.schema.target.has_classes:
            probable = torch.from_numpy(judge.predict_proba(part)).max(1)
            classes.append(probable.indices)
            certain.append(probable.values.float())
        tick(label, min(first + AT_ONCE, len(inputs)), len(inputs))
    return Seen(
        features=torch.cat(features),
        classes=torch.cat(classes) if classes else torch.zeros(0, dtype=torch.int64),
        certain=torch.cat(certain) if certain else torch.zeros(0),
        layer=watched.name,
    )


def as_given(plain: Any, schema: Schema) -> Any:
    """Inputs on the data's own scale in a form that nobody can take for another: images (N, H, W, C)."""
    if schema.input.has_planes and isinstance(plain, np.ndarray) and plain.ndim == 3:
        return plain[..., None]
    return plain


def _inputs(schema: Schema) -> str:
    return f"{schema.input.kind} of shape {'x'.join(map(str, schema.input.shape))}"
