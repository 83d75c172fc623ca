"""Weights from files: read safely, made to fit, and refused in one line where they do not."""

import os
import re
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build
from sonde.models.googlenet import GoogLeNetConfig
from sonde.models.pretrained import fit_channels, load_pretrained, plain_names, read_weights
from sonde.models.resnet import ResNetConfig
from sonde.models.vit import ViTConfig


def spec(channels: int = 3, side: int = 32) -> InputSpec:
    return InputSpec(kind="image", shape=(channels, side, side))


def resnet(channels: int = 3, classes: int = 10, *, seed: int = 0, name: str = "resnet18") -> nn.Module:
    torch.manual_seed(seed)
    return build(name, spec(channels), classes, ResNetConfig(stem="imagenet"))


def vit(side: int, classes: int = 10, *, seed: int = 0, **settings) -> nn.Module:
    torch.manual_seed(seed)
    return build("vit-tiny-16", spec(side=side), classes, ViTConfig(patch=8, **settings))


def load(model: nn.Module, weights: dict[str, Tensor], out_dim: int = 10) -> list[str]:
    return load_pretrained(model, weights, source="w.pth", out_dim=out_dim)


@pytest.fixture(scope="module")
def trained() -> dict[str, Tensor]:
    """A state dict in torchvision's names, for 1000 classes, with statistics that are nobody's start."""
    state = resnet(classes=1000, seed=1).state_dict()
    return {name: value + 1 if name.endswith("running_mean") else value for name, value in state.items()}


def test_the_same_network_takes_every_tensor(trained: dict[str, Tensor]):
    model = resnet(classes=1000)
    assert load(model, trained, 1000) == ["weights of w.pth, 122 tensors"]
    assert all(torch.equal(value, trained[name]) for name, value in model.state_dict().items())


def test_another_number_of_classes_keeps_all_but_the_head(trained: dict[str, Tensor]):
    model, untouched = resnet(classes=7), resnet(classes=7).state_dict()
    assert load(model, trained, 7) == [
        "weights of w.pth, 120 tensors",
        "fc is randomly initialised: 7 outputs instead of 1000",
    ]
    for name, value in model.state_dict().items():
        assert torch.equal(value, untouched[name] if name.startswith("fc") else trained[name]), name


def test_a_grey_image_is_answered_as_its_copies_in_three_channels(trained: dict[str, Tensor]):
    colour, grey = resnet(classes=1000), resnet(channels=1, classes=1000)
    load(colour, trained, 1000)
    notes = load(grey, trained, 1000)
    assert notes[1:] == ["conv1 takes 1 channel instead of 3: summed over channels"]
    image = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        expected = colour.eval()(image.expand(-1, 3, -1, -1))
        torch.testing.assert_close(grey.eval()(image), expected, rtol=1e-4, atol=1e-4)


def test_more_channels_repeat_the_weights_and_keep_the_size_of_answers(trained: dict[str, Tensor]):
    model = resnet(channels=5, classes=1000)
    assert load(model, trained, 1000)[1:] == ["conv1 takes 5 channels instead of 3: repeated, times 3/5"]
    weight = model.get_parameter("conv1.weight")
    for channel in range(5):
        assert torch.equal(weight[:, channel], trained["conv1.weight"][:, channel % 3] * (3 / 5))
    flat = torch.ones(1, 3, 8, 8)  # a constant image: the answer must not grow with the channels
    same = fit_channels(torch.ones(1, 3, 3, 3), 6)
    torch.testing.assert_close(F.conv2d(torch.ones(1, 6, 8, 8), same), F.conv2d(flat, torch.ones(1, 3, 3, 3)))


