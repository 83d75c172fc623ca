"""Which task and model suit a dataset, and with which settings: every choice with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sonde.core.config import FeedConfig
from sonde.core.dataset import Dataset
from sonde.models.catalogue import absolute
from sonde.models.entries import MODELS
from sonde.recipes import images, tables

SMALL_IMAGE = 64  # pixels: up to here the compact network and small stems apply


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
    from sonde.tasks.catalogue import for_target

    kinds = {"class": "each row has one of several classes", "labels": "each row has any of several labels"}
    return for_target(dataset.schema.target), kinds.get(dataset.schema.target.kind, "the targets are real numbers")


def choose_model(dataset: Dataset, asked: str | None) -> tuple[str, str]:
    """(model, why)."""
    if asked is not None:
        return absolute(asked), "typed"
    spec = dataset.schema.input
    if spec.kind == "image":
        if max(spec.shape[1:]) <= SMALL_IMAGE:
            return "compact-cnn", f"images of {spec.shape[1]}x{spec.shape[2]} pixels"
        return "resnet18", f"images of {spec.shape[1]}x{spec.shape[2]} pixels"
    if spec.kind == "table":
        return "tabular", "a table"
    return "mlp", "flat arrays of numbers"


def choose(dataset: Dataset, *, task: str, model: str) -> Recipe:
    """The tuned defaults for this data, task and model."""
    settings = dict(_settings(dataset, task, model))
    rows = len(dataset.splits["train"])
    if settings.get("batch_size", (FeedConfig.batch_size, ""))[0] > rows:
        settings["batch_size"] = (rows, "there are no more training rows")
    return Recipe(task=task, model=model, settings=settings)


def _settings(dataset: Dataset, task: str, model: str) -> Mapping[str, tuple[Any, str]]:
    if model == "perceptron" or model not in MODELS:  # a published rule, or a network that nothing here was tuned for
        return images.plain_settings(model if (model, task) == ("perceptron", "classification") else "lenet5")
    settings = images.settings(dataset, model) if dataset.schema.input.kind == "image" else tables.settings(dataset)
    if dataset.schema.input.kind != "image" and model != "tabular":
        settings = {**settings, **images.plain_settings(model)}
    return settings
