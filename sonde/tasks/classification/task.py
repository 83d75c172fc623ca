"""Classification: one of several classes per row, one of two, or any number of labels."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.losses import classification as losses
from sonde.losses.perceptron import one_against_rest, perceptron
from sonde.metrics.classification import ClassificationMeter
from sonde.metrics.labels import LabelsMeter
from sonde.tasks.classification.config import ClassificationConfig
from sonde.tasks.supervised import (
    Each,
    by_row,
    mean_loss,
    objective,
    own_loss,
    own_loss_by_row,
    terms,
    wide,
    with_auxiliary,
)

# B rows, K members of an ensemble, O outputs of the model, C classes, L labels


class Classification:
    """Trains and evaluates one model on classes or labels, as the target says.

    Models output one logit for two classes, else one per class or label: (B, O), or (B, K, O) from an ensemble, whose
    members are trained each by itself and evaluated by their mean probability.
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: ClassificationConfig,
        *,
        class_counts: Sequence[int] | None = None,
        monitor: str | None = None,
        loss: Callable[..., Any] | None = None,
    ) -> None:
        """class_counts: training rows per class, needed to train with balanced weights.
        loss: a function of logits (B, C) and classes (B,), or (B, L) both of labels, to train by instead of the config's

        Raises: ConfigError when the target has no classes, a setting does not suit it, or `monitor` is not a metric
        """
        _check(target, config)
        self.modules = nn.ModuleDict({"model": model})
        self.target, self.config = target, config
        self.names = target.names
        self.kind = "labels" if target.kind == "labels" else "binary" if target.out_dim == 1 else "classes"
        self.thresholds = [0.5 if config.threshold == "auto" else config.threshold]
        self.thresholds *= len(self.names) if self.kind == "labels" else 1
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[model]),)
        self.objective: Objective = objective(*_metrics(self.kind, len(self.names), config), monitor)
        self.abilities = Abilities(
            trivial_baseline=self.trivial_baseline, tune_threshold=self.tune_threshold, answers=_answers
        )
        self._own = loss
        self._each = _each(self.kind, config)
        self._mean = partial(F.cross_entropy, label_smoothing=config.label_smoothing)
        self._fused = self.kind == "classes" and config.loss == "cross-entropy" and not config.class_weights
        self._weights = _weights(config, class_counts)

    def loss(self, batch: Batch) -> Loss:
        """The mean over rows (or unmasked labels), weighted where classes are; what micro-batches scale by comes with it."""
        return with_auxiliary(self.modules["model"](*batch.fed()), partial(self._loss_of, batch))

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: logp (B, C), or odds (B, L) with the mask there is; target; loss and its weight of each row."""
        logits = self._evaluation_logits(batch)
        if self._own is None:
            found = by_row(*self._terms(batch, logits))
        else:
            found = own_loss_by_row(self._own, self._by_class(logits), batch)
        found["target"] = batch["target"]
        if self.kind != "labels":
            return {**found, "logp": self._logp(logits)}
        if "mask" in batch:
            found["mask"] = batch["mask"]
        logp = self._logp(logits)  # (B, L, 2)
        return {**found, "odds": logits if logits.ndim == 2 else logp[..., 1] - logp[..., 0]}

    def meter(self) -> Meter:
        """A fresh one, with the current thresholds."""
        probabilistic = self.config.loss != "perceptron"
        if self.kind == "labels":
            return LabelsMeter(self.names, thresholds=self.thresholds, probabilistic=probabilistic)
        return ClassificationMeter(self.names, threshold=self.thresholds[0], probabilistic=probabilistic)

    def tune_threshold(self, meter: Meter) -> None:
        """Let a validation choose what it is to choose: with --threshold auto, the threshold of the best F1."""
        if self.config.threshold != "auto":
            return
        if isinstance(meter, LabelsMeter):
            self.thresholds = list(meter.choose_threshold())
        elif isinstance(meter, ClassificationMeter):
            self.thresholds = [meter.choose_threshold()]

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"probs": (B, C), or (B, L) for labels}; a perceptron's scores are no probabilities: {"scores": (B, O)}."""
        logits = self._evaluation_logits(batch)
        if self.config.loss == "perceptron":
            return {"scores": logits if logits.ndim == 2 else logits.mean(1)}
        logp = self._logp(logits)
        return {"probs": (logp[..., 1] if self.kind == "labels" else logp).exp()}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per row: prediction, its probability and all probabilities by name; for labels a list of those called.

        Where there are scores instead of probabilities, they are called so.
        """
        one, all_ = ("score", "scores") if "scores" in outputs else ("probability", "probabilities")
        values = outputs[all_ if one == "score" else "probs"].detach().double().cpu()
        limits = torch.tensor(self.thresholds, dtype=torch.float64)
        limits = limits.logit() if one == "score" else limits
        rows = []
        for row in values:
            if self.kind == "labels":
                named = dict(zip(self.names, row.tolist(), strict=True))
                called = [name for name, flag in zip(self.names, (row >= limits).tolist(), strict=True) if flag]
                rows.append({"prediction": called, all_: named})
                continue
            if self.kind == "binary":
                place = int(row[-1] >= limits[0])
                row = torch.stack([-row[0], row[0]]) if len(row) == 1 else row
            else:
                place = int(row.argmax())
            named = dict(zip(self.names, row.tolist(), strict=True))
            rows.append({"prediction": self.names[place], one: float(row[place]), all_: named})
        return rows

    def trivial_baseline(
        self, known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor]
    ) -> tuple[str, dict[str, float]]:
        """Always the most frequent class, or each label as it is most often; as probable as it is frequent."""
        probabilistic = self.config.loss != "perceptron"
        target = evaluated["target"]
        answer: dict[str, Tensor] = {}
        if self.kind == "labels":
            counted = known["mask"] if "mask" in known else torch.ones_like(known["target"])
            share = torch.where(counted > 0, known["target"], 0).sum(0) / counted.sum(0).clamp(min=1)
            answer["odds"] = share.clamp(0.5 / len(counted), 1 - 0.5 / len(counted)).logit().expand(len(target), -1)
            meter: Meter = LabelsMeter(self.names, probabilistic=probabilistic)
            what = "always predicting the most frequent value of each label"
        else:
            counts = torch.bincount(known["target"], minlength=len(self.names)).double().clamp(min=0.5)
            answer["logp"] = (counts / counts.sum()).log().expand(len(target), -1)
            meter = ClassificationMeter(self.names, probabilistic=probabilistic)
            most = len(counts) - 1 - int(counts.flip(0).argmax()) if self.kind == "binary" else int(counts.argmax())
            what = f"always predicting {self.names[most]}"
        meter.update({**evaluated, **answer, "loss": torch.zeros(len(target))}, torch.arange(len(target)))
        return what, {name: value for name, value in meter.compute().items() if name != "loss"}

    def state_dict(self) -> dict[str, Any]:
        """The thresholds, which a validation may have chosen."""
        return {"thresholds": list(self.thresholds)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Evaluate at saved thresholds."""
        self.thresholds = [float(threshold) for threshold in state["thresholds"]]

    def _evaluation_logits(self, batch: Batch) -> Tensor:
        """Logits (B, O), or (B, K, O) of members; of an image and its horizontal flip two. Raises: ConfigError."""
        logits = wide(self.modules["model"](*batch.fed()))
        if not self.config.mirrored:
            return logits
        if batch["input"].ndim != 4:
            raise ConfigError("--mirrored needs image inputs; leave it out")
        other = wide(self.modules["model"](batch["input"].flip(-1)))
        return torch.cat([each if each.ndim == 3 else each[:, None] for each in (logits, other)], 1)

    def _by_class(self, logits: Tensor) -> Tensor:
        """A logit of each class or label, also where the model has one for two classes: that of the first is then 0."""
        return logits if self.kind != "binary" else torch.cat([torch.zeros_like(logits), logits], -1)

    def _loss_of(self, batch: Batch, outputs: Tensor) -> Loss:
        logits = wide(outputs)
        if self._own is not None:
            return own_loss(self._own, self._by_class(logits), batch)
        if self._fused and logits.ndim == 2 and len(batch.fields) == 2:  # nothing mixed, nothing masked: one kernel
            return Loss(self._mean(logits, batch["target"]), len(batch))
        if self.config.class_weights and self._weights is None:
            raise ConfigError("--class-weights balanced needs the number of training rows of each class; give numbers")
        each, weight = self._terms(batch, logits)
        return mean_loss(each, weight, len(batch))

    def _logp(self, logits: Tensor) -> Tensor:
        """Log-probabilities (B, C), or (B, L, 2) for labels, averaged in probability over members."""
        if self.kind == "classes":
            logp = logits.log_softmax(-1)
        else:
            logit = logits if self.kind == "labels" else logits.squeeze(-1)
            logp = torch.stack([F.logsigmoid(-logit), F.logsigmoid(logit)], -1)
        if logits.ndim == 2:
            return logp
        return logp.logsumexp(1) - torch.log(torch.tensor(logits.shape[1], dtype=logp.dtype))

    def _terms(self, batch: Batch, logits: Tensor) -> tuple[Tensor, Tensor | None]:
        each, weight = terms(batch, logits, self._each, None if self._weights is None else self._weigh)
        if self.config.loss == "perceptron" and each.ndim == 2:  # summed over outputs: see losses/perceptron.py
            return (each if weight is None else each * weight).sum(1), None
        return each, weight

    def _weigh(self, target: Tensor) -> Tensor:
        """(B,) for classes; for labels (B, L), a label's weight whether it is true or not."""
        assert self._weights is not None
        if self._weights.device != target.device:
            with torch.inference_mode(False):  # it is trained with as well
                self._weights = self._weights.to(target.device)
        return self._weights.expand(len(target), -1) if self.kind == "labels" else self._weights[target]


