"""Networks of timm and torchvision, which are not installed here: stand-ins with the same few functions."""

import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError, MissingDependency
from sonde.models.build import build, builder, config_class
from sonde.models.library import LibraryConfig, load

IMAGE = InputSpec(kind="image", shape=(1, 28, 28))
COLOUR = InputSpec(kind="image", shape=(3, 32, 32))


class Flat(nn.Module):
    """A network that remembers how it was asked for."""

    def __init__(self, num_classes: int, in_chans: int = 3, img_size: tuple[int, int] = (32, 32), **more) -> None:
        super().__init__()
        self.asked = {"num_classes": num_classes, "in_chans": in_chans, "img_size": img_size, **more}

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return input.flatten(1)[:, : self.asked["num_classes"]]


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    def create_model(name: str, **arguments) -> nn.Module:
        return Flat(**arguments)

    fixed = {"vit_x": True, "resnet_x": False}
    timm = SimpleNamespace(
        create_model=create_model,
        list_models=lambda: list(fixed),
        get_pretrained_cfg=lambda name: SimpleNamespace(fixed_input_size=fixed[name]),
    )
    models = SimpleNamespace(
        list_models=lambda module: ["resnet18", "googlenet"], get_model=lambda name, **arguments: Flat(**arguments)
    )
    monkeypatch.setitem(sys.modules, "timm", timm)
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(models=models))


def asked(name: str, spec: InputSpec) -> dict:
    return build(name, spec, 7).asked  # type: ignore[return-value]


@pytest.mark.usefixtures("libraries")
def test_timms_networks_are_told_channels_classes_and_the_size_where_it_is_fixed():
    assert asked("timm:resnet_x", IMAGE) == {"num_classes": 7, "in_chans": 1, "img_size": (32, 32)}
    assert asked("timm:vit_x", IMAGE)["img_size"] == (28, 28)
    assert config_class("timm:vit_x") is LibraryConfig


@pytest.mark.usefixtures("libraries")
def test_torchvisions_networks_put_out_logits_alone():
    assert asked("torchvision:resnet18", COLOUR)["num_classes"] == 7
    assert asked("torchvision:googlenet", COLOUR)["aux_logits"] is False
    with pytest.raises(ConfigError, match="torchvision's networks take 3 channels, and these images have 1; use timm:"):
        build("torchvision:resnet18", IMAGE, 7)


@pytest.mark.usefixtures("libraries")
def test_unknown_names_and_other_data_are_refused():
    with pytest.raises(ConfigError, match="unknown timm model 'resnet_y'; did you mean 'resnet_x'?"):
        builder("timm:resnet_y")
    with pytest.raises(ConfigError, match="unknown torchvision model 'resnet19'; did you mean 'resnet18'?"):
        builder("torchvision:resnet19")
    with pytest.raises(
        ConfigError,
        match="^--model timm:resnet_x takes inputs of kind image, and this data is of kind table; take tabular, ",
    ):
        build("timm:resnet_x", InputSpec(kind="table", shape=(4,)), 2)


@pytest.mark.usefixtures("libraries")
def test_what_does_not_answer_a_row_of_logits_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.modules["timm"], "create_model", lambda name, **arguments: nn.Identity())
    with pytest.raises(ConfigError, match=r"timm:resnet_x must return \(rows, 7\)"):
        build("timm:resnet_x", IMAGE, 7)


@pytest.mark.parametrize("name", ["timm", "torchvision"])
def test_a_library_that_is_absent_is_named_with_its_install_line(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(
        MissingDependency, match=f"--model {name}:NAME needs {name}; install it with: pip install {name}"
    ):
        builder(f"{name}:resnet18")


def test_a_library_for_another_pytorch_is_said_to_be(monkeypatch: pytest.MonkeyPatch):
    def fail(name: str) -> None:
        raise RuntimeError("operator torchvision::nms does not exist\nat line 3")

    monkeypatch.setattr("sonde.models.library.importlib.import_module", fail)
    with pytest.raises(
        MissingDependency, match=r"torchvision cannot be imported with this PyTorch \(operator .* exist\); "
    ):
        load("torchvision:resnet18")
