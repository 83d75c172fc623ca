"""From what was typed, what a file says, what the recipe advises and the defaults to one config: pure, and run once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch

from sonde.core.bounds import flag
from sonde.core.called_elsewhere import CALLED, called_here, otherwise
from sonde.core.config import TrainConfig, replace_leaves
from sonde.core.config_file import SavedConfig
from sonde.core.errors import ConfigError, nearest, unknown
from sonde.core.given_object import TAKES, GivenObject, text_of
from sonde.core.overrides import ELSEWHERE, Overrides
from sonde.modalities import settings
from sonde.models.build import config_class as model_config_class
from sonde.models.renamed import refuse_old_name, with_new_names
from sonde.models.table import MODELS, Entry
from sonde.optim.custom import SETTINGS, class_of, defaults, torch_classes
from sonde.optim.usual import OWN_DEFAULTS, USUAL_RATE, Kind, usual_rate
from sonde.run.choose import Recipe
from sonde.run.environment_steps import derived_origin, in_words, refuse_both, updates_of, with_updates
from sonde.tasks.table import by_itself, spec, specs

OWNERS = 4  # tasks and models that have a setting, which are named
CUSTOM_MODULE = "custom"  # the name of a model that was handed over as a module

Advice = Mapping[str, tuple[Any, str]]
"""Leaf name -> (value, why)."""

SIMILAR_OPTIMISERS = (
    {"adam", "adamw"},
    {"momentum", "nesterov"},
)  # optimisers for which a rate tuned for one of them serves the others
DECOUPLED = {"adamw", "muon"}  # what they call weight decay is a penalty elsewhere
PARAMETERS = ("model", "task", "loss", "observers")  # of `sonde.train` and `sonde.fit`, which are no settings
OVERFIT_STEPS = 200  # updates in which a network that can learn at all has memorised a batch


@dataclass(frozen=True, kw_only=True)
class NoSettings:
    """A custom module or task has no settings here."""


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A config with the origin of every leaf ("typed", "file", "recipe" or "default") and the recipe's reasons."""

    config: TrainConfig
    origin: Mapping[str, str]
    reasons: Mapping[str, str]


def unknown_setting(
    name: str, known: Iterable[str], *, custom_task: bool, or_own: str = "", task: str | None = None
) -> ConfigError:
    """The error for a setting that there is not: with the name that it has here, where others call it so.

    or_own: what was chosen, "task vae or model autoencoder-mlp"; "" for a network of the caller's own, and task its task
    """
    known = list(known)
    if custom_task and name in ("model", "task"):
        return ConfigError(f"{name}= is for sonde.train; here the network or task is the first argument")
    if name in ELSEWHERE:
        return ConfigError(f"there is no {name}=; {ELSEWHERE[name]}")
    if or_own and (owners := _owners(name)):
        here = called_here(name, known)
        meant = f"; did you mean {' or '.join(map(flag, here))}?" if here else by_itself(task, name)
        return ConfigError(f"{flag(name)} is a setting of {_some(owners)}, not of {or_own}{meant}")
    if here := called_here(name, [*known, *PARAMETERS]):
        return ConfigError(
            f"unknown setting {name!r}; here it is called {' or '.join(f'{one!r}{otherwise(name, one)}' for one in here)}"
        )
    if or_own and (found := [(here, owners) for here in CALLED.get(name, ()) if (owners := _owners(here))]):
        here, owners = found[0]
        return ConfigError(
            f"unknown setting {name!r}; here it is called {here!r}{otherwise(name, here)}, a setting of {_some(owners)}, "
            f"not of {or_own}"
        )
    if nearest(name, known):
        return unknown("setting", name, known)
    return ConfigError(f"unknown setting {name!r}; help(sonde.{'fit' if custom_task else 'train'}) lists all")


def _some(owners: Sequence[str]) -> str:
    more = f" and {len(owners) - OWNERS} more" if len(owners) > OWNERS else ""
    return f"{', '.join(owners[:OWNERS])}{more}"


def _owners(name: str) -> list[str]:
    """The tasks and models that have a setting: "task gan" and so on."""
    tasks = [f"task {each.name}" for each in specs() if name in {entry.name for entry in fields(each.config)}]
    return tasks + [
        f"model {model}" for model in MODELS if name in {entry.name for entry in fields(model_config_class(model))}
    ]


