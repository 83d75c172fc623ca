"""The tasks by name: which suits a target, what its settings are, how to build one. Listing them imports nothing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_type_hints

from sonde.core.catalogue import resolve
from sonde.core.errors import ConfigError

if TYPE_CHECKING:
    from torch import nn

    from sonde.core.dataset import TargetSpec
    from sonde.core.seams import Task

TASKS: dict[str, str] = {
    "classification": "sonde.tasks.classification.task:Classification",
    "regression": "sonde.tasks.regression.task:Regression",
    "detection": "sonde.tasks.detection.task:Detection",
    "segmentation": "sonde.tasks.segmentation.task:Segmentation",
    "structure": "sonde.tasks.structure.task:Structure",
    "torsions": "sonde.tasks.torsions.task:Torsions",
    "inverse-folding": "sonde.tasks.inverse_folding.task:InverseFolding",
    "simclr": "sonde.tasks.simclr.task:SimCLR",
    "masked-autoencoder": "sonde.tasks.masked_autoencoder.task:MaskedAutoencoder",
    "forecasting": "sonde.tasks.forecasting.task:Forecasting",
    "masked-language-model": "sonde.tasks.masked_language_model.task:MaskedLanguageModel",
    "question-answering": "sonde.tasks.question_answering.task:QuestionAnswering",
    "language-model": "sonde.tasks.language_model.task:LanguageModel",
    "translation": "sonde.tasks.translation.task:Translation",
    "speech-recognition": "sonde.tasks.speech_recognition.task:SpeechRecognition",
}

SUMMARIES: dict[str, str] = {
    "classification": "one of several classes per row, yes or no, or any number of labels",
    "regression": "one or several real numbers per row",
    "detection": "any number of objects per image, each with a box and one of several classes",
    "segmentation": "one of several classes per pixel of an image",
    "structure": "how far apart the residues of a protein lie, from the residues",
    "torsions": "how the backbone of a protein is turned at each residue, from the residues",
    "inverse-folding": "the residues of a protein, from its backbone",
    "simclr": "features of images, learnt without labels: two views of an image are alike",
    "masked-autoencoder": "features of images, learnt without labels: hidden patches are told",
    "forecasting": "the steps of a time series that follow, with a band of quantiles on request",
    "masked-language-model": "features of text, learnt without labels: hidden tokens are told",
    "question-answering": "where in a text the answer to a question stands",
    "language-model": "the token that follows each of a text, and texts of its own",
    "translation": "a text in one language for each text in another",
    "speech-recognition": "what is said in a recording, letter by letter",
}

ANSWERS: dict[str, str] = {
    "classification": "row",
    "regression": "row",
    "detection": "boxes",
    "segmentation": "map",
    "structure": "structure",
    "torsions": "angles",
    "inverse-folding": "structure",
    "simclr": "row",
    "masked-autoencoder": "row",
    "forecasting": "horizon",
    "masked-language-model": "row",
    "question-answering": "span",
    "language-model": "next",
    "translation": "text",
    "speech-recognition": "frames",
}
"""What a model must answer for each task, in the words of `sonde.models.table`."""

_SUITS = {
    "none": "simclr",
    "class": "classification",
    "labels": "classification",
    "value": "regression",
    "mask": "segmentation",
    "boxes": "detection",
    "series": "forecasting",
    "distances": "structure",
    "torsions": "torsions",
    "residues": "inverse-folding",
    "span": "question-answering",
    "next": "language-model",
    "tokens": "translation",
}
WITHOUT_LABELS = ("simclr", "masked-autoencoder", "masked-language-model")  # they learn from inputs alone
COMPARES_VIEWS = ("simclr",)  # their batches hold two views of each input: see `sonde.augment.views`
PER_PLACE = {
    "mask": "masks",
    "boxes": "boxes",
    "distances": "distances",
    "torsions": "angles",
    "residues": "residues",
}  # kinds of targets that only their own task can be trained on


def config_class(name: str) -> type:
    """The frozen dataclass of the task's settings, whose fields are flags. Raises: ConfigError for an unknown task."""
    return get_type_hints(resolve("task", name, TASKS).__init__)["config"]


def for_target(target: "TargetSpec") -> str:
    """The task that suits a target's kind."""
    return _SUITS[target.kind]


def build(
    name: str,
    model: "nn.Module",
    target: "TargetSpec",
    config: Any | None = None,
    *,
    class_counts: Sequence[int] | None = None,
    monitor: str | None = None,
) -> "Task":
    """Task `name` around a model; without a config, the task's defaults.

    class_counts: training rows of each class, where a row has one class
    monitor:      the metric that chooses the best checkpoint, instead of the task's own
    Raises: ConfigError for an unknown task or metric (with the nearest), or a target or setting that does not suit the task
    """
    kind = resolve("task", name, TASKS)
    if target.kind in PER_PLACE and name != for_target(target):
        what = PER_PLACE[target.kind]
        raise ConfigError(f"task {name} gives one answer a row, and the targets are {what}; leave --task {name} out")
    config = config if config is not None else config_class(name)()
    return kind(model, target, config, class_counts=class_counts, monitor=monitor)
