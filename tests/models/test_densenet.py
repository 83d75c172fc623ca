import pytest
import torch
import torch.nn.functional as F

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build, describe
from sonde.models.densenet import DenseBlock, DenseNetConfig

PHOTO = InputSpec(kind="image", shape=(3, 224, 224))
THUMBNAIL = InputSpec(kind="image", shape=(3, 32, 32))


@pytest.mark.parametrize(
    ("name", "parameters", "gmacs"),
    [  # torchvision's documented num_params and _ops, DenseNet*_Weights.IMAGENET1K_V1
        ("densenet121", 7_978_856, 2.834),
        ("densenet169", 14_149_480, 3.36),
        ("densenet201", 20_013_928, 4.291),
        ("densenet161", 28_681_000, 7.728),
    ],
)
def test_parameters_and_arithmetic_are_the_published_ones(name: str, parameters: int, gmacs: float):
    facts = describe(name, PHOTO, 1000)
    assert facts.parameters == parameters
    assert facts.flops / 2e9 == pytest.approx(gmacs, rel=1e-3)


def test_names_are_torchvisions():
    with torch.device("meta"):
        names = list(build("densenet121", PHOTO, 1000).state_dict())
    assert len(names) == 727
    for expected in (
        "features.conv0.weight",
        "features.norm0.running_var",
        "features.denseblock1.denselayer1.norm1.weight",
        "features.denseblock4.denselayer16.conv2.weight",
        "features.transition3.conv.weight",
        "features.norm5.bias",
        "classifier.bias",
    ):
        assert expected in names


def test_each_layer_reads_the_input_and_all_new_maps_before_it():
    torch.manual_seed(0)
    block = DenseBlock(3, 2, 3, dropout=0.0).double().eval()
    input = torch.randn(2, 3, 5, 5, dtype=torch.float64)
    maps = input
    for index in range(3):
        values = dict(block.get_submodule(f"denselayer{index + 1}").named_parameters())
        scale = (1 + 1e-5) ** 0.5  # fresh norms divide by it in evaluation
        inner = F.conv2d((maps / scale).clamp(min=0), values["conv1.weight"])
        new = F.conv2d((inner / scale).clamp(min=0), values["conv2.weight"], padding=1)
        maps = torch.cat([maps, new], 1)
    assert maps.shape == (2, 9, 5, 5)
    assert torch.allclose(block(input), maps, atol=1e-12)


def test_gradient_of_a_block_agrees_with_finite_differences():
    torch.manual_seed(0)
    block = DenseBlock(2, 1, 2, dropout=0.0).double()
    input = torch.randn(3, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(block, (input,))


@pytest.mark.parametrize(
    ("spec", "stem", "side"),
    [(PHOTO, "auto", 7), (THUMBNAIL, "auto", 4), (THUMBNAIL, "imagenet", 1), (PHOTO, "small", 28)],
)
def test_stem_decides_what_the_last_block_sees(spec: InputSpec, stem, side: int):
    with torch.device("meta"):
        model = build("densenet121", spec, 10, DenseNetConfig(stem=stem))
        seen: list[tuple[int, ...]] = []
        block = model.get_submodule("features.denseblock4")
        block.register_forward_hook(lambda _module, _args, maps: seen.append(tuple(maps.shape)))
        model.eval()(torch.zeros(1, *spec.shape))
    assert seen == [(1, 1024, side, side)]


def test_dropout_falls_on_new_maps_while_training_alone():
    torch.manual_seed(0)
    block = DenseBlock(2, 4, 1, dropout=0.5)
    input = torch.randn(8, 2, 16, 16)
    new = block(input)[:, 2:]
    assert (new == 0).float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert torch.equal(block(input)[:, :2], input)
    block.eval()
    assert torch.equal(block(input), block(input))


@pytest.mark.parametrize(("stem", "least"), [("small", 8), ("imagenet", 29)])
def test_refuses_images_of_too_few_pixels_and_says_how_many_it_needs(stem, least: int):
    config = DenseNetConfig(stem=stem)
    message = (
        f"DenseNet needs images of at least {least}x{least} pixels, got 40x{least - 1}; use .*--image-size {least}$"
    )
    with pytest.raises(ConfigError, match=message):
        build("densenet121", InputSpec(kind="image", shape=(1, 40, least - 1)), 2, config)
    with torch.device("meta"):
        model = build("densenet121", InputSpec(kind="image", shape=(1, least, least)), 2, config).eval()
        assert model(torch.zeros(1, 1, least, least)).shape == (1, 2)


def test_refuses_a_share_that_is_none_and_tables():
    with pytest.raises(ConfigError, match=r"--layer-dropout must be at least 0 and below 1, got 1"):
        DenseNetConfig(layer_dropout=1.0)
