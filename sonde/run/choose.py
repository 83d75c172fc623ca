"""Which task and model suit a dataset, and with which settings: every choice with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from sonde.core.config import FeedConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import ConfigError
from sonde.modalities.image import recipe as images
from sonde.modalities.table import recipe as tables
from sonde.models.build import absolute
from sonde.models.entry import Entry
from sonde.models.table import MODELS
from sonde.tasks import self_supervised_recipe as self_supervised
from sonde.tasks.detection import recipe as detection
from sonde.tasks.segmentation import recipe as segmentation
from sonde.tasks.table import ANSWERS, PER_PLACE, WITHOUT_LABELS, for_target

SMALL_IMAGE = 64  # pixels: up to here the compact network and small stems apply
LISTED = 5  # models in an error
ANSWER_WORDS = {
    "row": "one answer an input",
    "map": "an answer for every pixel",
    "boxes": "boxes",
    "next": "the token after each",
    "text": "a text",
    "frames": "a symbol for every frame",
    "span": "where an answer stands",
    "horizon": "the steps that follow",
    "structure": "an answer for every residue",
    "angles": "how each residue is turned",
}
NUMBERS = ("image", "table", "array")  # kinds of input that models of numbers take

OF_TASK: dict[str, str] = {
    "forecasting": "sonde.tasks.forecasting.recipe",
    "question-answering": "sonde.tasks.question_answering.recipe",
    "masked-language-model": "sonde.tasks.masked_language_model.recipe",
    "language-model": "sonde.tasks.language_model.recipe",
    "translation": "sonde.tasks.translation.recipe",
    "structure": "sonde.modalities.protein.recipe",
    "torsions": "sonde.modalities.protein.recipe",
    "inverse-folding": "sonde.modalities.protein.recipe",
}
"""Tasks with a recipe of their own: a module with `model(dataset)` and `settings(dataset, model)`."""

OF_INPUT: dict[str, str] = {
    "tokens": "sonde.modalities.text.recipe",
    "molecule": "sonde.modalities.molecule.recipe",
    "audio": "sonde.modalities.audio.recipe",
}
"""Kinds of sequences with such a module, for tasks that suit any input."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """settings: leaf name -> (value, why)."""

    task: str
    model: str
    settings: Mapping[str, tuple[Any, str]]


def choose_task(dataset: Dataset, asked: str | None) -> tuple[str, str]:
    """(task, why)."""
    if asked is not None:
        return asked, "typed"
    if dataset.suggestion:
        return dataset.suggestion, f"{dataset.form} imply it"
    kinds = {
        "class": "each row has one of several classes",
        "labels": "each row has any of several labels",
        "boxes": "objects are marked by boxes",
        "span": "answers stand in a text",
        "mask": "every pixel has one of several classes",
        "series": "rows stand at even steps of time",
        "next": "a text is to be continued",
    }
    return for_target(dataset.schema.target), kinds.get(dataset.schema.target.kind, "the targets are real numbers")


def choose_model(dataset: Dataset, asked: str | None, task: str | None = None) -> tuple[str, str]:
    """(model, why). task: where it is known, since some need a network of a kind."""
    if asked is not None:
        return absolute(asked), "typed"
    if (own := _own_recipe(dataset, task)) is not None:
        return own.model(dataset)
    if task == "masked-autoencoder":
        return "vit-tiny-16", "a small network that reads patches"
    spec = dataset.schema.input
    if dataset.schema.target.kind == "boxes":
        return "detector-tiny", "objects are to be found in images"
    if dataset.schema.target.kind == "mask":
        return "unet-small", "a class for every pixel, and few enough channels for a CPU"
    if spec.kind == "image":
        if max(spec.shape[1:]) <= SMALL_IMAGE:
            return "compact-cnn", f"images of {spec.shape[1]}x{spec.shape[2]} pixels"
        return "resnet18", f"images of {spec.shape[1]}x{spec.shape[2]} pixels"
    if spec.kind == "table":
        return "tabular", "a table"
    return "mlp", "flat arrays of numbers"


def choose(dataset: Dataset, *, task: str, model: str) -> Recipe:
    """The tuned defaults for this data, task and model. Raises: ConfigError for a model that gives another kind of answer."""
    kind = dataset.schema.target.kind
    own = task in (dataset.suggestion, for_target(dataset.schema.target))
    suits = own or (task in WITHOUT_LABELS and kind not in PER_PLACE)
    if suits:  # else the task itself says best what is wrong
        check_answer(task, model, dataset.schema.input.kind)
    settings = dict(_settings(dataset, task, model))
    rows = len(dataset.splits["train"])
    if settings.get("batch_size", (FeedConfig.batch_size, ""))[0] > rows:
        settings["batch_size"] = (rows, "there are no more training rows")
    return Recipe(task=task, model=model, settings=settings)


def check_answer(task: str, model: str, kind: str = "image") -> None:
    """Raises: ConfigError when a model of the catalogue reads or answers with something else than is needed."""
    needed = ANSWERS.get(task)
    if model not in MODELS:
        return
    fitting = [
        name for name, entry in MODELS.items() if needed in (None, entry.answers, *entry.also) and _reads(entry, kind)
    ]
    fitting.sort(key=lambda name: MODELS[name].takes != kind)  # what was made for such data first
    if not _reads(MODELS[model], kind):
        what = "numbers" if MODELS[model].takes == "numbers" else f"data of kind {MODELS[model].takes}"
        raise ConfigError(
            f"--model {model} reads {what}, and this data is of kind {kind}; take {', '.join(fitting[:LISTED])}"
        )
    if needed in (None, MODELS[model].answers, *MODELS[model].also):
        return
    raise ConfigError(
        f"--model {model} gives {ANSWER_WORDS[MODELS[model].answers]}, and task {task} needs {ANSWER_WORDS[needed]}; take "
        f"{', '.join(fitting[:LISTED])}" + " … (sonde models lists all)" * (len(fitting) > LISTED)
    )


def _reads(entry: Entry, kind: str) -> bool:
    return kind in NUMBERS if entry.takes == "numbers" else kind == entry.takes or kind in entry.reads


def _own_recipe(dataset: Dataset, task: str | None) -> Any:
    """The module that advises on a task, or on a kind of input; None where this one does."""
    name = OF_TASK.get(task or "") or OF_INPUT.get(dataset.schema.input.kind)
    return None if name is None else import_module(name)


def _settings(dataset: Dataset, task: str, model: str) -> Mapping[str, tuple[Any, str]]:
    if (own := _own_recipe(dataset, task)) is not None:
        return own.settings(dataset, model)
    if task == "detection":
        return detection.settings(dataset, model)
    if task == "segmentation":
        return segmentation.settings(dataset)
    if task in WITHOUT_LABELS:
        return self_supervised.settings(dataset, task)
    if model == "perceptron" or model not in MODELS:  # a published rule, or a network that nothing here was tuned for
        return images.plain_settings(model if (model, task) == ("perceptron", "classification") else "lenet5")
    settings = images.settings(dataset, model) if dataset.schema.input.kind == "image" else tables.settings(dataset)
    if dataset.schema.input.kind != "image" and model != "tabular":
        settings = {**settings, **images.plain_settings(model)}
    return settings