@pytest.mark.parametrize("registers", [0, 3])
def test_positions_of_a_transformer_are_interpolated(registers: int):
    weights = vit(32, seed=1, registers=registers).state_dict()
    model = vit(48, registers=registers)
    assert load(model, weights)[1:] == ["positions of 16 patches interpolated to 6x6"]
    prefix, found = 1 + registers, model.get_parameter("pos_embed")
    given = weights["pos_embed"]
    assert torch.equal(found[:, :prefix], given[:, :prefix])
    image = given[:, prefix:].view(1, 4, 4, 192).permute(0, 3, 1, 2)
    by_hand = F.interpolate(image, size=(6, 6), mode="bicubic", antialias=True).permute(0, 2, 3, 1).reshape(1, 36, 192)
    torch.testing.assert_close(found[:, prefix:].detach(), by_hand, rtol=0, atol=1e-6)


def test_counts_of_batches_may_be_absent(trained: dict[str, Tensor]):
    old = {name: value for name, value in trained.items() if not name.endswith("num_batches_tracked")}
    assert load(resnet(classes=1000), old, 1000) == ["weights of w.pth, 102 tensors"]


def test_what_does_not_fit_is_named_and_nothing_is_loaded(trained: dict[str, Tensor]):
    model, before = resnet(classes=7, name="resnet34"), resnet(classes=7, name="resnet34").state_dict()
    with pytest.raises(ConfigError) as caught:
        load(model, trained, 7)
    message = str(caught.value)
    assert message.startswith("--pretrained: w.pth does not fit this network: layer1.2.conv1.weight is missing; ")
    assert " and 77 more; choose the --model, and the settings such as --stem" in message
    assert "\n" not in message
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda w: w | {"conv1.weight": torch.zeros(64, 3, 3, 3)},
            "conv1.weight has shape 64x3x3x3 in the weights and 64x3x7x7 in this network",
        ),
        (lambda w: w | {"extra.weight": torch.zeros(1)}, "extra.weight is not in this network"),
        (lambda w: {n: v for n, v in w.items() if n != "bn1.bias"}, "bn1.bias is missing"),
        (
            lambda w: w | {"fc.weight": torch.zeros(1000, 9)},
            "fc.weight has shape 1000x9 in the weights and 10x512 in this network",
        ),
    ],
)
def test_each_kind_of_misfit_is_said(trained: dict[str, Tensor], change, message: str):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(resnet(), change(trained))


def test_positions_for_other_tokens_are_a_misfit():
    weights = vit(32, registers=2).state_dict()
    with pytest.raises(
        ConfigError,
        match="reg_token is not in this network; pos_embed has shape 1x19x192 in the weights and 1x37x192 in this network",
    ):
        load(vit(48), weights)


def test_files_of_every_kind_are_read(tmp_path: Path):
    weights = {"fc.weight": torch.arange(6.0).view(2, 3), "fc.bias": torch.ones(2)}
    wrapped = {"epoch": 3, "state_dict": OrderedDict((f"module.{name}", value) for name, value in weights.items())}
    save_file(weights, tmp_path / "plain.safetensors")
    torch.save(weights, tmp_path / "plain.pth")
    torch.save(wrapped, tmp_path / "wrapped.pth")
    torch.save({"model": {"model": wrapped["state_dict"]}}, tmp_path / "deep.pt")
    for path in sorted(tmp_path.iterdir()):
        found = read_weights(path)
        assert found.keys() == weights.keys(), path
        assert all(torch.equal(found[name], value) for name, value in weights.items())


def test_names_of_other_times_are_those_of_today():
    old = {"_orig_mod.module.features.denseblock1.denselayer2.norm.1.weight": torch.zeros(1)}
    assert list(plain_names(old)) == ["features.denseblock1.denselayer2.norm1.weight"]
    some = {"module.a": torch.zeros(1), "b": torch.zeros(1)}
    assert plain_names(some).keys() == some.keys()


