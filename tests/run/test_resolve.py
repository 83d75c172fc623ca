"""Which setting wins, what is said about it, and that config.yaml gives the same config back."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest

from sonde.core.config import flat
from sonde.core.config_file import read_config, write_config
from sonde.core.errors import ConfigError
from sonde.core.overrides import Overrides
from sonde.core.value_types import annotations
from sonde.modalities.settings import data_config, groups
from sonde.modalities.table.config import TableConfig
from sonde.models.build import config_class as model_config_class
from sonde.models.mlp import MLPConfig
from sonde.models.table import MODELS
from sonde.optim.usual import usual_rate
from sonde.run.choose import Recipe
from sonde.run.resolve import NoSettings, fitting, resolve, settled
from sonde.tasks.table import TASKS, spec

ADVICE: dict[str, tuple[Any, str]] = {
    "optimizer": ("muon", "tuned"),
    "lr": (0.02, "tuned"),
    "weight_decay": (0.01, "tuned"),
    "batch_size": (32, "small data"),
    "epochs": (7, "enough"),
    "dropout": (0.3, "few rows"),
    "label_smoothing": (0.1, "tuned"),
    "augment": ("flip", "photographs"),
    "monitor": ("log_loss", "finer"),
}


def resolved(
    typed: dict[str, Any] | None = None,
    filed: dict[str, Any] | None = None,
    *,
    model: str = "mlp",
    task: str = "classification",
):
    typed, filed = typed or {}, filed or {}
    origin = dict.fromkeys(filed, "file") | dict.fromkeys(typed, "typed")
    return resolve(Overrides(values=filed | typed, origin=origin), Recipe(task=task, model=model, settings=ADVICE))


def test_typed_wins_over_file_over_recipe_over_default() -> None:
    found = resolved({"batch_size": 8, "dropout": 0.5}, {"batch_size": 16, "clip": 1.0, "epochs": 3})
    config = found.config
    assert (config.feed.batch_size, config.model_config.dropout) == (8, 0.5)
    assert (config.optim.clip, config.loop.epochs) == (1.0, 3)
    assert (config.optim.lr, config.task_config.label_smoothing) == (0.02, 0.1)
    assert (config.optim.momentum, config.model_config.hidden) == (0.9, (256, 128))
    told = {"batch_size": "typed", "dropout": "typed", "clip": "file", "epochs": "file", "lr": "recipe"}
    told |= {"label_smoothing": "recipe", "momentum": "default", "hidden": "default"}
    assert {name: found.origin[name] for name in told} == told


def test_every_leaf_has_an_origin_and_every_advice_taken_its_reason() -> None:
    found = resolved({"batch_size": 8})
    assert found.origin.keys() == flat(found.config).keys() - {"model", "task"}
    assert set(found.origin.values()) == {"typed", "recipe", "default"}
    assert found.reasons == {name: why for name, (_, why) in ADVICE.items() if name != "batch_size"}


def test_advice_that_neither_the_model_nor_the_task_knows_is_passed_over() -> None:
    found = resolved(model="lenet5")
    assert "dropout" not in found.origin
    assert "dropout" not in found.reasons


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("batchsize", "unknown setting 'batchsize'; did you mean 'batch_size'"),
        ("hiden", "unknown setting 'hiden'; did you mean 'hidden'"),
        ("label_smooting", "unknown setting 'label_smooting'; did you mean 'label_smoothing'"),
        ("huber_delta", "--huber-delta is a setting of task "),
        ("gan_loss", "--gan-loss is a setting of task gan, not of task "),
        ("quite_another", "unknown setting 'quite_another'; help(sonde.train) lists all"),
    ],
)
def test_an_unknown_setting_suggests(name: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolved({name: 1})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epochs", "five", "--epochs expects a number, got 'five'"),
        ("batch_size", 6.5, "--batch-size expects a whole number, got 6.5"),
        ("optimizer", "adamx", "got 'adamx'; did you mean adamax?"),
        ("hidden", (64, "wide"), "--hidden expects a whole number, got 'wide'"),
        ("loss", "crossentropy", "got 'crossentropy'; did you mean cross-entropy?"),
        ("balanced", 1, "--balanced expects yes or no, got 1"),
        ("dropout", 1.5, "--dropout must be at least 0 and below 1"),
    ],
)
def test_a_value_of_the_wrong_kind_is_one_line(name: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolved({name: value})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("way", "value"), [("steps", 100), ("time_limit", "10m")])
def test_another_way_to_say_how_long_takes_the_recipes_epochs_back(way: str, value: Any) -> None:
    found = resolved({way: value})
    assert found.config.loop.epochs is None
    assert found.origin["epochs"] == "default"
    assert "epochs" not in found.reasons


def test_nothing_said_about_the_length_leaves_the_recipes() -> None:
    assert resolved({"steps": None, "time_limit": None}).config.loop.epochs == 7


def test_auto_lets_the_recipe_choose_the_augmentation() -> None:
    found = resolved({"augment": "auto"})
    assert (found.config.feed.augment, found.origin["augment"]) == ("flip", "recipe")
    assert resolved({"augment": "none"}).config.feed.augment == "none"


@pytest.mark.parametrize(
    ("optimizer", "lr", "weight_decay"),
    [("adam", 1e-3, 0.0), ("adamw", 1e-3, 0.01), ("sgd", 0.3, 0.0), ("muon", 0.02, 0.01)],
)
def test_a_rate_tuned_for_one_optimiser_is_not_given_to_another(optimizer: str, lr: float, weight_decay: float) -> None:
    found = resolved({"optimizer": optimizer})
    assert (found.config.optim.lr, found.config.optim.weight_decay) == (lr, weight_decay)
    if optimizer != "muon":
        assert found.reasons["lr"] == f"usual for {optimizer}; the recipe tuned 0.02 for muon"
    assert resolved({"optimizer": optimizer, "lr": 0.5}).config.optim.lr == 0.5


def test_optimisers_that_are_kin_share_a_rate() -> None:
    advice = {"optimizer": ("nesterov", ""), "lr": (0.05, ""), "weight_decay": (5e-4, "")}
    assert fitting(advice, {"optimizer": "momentum"}) == advice
    assert fitting(advice, {"optimizer": "adamw"})["lr"][0] == 1e-3
    assert "weight_decay" not in fitting(advice, {"optimizer": "adamw"})


def test_a_typed_loss_is_not_refused_for_what_nobody_typed() -> None:
    assert resolved({"loss": "focal"}).config.task_config.label_smoothing == 0.0
    assert resolved({"loss": "cross-entropy"}).config.task_config.label_smoothing == 0.1
    assert resolved({"loss": "focal"}).config.loop.monitor == "log_loss"
    assert resolved({"loss": "perceptron"}).config.loop.monitor is None
    with pytest.raises(ConfigError, match="leave one out"):
        resolved({"loss": "focal", "label_smoothing": 0.2})


def test_a_module_of_ones_own_has_no_settings() -> None:
    found = resolved(model="custom")
    assert found.config.model_config == NoSettings()
    with pytest.raises(ConfigError, match="unknown setting 'hidden'"):
        resolved({"hidden": (3,)}, model="custom")


def test_opening_the_data_reads_its_own_settings_alone() -> None:
    config = data_config({"target": ("price",), "validation": 0.3, "lr": 1e-3})
    assert (config.of(TableConfig).target, config.validation, config.test_share) == (("price",), 0.3, 0.2)


def test_no_setting_of_a_model_or_a_task_has_the_name_of_another() -> None:
    general = [name for kind in groups().values() for name in annotations(kind)]
    assert len(general) == len(set(general))
    for model in MODELS:
        for task in TASKS:
            own = [f.name for kind in (model_config_class(model), spec(task).config) for f in dataclasses.fields(kind)]
            assert len(own) == len(set(own)), (model, task)
            assert not set(own) & {*general, "model", "task"}, (model, task)


@pytest.mark.parametrize(("augment", "kept"), [(None, True), ("flip,crop=2", True), ("none", False), ("crop=2", False)])
def test_mirror_images_are_judged_only_where_they_are_trained_on(augment: str | None, kept: bool):
    typed = {} if augment is None else {"augment": augment}
    assert ("mirrored" in fitting({"mirrored": (True, "surer")}, typed)) == kept


# that no two of them share a name is seen above: each model with one task, and each task with some model, show the rest
@pytest.mark.parametrize(("model", "task"), [*zip(MODELS, itertools.cycle(TASKS), strict=False)])
def test_the_config_file_gives_the_same_config_back(model: str, task: str, tmp_path: Path) -> None:
    typed: dict[str, Any] = {"target": ("on", "1e3"), "time_limit": "45", "lr": 1e-8, "memory": "2GiB", "seed": 2**62}
    if task == "classification":
        typed |= {"class_weights": (1.0, 2.5), "threshold": "auto", "loss": "focal"}
    found = resolved(typed, model=model, task=task)
    settings = {"model": model, "task": task, **flat(found.config)}
    path = tmp_path / "config.yaml"
    write_config(path, data="d", settings=settings, origin=found.origin, reasons=found.reasons)
    assert settled(read_config(path)) == found.config


def test_settings_of_another_version_are_named(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    settings = {"model": "mlp", "task": "classification", **flat(resolved().config), "warp": 9}
    write_config(path, data="d", settings=settings, origin={}, reasons={})
    with pytest.raises(ConfigError, match="unknown setting 'warp'"):
        settled(read_config(path))


def test_a_class_weight_may_stand_alone() -> None:
    assert resolved({"class_weights": "balanced"}).config.task_config.class_weights == ("balanced",)
    assert resolved({"hidden": 64}).config.model_config == MLPConfig(hidden=(64,), dropout=0.3)


@pytest.mark.parametrize("name", ["rmsprop", "muon", "sgd", "momentum", "nesterov", "adam", "adamw"])
def test_an_optimiser_that_is_named_has_its_own_defaults(name: str) -> None:
    """And torch's of torch's; what is typed stays."""
    own = {"rmsprop": (0.0, 0.99), "muon": (0.95, 0.999)}.get(name, (0.9, 0.999))
    for advice in ({}, {"optimizer": ("adamw" if name != "adamw" else "muon", "tuned"), "lr": (0.004, "tuned")}):
        recipe = Recipe(task="classification", model="mlp", settings=advice)
        found = resolve(Overrides(values={"optimizer": name}, origin={"optimizer": "typed"}), recipe).config.optim
        assert (found.momentum, found.beta2) == own
        assert found.lr in (usual_rate(name, "numbers"), 0.004 if name == "adam" else None)
        typed = {"optimizer": name, "momentum": 0.5, "lr": 0.3, "beta2": 0.9}
        kept = resolve(Overrides(values=typed, origin=dict.fromkeys(typed, "typed")), recipe).config.optim
        assert (kept.momentum, kept.lr, kept.beta2) == (0.5, 0.3, 0.9)


@pytest.mark.parametrize(
    ("name", "numbers", "symbols", "unknown"),
    [
        ("sgd", 0.3, 3.0, 0.1),
        ("momentum", 0.03, 1.0, 0.01),
        ("asgd", 0.3, 3.0, 0.01),
        ("adagrad", 0.03, 0.03, 0.01),
        ("adam", 1e-3, 1e-3, 1e-3),
        ("nadam", 2e-3, 2e-3, 2e-3),
    ],
)
def test_a_rate_follows_the_kind_of_network(name: str, numbers: float, symbols: float, unknown: float) -> None:
    for model, rate in (("mlp", numbers), ("lstm", symbols), ("gpt-small", symbols), ("custom", unknown)):
        found = resolve(
            Overrides(values={"optimizer": name}, origin={"optimizer": "typed"}),
            Recipe(task="classification", model=model, settings={}),
        )
        assert found.config.optim.lr == rate
        assert found.reasons["lr"] in (f"usual for {name}", f"{name}'s own default")


def test_a_recipes_own_optimiser_keeps_what_it_was_tuned_with() -> None:
    recipe = Recipe(
        task="classification", model="mlp", settings={"optimizer": ("muon", "tuned"), "lr": (0.02, "tuned")}
    )
    assert resolve(Overrides(), recipe).config.optim.momentum == 0.9
    named = resolve(Overrides(values={"optimizer": "muon"}, origin={"optimizer": "typed"}), recipe).config.optim
    assert (named.momentum, named.lr) == (0.9, 0.02)


@pytest.mark.parametrize(
    ("name", "here"),
    [("callbacks", "observers"), ("criterion", "loss"), ("algo", "task"), ("policy", "model"), ("learning_rate", "lr")],
)
def test_what_others_call_a_parameter_or_a_setting_is_told(name: str, here: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown setting {name!r}; here it is called {here!r}"):
        resolved({name: 1})


def test_a_name_that_means_another_quantity_here_is_told_with_it() -> None:
    with pytest.raises(
        ConfigError, match=r"'eval_freq'; here it is called 'evaluate_every' \(written as \"500 steps\""
    ):
        resolved({"eval_freq": 400})
    with pytest.raises(ConfigError, match="there is no use_sde=; exploration that depends on the state"):
        resolved({"use_sde": True})


def test_what_others_call_a_setting_of_another_task_is_told_with_its_owners() -> None:
    with pytest.raises(ConfigError, match=r"'gamma'; here it is called 'discount', a setting of task .*, not of task "):
        resolved({"gamma": 0.9})
