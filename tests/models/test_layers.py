import copy
import pickle

import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build
from sonde.models.layers import distances, followed, freeze, layers_of

THUMBNAIL = InputSpec(kind="image", shape=(3, 32, 32))


def network(name: str) -> nn.Module:
    torch.manual_seed(0)
    return build(name, THUMBNAIL, 10)


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 5, 3),
        nn.BatchNorm2d(5),
        nn.Flatten(),
        nn.Linear(80, 2),
    )


class Wrapper(nn.Module):
    """A network around another one."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return self.inner(input)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet18", ["conv1", *(f"layer{stage}.{block}" for stage in range(1, 5) for block in range(2)), "fc"]),
        ("vit-tiny-16", ["patch_embed", *(f"blocks.{index}" for index in range(12)), "head"]),
        ("mlp", ["1", "3", "5"]),
        ("perceptron", ["linear"]),
        ("compact-cnn", ["stages.0", "stages.1", "stages.2", "head"]),
    ],
)
def test_a_layer_is_a_module_with_matrices_and_what_follows_it(name: str, expected: list[str]):
    model = network(name)
    layers = layers_of(model)
    assert [layer.name for layer in layers] == expected
    held = [parameter for layer in layers for parameter in layer.parameters]
    assert sorted(held) == sorted(parameter for parameter, _ in model.named_parameters())


def test_tokens_and_positions_belong_to_the_first_layer_and_the_last_norm_to_the_last_block():
    layers = layers_of(network("vit-tiny-16"))
    assert {"cls_token", "pos_embed", "patch_embed.proj.weight"} <= layers[0].parameters.keys()
    assert "norm.weight" in layers[-2].parameters
    assert list(layers[-1].parameters) == ["head.weight", "head.bias"]


def test_convnexts_layers_are_its_blocks_and_what_halves_between_them():
    with torch.device("meta"):
        layers = layers_of(build("convnext-tiny", THUMBNAIL, 10))
    assert len(layers) == 1 + 18 + 3 + 1
    assert (layers[0].name, layers[4].name, layers[-1].name) == ("features.0.0", "features.2.1", "classifier.2")


def test_a_wrapper_is_looked_through():
    names = [layer.name for layer in layers_of(Wrapper(Wrapper(small())))]
    assert names == ["inner.inner.0", "inner.inner.3", "inner.inner.6"]
    assert distances(Wrapper(small()))["inner.6.bias"] == 0


def test_a_bare_layer_is_a_head():
    assert [layer.parameters.keys() for layer in layers_of(nn.Linear(2, 3))] == [{"weight", "bias"}]


def test_distances_count_from_the_head():
    assert distances(small()) == {
        "0.weight": 2, "0.bias": 2, "1.weight": 2, "1.bias": 2,
        "3.weight": 1, "3.bias": 1, "4.weight": 1, "4.bias": 1, "6.weight": 0, "6.bias": 0,
    }  # fmt: skip
    found = distances(network("vit-tiny-16"))
    assert (found["pos_embed"], found["blocks.0.attn.qkv.weight"], found["head.weight"]) == (13, 12, 0)


@pytest.mark.parametrize(
    ("what", "learning", "said"),
    [
        ("backbone", {"6"}, "2 of 3 layers frozen (0 to 3), 315 of 477 parameters"),
        (1, {"3", "4", "6"}, "1 of 3 layers frozen (0), 120 of 477 parameters"),
    ],
)
def test_freezing_leaves_the_rest_learning(what, learning: set[str], said: str):
    model = small()
    assert freeze(model, what) == said + "; their batch norms stay in evaluation mode"
    assert {name.partition(".")[0] for name, p in model.named_parameters() if p.requires_grad} == learning


def test_frozen_batch_norm_uses_and_keeps_its_statistics_in_training():
    model = small()
    freeze(model, 1)
    input = 3 + torch.randn(8, 3, 8, 8)
    before = copy.deepcopy(model.state_dict())
    model.train()
    with torch.no_grad():
        found = model[:2](input)
        expected = model[0](input) / (1 + 1e-5) ** 0.5  # mean 0, variance 1, as they start
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    model(input)
    after = model.state_dict()
    assert {name for name in after if not torch.equal(before[name], after[name])} == {
        "4.running_mean", "4.running_var", "4.num_batches_tracked",
    }  # fmt: skip


def test_a_frozen_network_survives_copying_and_pickling():
    model = small()
    freeze(model, "backbone")
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        twin.train()(torch.randn(4, 3, 8, 8))
        assert not twin.get_buffer("1.running_mean").any()
        assert [p.requires_grad for p in twin.parameters()] == [p.requires_grad for p in model.parameters()]


def test_without_batch_norm_none_is_spoken_of():
    assert freeze(network("mlp"), "backbone") == "2 of 3 layers frozen (1 to 3), 819,584 of 820,874 parameters"


@pytest.mark.parametrize(
    ("model", "what", "message"),
    [
        (
            small(),
            3,
            r"--freeze 3: this network has 3 layers \(0, 3, 6\), and the head must stay trainable; give at most 2",
        ),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(4, 2)),
            "backbone",
            "this network has a head only; there is nothing to freeze",
        ),
    ],
)
def test_what_cannot_be_frozen_is_said(model: nn.Module, what, message: str):
    with pytest.raises(ConfigError, match=message):
        freeze(model, what)


def test_what_follows_a_layers_matrices_comes_with_it():
    model = nn.Sequential(nn.Flatten(), *small())
    assert {name: [type(part).__name__ for part in parts] for name, parts in followed(model).items()} == {
        "1": ["Conv2d", "BatchNorm2d", "ReLU"],
        "4": ["Conv2d", "BatchNorm2d", "Flatten"],
    }


def test_of_a_detector_only_the_backbones_layers_count():
    names = list(followed(build("detector-tiny", THUMBNAIL, 3)))
    assert names[0] == "backbone.stem.0"
    assert names[-1].startswith("backbone.stages.3.")