def _answers(outputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Logits (B, C) and classes (B,), or (B, L) both of labels."""
    return outputs["odds" if "odds" in outputs else "logp"], outputs["target"]


def _check(target: TargetSpec, config: ClassificationConfig) -> None:
    if target.kind == "value":
        raise ConfigError(
            f"task classification needs classes, and the targets ({', '.join(target.names[:3])}) are real numbers; use "
            "--task regression"
        )
    if target.kind == "class" and len(target.names) < 2:
        raise ConfigError(f"task classification needs two classes or more, and there is only {''.join(target.names)!r}")
    if config.threshold != 0.5 and target.kind == "class" and len(target.names) > 2:
        raise ConfigError(f"--threshold is for two classes or for labels, and there are {len(target.names)} classes")
    if config.class_weights == ("balanced",) and target.kind == "labels":
        raise ConfigError("--class-weights balanced is for one class per row; for labels give one number per label")
    numbers = () if config.class_weights == ("balanced",) else config.class_weights
    if numbers and len(numbers) != len(target.names):
        what = "label" if target.kind == "labels" else "class"
        raise ConfigError(
            f"--class-weights takes one number per {what}: {len(numbers)} were given for "
            f"{len(target.names)} ({', '.join(target.names[:5])}{', …' if len(target.names) > 5 else ''})"
        )


def _metrics(kind: str, num_names: int, config: ClassificationConfig) -> tuple[str, dict[str, Literal["max", "min"]]]:
    """(the metric that chooses by itself, every metric with its direction)."""
    if kind == "labels":
        own, more = "average_precision", ["average_precision", "auroc", "macro_f1", "label_accuracy", "subset_accuracy"]
    else:
        own, more = "accuracy", ["accuracy", "balanced_accuracy", "macro_f1", "auroc"]
        more += ["f1", "average_precision"] if kind == "binary" else ["top5_accuracy"] if num_names > 5 else []
    less = ["loss"] if config.loss == "perceptron" else ["loss", "log_loss", "ece"]
    return own, {**dict.fromkeys(more, "max"), **dict.fromkeys(less, "min")}


def _weights(config: ClassificationConfig, counts: Sequence[int] | None) -> Tensor | None:
    if config.class_weights == ("balanced",):
        return None if counts is None else losses.balanced_weights(torch.tensor(counts))
    numbers = [float(weight) for weight in config.class_weights]
    return torch.tensor(numbers) if numbers else None


def _each(kind: str, config: ClassificationConfig) -> Each:
    """The loss of each row, or of each label."""
    if kind == "classes":
        match config.loss:
            case "cross-entropy":
                return partial(losses.cross_entropy, smoothing=config.label_smoothing)
            case "focal":
                return partial(losses.focal, gamma=config.focal_gamma)
            case "squared-error":
                return losses.squared_error
            case "perceptron":
                return lambda logits, target: perceptron(logits, one_against_rest(target, logits.shape[1])).sum(1)
    by_output = _sigmoid_loss(config)
    if kind == "labels":
        return by_output
    return lambda logits, target: by_output(logits.squeeze(1), target.to(logits.dtype))


def _sigmoid_loss(config: ClassificationConfig) -> Each:
    match config.loss:
        case "cross-entropy":
            return partial(losses.binary_cross_entropy, smoothing=config.label_smoothing)
        case "focal":
            return partial(losses.binary_focal, gamma=config.focal_gamma)
        case "squared-error":
            return losses.binary_squared_error
        case "perceptron":
            return lambda logits, target: perceptron(logits, target * 2 - 1)
