from typing import Any

import numpy as np
import torch

from sonde.core.dataset import Dataset, InputSpec, Schema, TargetSpec
from sonde.modalities.table.rows import TableRows
from sonde.modalities.untuned import untuned
from sonde.models.build import build

IMAGES = InputSpec(kind="image", shape=(3, 32, 32))


def settings(model: str, target: str = "class", input: InputSpec = IMAGES) -> dict[str, Any]:
    schema = Schema(input=input, target=TargetSpec(kind=target, names=("a", "b")))
    rows = TableRows({}, "t", np.arange(500))
    return untuned(Dataset(name="t", source="t", form="t", schema=schema, splits={"train": rows}, facts=[]), model)


def test_the_perceptrons_rule_is_for_classes() -> None:
    assert settings("perceptron")["loss"][0] == settings("perceptron", "labels")["loss"][0] == "perceptron"
    assert "loss" not in settings("perceptron", "value")
    assert settings("perceptron", "value") == settings("lenet5") == settings("nets.py:Net")


def test_the_introductory_network_gets_the_introductory_setting() -> None:
    assert {name: value for name, (value, _) in settings("mlp").items()} == {
        "optimizer": "adam",
        "lr": 1e-3,
        "epochs": 10,
        "init": "torch",
    }


def test_networks_without_norms_get_the_rate_of_their_papers() -> None:
    assert settings("vgg16")["lr"][0] == settings("alexnet")["lr"][0] == 0.01
    assert settings("vgg16-bn")["lr"][0] == settings("googlenet")["lr"][0] == 0.05


def test_norms_published_for_runs_of_a_week_keep_up_with_short_ones() -> None:
    """Every network whose norms are slower than PyTorch's gets its momentum, and no other."""
    for model in ("mobilenet-v2", "mobilenet-v3-small", "efficientnet-b4", "efficientnet-b5", "efficientnet-b7"):
        with torch.device("meta"):
            built = build(model, IMAGES, 10)
        slow = any(m.momentum == 0.01 for m in built.modules() if isinstance(m, torch.nn.BatchNorm2d))
        assert ("norm_momentum" in settings(model)) == slow


def test_small_grey_images_are_never_mirrored() -> None:
    """They may show digits, whatever the network."""
    for model in ("resnet18", "vit-tiny-16", "convnext-tiny", "vgg11", "mobilenet-v3-small"):
        for side, views in ((8, "crop=1:zero"), (28, "crop=2:zero"), (224, "flip")):
            found = settings(model, input=InputSpec(kind="image", shape=(1, side, side)))
            assert found["augment"][0] == views
        assert settings(model)["augment"] == ("flip", "mirror images are equally likely")
