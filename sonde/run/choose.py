"""Which task and model suit a dataset, and with which settings: every choice with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from sonde.core.catalogue import load
from sonde.core.config import FeedConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import ConfigError
from sonde.modalities.catalogue import modality
from sonde.models.build import absolute
from sonde.models.suitable import check_input, instead, suitable
from sonde.models.table import MODELS
from sonde.tasks.spec import TaskSpec
from sonde.tasks.table import OF_A_ROW, for_target, refuse_exclusive, spec, specs


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """settings: leaf name -> (value, why)."""

    task: str
    model: str
    settings: Mapping[str, tuple[Any, str]]


def choose_task(dataset: Dataset, requested: str | None) -> tuple[str, str]:
    """(task, why). Raises: ConfigError where no task is suggested by such targets, or what is requested cannot learn from them"""
    if requested is not None:
        _check_targets(dataset, requested)
        return requested, "typed"
    if dataset.suggestion:
        return dataset.suggestion, f"{dataset.form} imply it"
    found = for_target(dataset.schema.target)
    return found, spec(found).suggests[dataset.schema.target.kind]


def _check_targets(dataset: Dataset, requested: str) -> None:
    """Raises: ConfigError for a task that is trained on another kind of target than the data have.

    Of rows that have one answer each, the task itself says best what it needs of them.
    """
    chosen, target = spec(requested), dataset.schema.target
    if chosen.suits(target) or (set(chosen.targets) & OF_A_ROW and target.kind in OF_A_ROW):
        return
    refuse_exclusive(chosen, target)
    task, _ = choose_task(dataset, None)
    seen = spec(task).suggests.get(target.kind, spec(task).summary)
    needs = f"predicts {chosen.summary}, which these data do not have"
    if not chosen.labels:
        needs = f"learns from {' or '.join(chosen.inputs.values())} without labels, and these data are others"
    raise ConfigError(f"task {requested} {needs}: {seen}; leave --task {requested} out for {task}")


def choose_model(dataset: Dataset, requested: str | None, task: str | None = None) -> tuple[str, str]:
    """(model, why). task: by default the one that the targets suggest. Raises: ConfigError for an unknown task"""
    if requested is not None:
        return absolute(requested), "typed"
    chosen = spec(task or for_target(dataset.schema.target))
    if chosen.model:
        return chosen.model if isinstance(chosen.model, tuple) else load(chosen.model)(dataset)
    return _modality_recipe(dataset.schema.input.kind).model(dataset)


def choose(dataset: Dataset, *, task: str, model: str) -> Recipe:
    """The tuned defaults for this data, task and model.

    Raises: ConfigError for data that the task cannot learn from, or a model with another kind of output
    """
    kind, chosen = dataset.schema.input.kind, spec(task)
    if chosen.inputs and kind not in chosen.inputs:
        words = " or ".join(chosen.inputs.values())
        able = [one for one in specs() if one.generates and kind in one.inputs] if chosen.generates else []
        remedy = f"leave --task {task} out"
        if able:
            remedy = f"--task {' or --task '.join(one.name for one in able)} makes {able[0].inputs[kind]}"
        raise ConfigError(f"task {task} learns from {words}, and this data is of kind {kind!r}; {remedy}")
    if _asks_of_the_model(chosen, dataset):  # else the task itself says best what is wrong
        check_answer(task, model, kind, read_as=dataset.schema.input.read_as)
    settings = dict(_settings(dataset, chosen, model))
    rows = len(dataset.splits["train"])
    if settings.get("batch_size", (FeedConfig.batch_size, ""))[0] > rows:
        settings["batch_size"] = (rows, "there are no more training rows")
    return Recipe(task=task, model=model, settings=settings)


def check_answer(task: str, model: str, kind: str, *, read_as: str = "") -> None:
    """Raises: ConfigError when a model of the catalogue takes another input or gives another output than is needed.

    read_as: another kind whose models take such inputs too (`InputSpec`)
    """
    needed = spec(task).answers
    check_input(model, kind, needed.name, read_as=read_as)
    if model not in MODELS or needed.name in (MODELS[model].answers, *MODELS[model].also):
        return
    given = next(
        (one.answers.words for one in specs() if one.answers.name == MODELS[model].answers), MODELS[model].answers
    )
    fitting = suitable(kind, needed.name, read_as=read_as)
    raise ConfigError(f"--model {model} gives {given}, and task {task} needs {needed.words}{instead(fitting)}")


def _asks_of_the_model(chosen: TaskSpec, dataset: Dataset) -> bool:
    """Whether the task can be trained on the targets, so that a model that does not fit is what is wrong."""
    suggested = spec(for_target(dataset.schema.target))
    if chosen.name in (dataset.suggestion, suggested.name):
        return True
    return not chosen.labels and not suggested.exclusive


def _settings(dataset: Dataset, chosen: TaskSpec, model: str) -> Mapping[str, tuple[Any, str]]:
    if chosen.settings:
        return load(chosen.settings)(dataset, model)
    return _modality_recipe(dataset.schema.input.kind).settings(dataset, model)


def _modality_recipe(kind: str) -> Any:
    """The module with `model(dataset)` and `settings(dataset, model)` that serves tasks without a recipe of their own."""
    return import_module(modality(kind).recipe)