class Opinion:
    """Something that only its own program can unpickle."""


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.pth", None, r"--pretrained: cannot read .*absent.pth: No such file or directory"),
        (
            "text.pth",
            b"hello, this is no archive at all",
            r"text.pth is not a file of weights, or is damaged \(KeyError: ",
        ),
        ("empty.pth", b"", r"--pretrained: .*empty.pth is not a file of weights, or is damaged"),
        ("torn.pth", b"PK\x03\x04torn archive", r"--pretrained: .*torn.pth is not a file of weights, or is damaged"),
        ("torn.safetensors", b"\x10\x00", r"--pretrained: .*torn.safetensors is not a file of weights, or is damaged"),
        ("object.pth", Opinion(), r"object.pth holds more than tensors.*, .*; save the network's state_dict\(\)"),
        ("list.pth", [torch.zeros(1)], r"list.pth holds no state dict \(tensors by name\)"),
        ("mixed.pth", {"a": torch.zeros(1), "epoch": 3}, r"mixed.pth holds no state dict \(tensors by name\)"),
        ("none.pth", {}, r"none.pth holds no state dict \(tensors by name\)"),
    ],
)
def test_files_that_hold_no_weights_are_refused_in_one_line(tmp_path: Path, name: str, content, message: str):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(ConfigError, match=message) as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)


def test_weights_without_a_head_leave_it_as_drawn(trained: dict[str, Tensor]):
    """As those of a network that learnt without labels."""
    model, untouched = resnet(classes=7), resnet(classes=7).state_dict()
    body = {name: value for name, value in trained.items() if not name.startswith("fc.")}
    assert load(model, body, 7) == [
        "weights of w.pth, 120 tensors",
        "fc is randomly initialised: the weights have none",
    ]
    for name, value in model.state_dict().items():
        assert torch.equal(value, untouched[name] if name.startswith("fc") else trained[name]), name


@pytest.mark.parametrize("missing", ["fc.bias", "layer4.1.conv2.weight"])
def test_half_a_head_or_a_missing_layer_is_no_head_left_out(trained: dict[str, Tensor], missing: str):
    body = {name: value for name, value in trained.items() if name != missing}
    with pytest.raises(ConfigError, match=f"{re.escape(missing)} is missing"):
        load(resnet(classes=1000), body, 1000)


def test_a_plain_networks_weights_are_the_backbone_of_a_detector(trained: dict[str, Tensor]):
    torch.manual_seed(0)
    model = build("detector-resnet18", spec(side=64), 3)
    untouched = {name: value.clone() for name, value in model.state_dict().items()}
    assert load(model, trained, 3) == [
        "weights of w.pth, 120 tensors",
        "loaded into the backbone; head and pyramid randomly initialised",
    ]
    for name, value in model.state_dict().items():
        of_backbone = name.removeprefix("backbone.")
        assert torch.equal(value, untouched[name] if of_backbone == name else trained[of_backbone]), name


def test_a_backbones_missing_layer_is_a_misfit(trained: dict[str, Tensor]):
    weights = {name: value for name, value in trained.items() if not name.startswith("layer4.1.")}
    with pytest.raises(ConfigError, match=r"backbone\.layer4\.1\.conv1\.weight is missing"):
        load(build("detector-resnet18", spec(side=64), 3), weights, 3)


def test_auxiliary_heads_are_passed_over_where_there_are_none():
    torch.manual_seed(1)
    weights = build("googlenet", spec(side=96), 10, GoogLeNetConfig(stem="imagenet", auxiliary=True)).state_dict()
    plain = build("googlenet", spec(side=96), 10, GoogLeNetConfig(stem="imagenet", auxiliary=False))
    heads = [name for name in weights if name.startswith("aux")]
    assert load(plain, weights)[1:] == ["auxiliary heads left out"]
    assert heads
    assert all(torch.equal(value, weights[name]) for name, value in plain.state_dict().items())


def test_a_pickle_is_refused_in_our_own_words(tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    for name, save in (("a.pkl", lambda f: pickle.dump(Evil(), f)), ("b.pt", lambda f: torch.save({"x": Evil()}, f))):
        with (tmp_path / name).open("wb") as file:
            save(file)
        with pytest.raises(ConfigError, match=r" a pickle can run code; save the network's state_dict") as error:
            read_weights(tmp_path / name)
        assert "weights_only" not in str(error.value)
    assert not (tmp_path / "ran").exists()
