import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build, describe
from sonde.models.deeplab import DeepLabConfig

SCENE = InputSpec(kind="image", shape=(3, 520, 520))
SMALL = InputSpec(kind="image", shape=(3, 64, 64))

# of an auxiliary head in torchvision's weights, which ours leave out: a 3x3 convolution of 1024 to 256 channels at 65x65
# places, its norm, and 21 classes
AUXILIARY = 1024 * 256 * 9 + 2 * 256 + 256 * 21 + 21
AUXILIARY_GMACS = 65 * 65 * (1024 * 256 * 9 + 256 * 21) / 1e9


@pytest.mark.parametrize(
    ("name", "parameters", "gmacs"),
    [  # torchvision's documented num_params and _ops, *_Weights.COCO_WITH_VOC_LABELS_V1
        ("fcn-resnet50", 35_322_218, 152.717),
        ("fcn-resnet101", 54_314_346, 232.738),
        ("deeplabv3-resnet50", 42_004_074, 178.722),
        ("deeplabv3-resnet101", 60_996_202, 258.743),
    ],
)
def test_parameters_and_arithmetic_are_the_published_ones(name: str, parameters: int, gmacs: float) -> None:
    facts = describe(name, SCENE, 21)
    assert facts.parameters == parameters - AUXILIARY
    assert facts.flops / 2e9 == pytest.approx(gmacs - AUXILIARY_GMACS, rel=1e-3)


def test_names_are_torchvisions() -> None:
    with torch.device("meta"):
        names = list(build("deeplabv3-resnet50", SMALL, 21).state_dict())
    for expected in (
        "backbone.conv1.weight",
        "backbone.layer4.0.downsample.0.weight",
        "backbone.layer4.2.bn3.running_var",
        "classifier.0.convs.0.0.weight",
        "classifier.0.convs.3.1.bias",
        "classifier.0.convs.4.1.weight",
        "classifier.0.project.1.num_batches_tracked",
        "classifier.2.running_mean",
        "classifier.4.bias",
    ):
        assert expected in names
    assert (
        len(names) == 318 + 5 * 6 + 6 + 6 + 2
    )  # the network without its last layer, and each convolution with its norm


def test_the_backbone_keeps_an_eighth_and_sees_as_far() -> None:
    with torch.device("meta"):
        model = build("fcn-resnet50", SMALL, 2)
        maps = model.get_submodule("backbone").eval()(torch.zeros(1, 3, 64, 96))
    assert maps.shape == (1, 2048, 8, 12)
    dilations = [
        layer.dilation[0]
        for stage in ("layer3", "layer4")
        for layer in model.get_submodule(f"backbone.{stage}").modules()
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3)
    ]
    assert dilations == [1, 2, 2, 2, 2, 2, 2, 4, 4]  # torchvision: replace_stride_with_dilation=(False, True, True)


def test_one_image_can_be_trained_on() -> None:
    torch.manual_seed(0)
    model = build("deeplabv3-resnet50", SMALL, 2).train()
    pooled = model.get_submodule("classifier.0.convs.4")
    before = pooled.get_submodule("2").state_dict()["running_mean"].clone()
    with torch.no_grad():
        answer = pooled(torch.randn(1, 2048, 4, 4))
        assert answer.isfinite().all()
        assert pooled.get_submodule("2").training
        assert torch.equal(before, pooled.get_submodule("2").state_dict()["running_mean"])
        pooled(torch.randn(2, 2048, 4, 4))
    assert not torch.equal(before, pooled.get_submodule("2").state_dict()["running_mean"])


def test_dropout_is_the_usual_one_or_as_asked() -> None:
    with torch.device("meta"):
        shares = [
            next(
                m.p
                for m in build(name, SMALL, 2, DeepLabConfig(head_dropout=asked)).modules()
                if isinstance(m, nn.Dropout)
            )
            for name, asked in (("fcn-resnet50", None), ("deeplabv3-resnet50", None), ("fcn-resnet50", 0.3))
        ]
    assert shares == [0.1, 0.5, 0.3]
    with pytest.raises(ConfigError, match="--head-dropout must be at least 0 and below 1, got 1"):
        DeepLabConfig(head_dropout=1.0)
