"""What suits which data; every recipe resolves to a config and builds its model and task."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from sonde.core.config import DataConfig
from sonde.core.dataset import Column, Dataset, InputSpec, Schema, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.overrides import Overrides
from sonde.modalities.open import open_data
from sonde.modalities.table.rows import TableRows
from sonde.models.build import build as build_model
from sonde.models.table import MODELS
from sonde.optim.build import build_optimizer
from sonde.optim.schedules import schedule
from sonde.run.choose import choose, choose_model, choose_task
from sonde.run.resolve import resolve
from sonde.tasks.table import build as build_task
from sonde.tasks.table import names, spec

TARGETS = {
    "class": TargetSpec(kind="class", names=("a", "b", "c")),
    "binary": TargetSpec(kind="class", names=("no", "yes")),
    "labels": TargetSpec(kind="labels", names=("a", "b")),
    "value": TargetSpec(kind="value", names=("y",), mean=(1.0,), std=(2.0,)),
    "mask": TargetSpec(kind="mask", names=("background", "cell")),
}
NUMBERS = (Column(name="x", kind="number", source="x"), Column(name="z", kind="number", source="z"))
INPUTS = {
    "grey": InputSpec(kind="image", shape=(1, 28, 28), mean=(0.5,), std=(0.2,)),
    "colour": InputSpec(kind="image", shape=(3, 32, 32), mean=(0.5,) * 3, std=(0.2,) * 3),
    "photo": InputSpec(kind="image", shape=(3, 224, 224), mean=(0.5,) * 3, std=(0.2,) * 3),
    "table": InputSpec(kind="table", shape=(2,), columns=NUMBERS),
    "array": InputSpec(kind="array", shape=(2,)),
}


def dataset(spec: str, target: str = "class", rows: int = 500, **more: Any) -> Dataset:
    held = TableRows({}, "t", np.arange(rows))
    splits = {"train": held, "validation": held}
    schema = Schema(input=INPUTS[spec], target=TARGETS[target])
    return Dataset(name="t", source="t", form="CSV table", schema=schema, splits=splits, facts=[], **more)


@pytest.mark.parametrize(
    ("target", "task", "why"),
    [
        ("class", "classification", "each row has one of several classes"),
        ("labels", "classification", "each row has any number of labels"),
        ("value", "regression", "the targets are continuous values"),
        ("mask", "segmentation", "every pixel has a class"),
    ],
)
def test_the_target_decides_the_task(target: str, task: str, why: str) -> None:
    assert choose_task(dataset("table", target), None) == (task, why)


def test_what_was_typed_or_what_the_form_implies_comes_first() -> None:
    implied = dataset("table", suggestion="regression")
    assert choose_task(implied, None) == ("regression", "CSV table imply it")
    assert choose_task(implied, "classification") == ("classification", "typed")
    assert choose_model(implied, "mlp") == ("mlp", "typed")


@pytest.mark.parametrize(
    ("spec", "model"),
    [
        ("grey", "compact-cnn"),
        ("colour", "compact-cnn"),
        ("photo", "resnet18"),
        ("table", "tabular"),
        ("array", "mlp"),
    ],
)
def test_the_input_decides_the_model(spec: str, model: str) -> None:
    assert choose_model(dataset(spec), None)[0] == model
    assert choose_model(dataset(spec), None)[1]


FITTING = [
    (spec, target, model)
    for spec, target, model in itertools.product(["grey", "colour", "table", "array"], TARGETS, MODELS)
    if target != "mask"
    and (
        (model in ("mlp", "perceptron"))
        or (spec in ("grey", "colour") and model in ("compact-cnn", "lenet5", "resnet18"))
        or (spec == "table" and model == "tabular")
    )
]
FITTING += [(spec, "mask", model) for spec in ("grey", "colour") for model in ("unet-small", "fcn-resnet50")]


@pytest.mark.parametrize(("spec", "target", "model"), FITTING)
@pytest.mark.parametrize("rows", [60, 20_000])
def test_every_recipe_can_be_carried_out(spec: str, target: str, model: str, rows: int) -> None:
    data = dataset(spec, target, rows)
    task = choose_task(data, None)[0]
    recipe = choose(data, task=task, model=model)
    assert all(why for _, why in recipe.settings.values())
    config = resolve(Overrides(), recipe).config
    with torch.device("meta"):
        network = build_model(model, data.schema.input, data.schema.target.out_dim, config.model_config)
    built = build_task(
        task, network, data.schema.target, config.task_config, class_counts=[rows] * 3, monitor=config.loop.monitor
    )
    assert built.objective is not None
    assert built.objective.metric == (config.loop.monitor or built.objective.metric)
    lr = config.optim.lr
    assert isinstance(lr, float)
    assert build_optimizer(config.optim, list(network.named_parameters()), lr=lr, device_type="cpu").param_groups
    assert 0 <= schedule(config.optim, total=100)(50) <= 1


def test_masks_are_for_networks_that_answer_every_pixel() -> None:
    assert choose_model(dataset("photo", "mask"), None)[0] == "unet-small"
    with pytest.raises(ConfigError) as caught:
        choose(dataset("photo", "mask"), task="segmentation", model="resnet18")
    assert str(caught.value) == (
        "--model resnet18 gives one output vector per input, and task segmentation needs an output per pixel; take unet-small, "
        "unet, fcn-resnet50, fcn-resnet101, deeplabv3-resnet50 … (sonde models lists all)"
    )
    with pytest.raises(
        ConfigError, match="^--model unet gives an output per pixel, and task regression needs one output"
    ):
        choose(dataset("photo", "value"), task="regression", model="unet")
    assert choose(dataset("photo", "mask"), task="segmentation", model="nets.py:Net").settings["batch_size"][0] == 8


def test_few_images_with_masks_are_seen_more_often() -> None:
    epochs = [
        choose(dataset("colour", "mask", rows), task="segmentation", model="unet-small").settings["epochs"][0]
        for rows in (4, 48, 1000)
    ]
    assert epochs == [100, 80, 20]


@pytest.mark.parametrize("spec", INPUTS)
def test_the_perceptron_learns_by_the_published_rule_on_any_data(spec: str) -> None:
    config = resolve(Overrides(), choose(dataset(spec), task="classification", model="perceptron")).config
    optim = config.optim
    assert (config.task_config.loss, optim.optimizer, optim.lr, config.feed.batch_size) == ("perceptron", "sgd", 1.0, 1)
    assert (optim.weight_decay, optim.clip, optim.ema, optim.schedule, optim.warmup) == (0, 0, 0, "constant", 0)
    assert config.loop.monitor is None


@pytest.mark.parametrize("model", ["custom", "nets.py:Net"])
def test_a_network_that_nothing_was_tuned_for_gets_no_tuned_setting(model: str) -> None:
    settings = choose(dataset("colour"), task="classification", model=model).settings
    assert {name: value for name, (value, _) in settings.items()} == {"optimizer": "adam", "lr": 1e-3, "epochs": 10}


def test_a_batch_is_never_larger_than_the_data_unless_it_is_typed() -> None:
    x, y = np.random.default_rng(0).normal(size=(30, 3)), np.arange(30) % 2
    data = open_data((x, y), DataConfig(validation=0, test=0))
    for model in ("custom", "mlp", "tabular"):
        assert choose(data, task="classification", model=model).settings["batch_size"][0] == 30
    assert choose(data, task="classification", model="perceptron").settings["batch_size"][0] == 1


@pytest.mark.parametrize("kind", ["class", "value", "mask", "boxes", "next", "tokens", "span", "series", "residues"])
def test_a_task_that_cannot_learn_from_the_targets_is_refused_with_the_one_that_can(kind: str) -> None:
    held = TableRows({}, "t", np.arange(9))
    target = TargetSpec(kind=kind, names=("a", "b"))  # type: ignore[arg-type]
    data = Dataset(
        name="t",
        source="t",
        form="f",
        schema=Schema(input=INPUTS["table"], target=target),
        splits={"train": held},
        facts=[],
    )
    row, unfit = {"class", "labels", "value"}, []
    for task in names():
        one = spec(task)
        if one.suits(target) or (kind in row and set(one.targets) & row):
            assert choose_task(data, task) == (task, "typed")
            continue
        with pytest.raises(ConfigError, match=f"leave --task {task} out") as refused:
            choose_task(data, task)
        assert "\n" not in str(refused.value)
        unfit.append(task)
    assert unfit
    assert choose_task(data, None)[0] not in unfit