def resolve(overrides: Overrides, recipe: Recipe, *, custom_task: bool = False) -> Resolved:
    """Typed values win over the file's, those over the recipe's, those over the defaults.

    custom_task: whether the task is a custom one, which has no settings here
    Raises: ConfigError for a setting that neither Sonde, nor the model, nor the task knows
    """
    model_kind = NoSettings if recipe.model == CUSTOM_MODULE else model_config_class(recipe.model)
    task_kind = NoSettings if custom_task else spec(recipe.task).config
    model_names = {entry.name for entry in fields(model_kind)}
    task_names = {entry.name for entry in fields(task_kind)}
    general = settings.leaves().keys()
    for owner, names in ((f"model {recipe.model}", model_names), (f"task {recipe.task}", task_names)):
        settings.refuse_clash(owner, names)
    if both := sorted(model_names & task_names):
        raise ConfigError(
            f"model {recipe.model} and task {recipe.task} both have a setting {both[0]!r}; rename the model's"
        )
    known = general | model_names | task_names
    for name in overrides.values:
        if name not in known:
            refuse_old_name(name, recipe.model)
            own = recipe.model == CUSTOM_MODULE
            chosen, task = ("", None) if own else (f"task {recipe.task} or model {recipe.model}", recipe.task)
            raise unknown_setting(name, known, custom_task=custom_task, or_own=chosen, task=task)
    left = (("augment", "auto"), ("lr", None), ("optimizer", None), ("schedule", None))  # to choose nothing
    typed = {name: value for name, value in overrides.values.items() if (name, value) not in left}
    if (rest := str(typed.get("augment", ""))).startswith("auto,"):  # the recipe's, and samples of a run
        of_recipe = str(recipe.settings.get("augment", ("none", ""))[0])
        typed["augment"] = ",".join(part for part in (of_recipe, rest.removeprefix("auto,")) if part != "none")
    # what recipes know of models is said of the shipped ones: a parameter of a custom one keeps its default
    advisable = known - model_names if ".py:" in recipe.model else known
    kind = kind_of(MODELS[recipe.model]) if recipe.model in MODELS else "unknown"
    advice = fitting({name: entry for name, entry in recipe.settings.items() if name in advisable}, typed, kind)
    advised = {name: value for name, (value, _) in advice.items()}
    merged = advised | typed
    config = TrainConfig(
        model=recipe.model,
        task=recipe.task,
        **settings.built(merged),
        model_config=replace_leaves(model_kind, {n: v for n, v in merged.items() if n in model_names}),
        task_config=replace_leaves(task_kind, {n: v for n, v in merged.items() if n in task_names}),
    )
    if config.loop.environment_steps is not None and not custom_task:
        refuse_both(name for name, where in overrides.origin.items() if where in ("typed", "file"))
        config = with_updates(config)
    origin = {name: "recipe" if name in advised else "default" for name in known}
    origin |= {name: where for name, where in overrides.origin.items() if name in typed or name not in known}
    reasons = {name: why for name, (_, why) in advice.items() if origin[name] == "recipe"}
    if not custom_task and (taken := updates_of(config)) is not None:
        origin |= derived_origin(config)
        reasons["steps"] = in_words(taken)
    return Resolved(config=config, origin=origin, reasons=reasons)


def kind_of(model: Entry) -> Kind:
    """The kind of a network of ours, by which optimisers have their rate: symbols that are no sound are embedded."""
    return "symbols" if model.symbols and not model.rate else "numbers"


def fitting(advice: Advice, typed: Mapping[str, Any], kind: Kind = "unknown") -> Advice:
    """A recipe's advice without what was meant for another choice than the one that was typed.

    kind: of the network, by which some optimisers have their rate
    >>> fitting({"optimizer": ("muon", "tuned"), "lr": (0.02, "tuned")}, {"optimizer": "adam"})["lr"]
    (0.001, 'usual for adam; the recipe tuned 0.02 for muon')
    """
    entries = dict(advice)
    if batches := typed.get("overfit_batches"):
        entries = overfitting(entries, batches)
    if any(typed.get(name) is not None for name in ("epochs", "steps", "environment_steps", "time_limit")):
        entries.pop("epochs", None)  # a length is given, perhaps in another unit
    entries = _of_torchs(entries, typed, kind)
    chosen, tuned = typed.get("optimizer"), advice["optimizer"][0] if "optimizer" in advice else None
    if (
        chosen in USUAL_RATE
        and tuned is not None
        and not any({chosen, tuned} <= group for group in (*SIMILAR_OPTIMISERS, {tuned}))
    ):
        if "lr" in entries:
            entries["lr"] = (
                usual_rate(str(chosen), kind),
                f"usual for {chosen}; the recipe tuned {entries['lr'][0]:g} for {tuned}",
            )
        if (chosen in DECOUPLED) != (tuned in DECOUPLED):
            entries.pop("weight_decay", None)
    if chosen != tuned:
        entries = _with_own_defaults(entries, chosen, kind)
    if "flip" not in str(typed.get("augment", "flip")):
        entries.pop("mirrored", None)  # whoever trains on no mirror images may have classes that those are not of
    if typed.get("loss", "cross-entropy") != "cross-entropy":
        entries.pop("label_smoothing", None)  # refused beside any other loss
    if typed.get("loss", entries.get("loss", ("",))[0]) == "perceptron":
        entries.pop("monitor", None)  # may name a metric of probabilities, and there are none
    return entries


def _with_own_defaults(entries: dict[str, tuple[Any, str]], chosen: Any, kind: Kind) -> dict[str, tuple[Any, str]]:
    """Advice with what an optimiser of ours that was named has for itself."""
    if chosen not in USUAL_RATE:
        return entries
    own = {name: (value, f"{chosen}'s own default") for name, value in OWN_DEFAULTS.get(chosen, {}).items()}
    return {"lr": (usual_rate(chosen, kind), f"usual for {chosen}"), **entries, **own}


def _of_torchs(advice: Advice, typed: Mapping[str, Any], kind_of_network: Kind) -> dict[str, tuple[Any, str]]:
    """Advice for an optimiser or schedule that is not ours: what a recipe tuned for another gives way to its own defaults."""
    entries, chosen = dict(advice), typed.get("optimizer")
    if isinstance(chosen, GivenObject) or chosen in torch_classes():
        entries = {name: entry for name, entry in entries.items() if name not in SETTINGS}
        kind, why = class_of(chosen), f"{chosen}'s own default"
        entries |= {"lr": (None, f"set by optimizer={chosen}")} if kind is None else {}
        entries |= {name: (value, why) for name, value in ({} if kind is None else defaults(kind)).items()}
        if isinstance(chosen, str) and (rate := usual_rate(chosen, kind_of_network)) is not None:
            entries["lr"] = (rate, f"usual for {chosen}")
        if getattr(kind, "func", kind) is torch.optim.LBFGS:
            entries = {name: entry for name, entry in entries.items() if name not in ("clip", "clip_value")}
    if isinstance(typed.get("schedule"), GivenObject) or typed.get("schedule") == "plateau":
        entries = {
            name: entry for name, entry in entries.items() if name not in ("warmup", "lr_floor", "step_size", "decay")
        }
    return entries


def overfitting(advice: Advice, batches: int) -> dict[str, tuple[Any, str]]:
    """Settings for overfitting a few batches: enough updates, and no regularisation."""
    why = "to overfit a few batches"
    against = ("ema", "label_smoothing", "weight_decay", "dropout", "monitor")
    entries = {name: entry for name, entry in advice.items() if name not in against}
    epochs = max(1, OVERFIT_STEPS // batches)
    more = {"epochs": epochs, "evaluate_every": max(1, epochs // 10), "augment": "none"}
    return entries | {name: (value, why) for name, value in more.items()}


def settled(saved: SavedConfig) -> TrainConfig:
    """The config a run folder's config.yaml holds, every leaf as it was.

    Raises: ConfigError when a setting is not known to this version, or the network is one that only the user's program builds
    """
    if saved.settings.get("model") == CUSTOM_MODULE:
        raise ConfigError(
            "the network of this run is a custom module, which only your program can build; make the same call "
            "again with out= this folder, or to use its weights: sonde.load(folder, model=your_network)"
        )
    saved = with_new_names(saved)
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in saved.settings.items()}
    values |= {name: _object_again(name, values[name]) for name in TAKES if name in values}
    model, task = str(values.pop("model")), str(values.pop("task"))
    values = {**spec(task).formerly, **values}
    overrides = Overrides(values=values, origin=dict(saved.origin), model=model, task=task, leftover=())
    return resolve(overrides, Recipe(task=task, model=model, settings={})).config


def _object_again(name: str, value: Any) -> Any:
    """A name as it is, and a class of torch's from its text. Raises: ConfigError for what only the user's program can make"""
    if isinstance(value, GivenObject):
        return value
    text = str(value)
    place, _, leaf = text.rpartition(".")
    if not place and "(" not in text:
        return text
    rooms = {"torch.optim": torch.optim, "torch.optim.lr_scheduler": torch.optim.lr_scheduler}
    kind = getattr(rooms.get(place), leaf, None)
    if isinstance(kind, type) and text_of(kind) == text:
        return GivenObject(text, kind)
    raise ConfigError(
        f"the {name} of this run, {text}, is an object of your program; make the same call again with out= this folder"
    )
