import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build, describe
from sonde.models.vit import Attention, Block, VisionTransformer, ViTConfig, resize_positions, vit_tiny_16

PHOTO = InputSpec(kind="image", shape=(3, 224, 224))
THUMBNAIL = InputSpec(kind="image", shape=(3, 32, 32))


def built(spec: InputSpec = THUMBNAIL, **settings) -> VisionTransformer:
    torch.manual_seed(0)
    return vit_tiny_16(spec, 10, ViTConfig(**settings))


@pytest.mark.parametrize(
    ("name", "parameters", "gmacs"),
    [  # torchvision's documented num_params and _ops of vit_b_16, vit_b_32, vit_l_16, vit_l_32
        ("vit-base-16", 86_567_656, 17.564),
        ("vit-base-32", 88_224_232, 4.409),
        ("vit-large-16", 304_326_632, 61.555),
        ("vit-large-32", 306_535_400, 15.378),
    ],
)
def test_parameters_and_arithmetic_are_the_published_ones(name: str, parameters: int, gmacs: float):
    facts = describe(name, PHOTO, 1000)
    assert facts.parameters == parameters
    assert facts.flops / 2e9 == pytest.approx(gmacs, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "millions"),
    [  # param_count of vit_*_patch*_224 in timm's results/results-imagenet.csv
        ("vit-tiny-16", 5.72),
        ("vit-small-16", 22.05),
        ("vit-base-8", 86.58),
    ],
)
def test_the_other_sizes_have_as_many_parameters_as_timms(name: str, millions: float):
    assert describe(name, PHOTO, 1000).parameters / 1e6 == pytest.approx(millions, abs=0.006)


def test_names_are_timms():
    with torch.device("meta"):
        names = set(build("vit-small-16", PHOTO, 1000).state_dict())
    parts = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
    expected = {f"blocks.{n}.{part}.{kind}" for n in range(12) for part in parts for kind in ("weight", "bias")}
    expected |= {f"{part}.{kind}" for part in ("patch_embed.proj", "norm", "head") for kind in ("weight", "bias")}
    assert names == expected | {"cls_token", "pos_embed"}
    assert "reg_token" in built(registers=2).state_dict()
    mean = built(pool="mean").state_dict()
    assert "fc_norm.weight" in mean
    assert "norm.weight" not in mean


def test_attention_is_the_softmax_of_scaled_products():
    torch.manual_seed(0)
    attention = Attention(192, dropout=0.0).double()
    tokens = torch.randn(2, 7, 192, dtype=torch.float64)
    query, key, value = attention.qkv(tokens).split(192, dim=-1)
    heads = []
    for head in range(3):
        part = slice(64 * head, 64 * (head + 1))
        scores = query[..., part] @ key[..., part].mT / math.sqrt(64)
        heads.append(scores.softmax(-1) @ value[..., part])
    torch.testing.assert_close(attention(tokens), attention.proj(torch.cat(heads, -1)), rtol=1e-10, atol=1e-12)


def test_gradients_of_a_block_are_those_of_differences():
    torch.manual_seed(0)
    block = Block(64, dropout=0.0, stochastic_depth=0.0).double()
    tokens = torch.randn(1, 3, 64, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(block, (tokens,), fast_mode=True)


@pytest.mark.parametrize(
    ("side", "settings", "grid"),
    [
        (224, {}, (14, 14)),
        (64, {}, (16, 16)),
        (80, {}, (5, 5)),
        (32, {"patch": 8}, (4, 4)),
        (28, {}, (7, 7)),
        (32, {"patch": 16}, (2, 2)),
    ],
)
def test_patches_of_four_pixels_up_to_64_and_of_the_name_above(side: int, settings: dict, grid: tuple[int, int]):
    with torch.device("meta"):
        model = vit_tiny_16(InputSpec(kind="image", shape=(1, side, side)), 10, ViTConfig(**settings))
    assert model.grid == grid
    assert model.pos_embed.shape == (1, 1 + grid[0] * grid[1], 192)


def test_grey_images_of_28_pixels_and_oblong_ones_go_through():
    for shape in ((1, 28, 28), (3, 32, 48)):
        model = built(InputSpec(kind="image", shape=shape)).eval()
        assert model(torch.randn(2, *shape)).shape == (2, 10)


def test_a_patch_is_a_token_in_reading_order():
    model = built()
    image = torch.zeros(1, 3, 32, 32)
    image[:, :, 4:8, 8:12] = 1.0  # row 1, column 2 of 8 columns
    tokens = model.patch_embed(image)[0]
    differs = (tokens - tokens[0]).abs().sum(-1) > 1e-6
    assert differs.nonzero().flatten().tolist() == [1 * 8 + 2]


def test_without_positions_the_order_of_patches_is_lost_and_with_them_it_is_not():
    model = built().eval()
    image = torch.randn(1, 3, 32, 32)
    swapped = image.roll(4, dims=-1)
    with torch.no_grad():
        assert not torch.allclose(model(image), model(swapped), atol=1e-5)
        model.pos_embed.zero_()
        torch.testing.assert_close(model(image), model(swapped), rtol=0, atol=1e-5)


def pooled(model: VisionTransformer, image: Tensor) -> Tensor:
    """What the head is given, and what the blocks gave."""
    seen: list[Tensor] = []

    def keep(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        seen.append(output if module is model.blocks else args[0])

    for part in (model.blocks, model.head):
        part.register_forward_hook(keep)
    with torch.no_grad():
        model.eval()(image)
    tokens, given = seen
    norm = model.fc_norm if model.mean else model.norm
    expected = tokens[:, model.prefix :].mean(1) if model.mean else tokens[:, 0]
    torch.testing.assert_close(given, norm(expected), rtol=0, atol=1e-5)
    return tokens


def test_the_head_reads_the_class_token_or_the_mean_of_the_patches():
    image = torch.randn(2, 3, 32, 32)
    assert pooled(built(), image).shape[1] == 65
    assert pooled(built(pool="mean"), image).shape[1] == 65
    assert pooled(built(pool="mean", registers=4), image).shape[1] == 69


def test_every_token_that_is_learned_gets_a_gradient():
    for pool in ("token", "mean"):
        model = built(pool=pool, registers=3)
        F.cross_entropy(model(torch.randn(4, 3, 32, 32)), torch.arange(4)).backward()
        for name in ("cls_token", "reg_token", "pos_embed"):
            gradient = model.get_parameter(name).grad
            assert gradient is not None
            assert (gradient.abs().sum(-1) > 0).all(), (pool, name)


def test_stochastic_depth_rises_to_the_last_block_and_dropout_acts_in_training_alone():
    model = built(stochastic_depth=0.22, dropout=0.5)
    rates = [block.drop_path1.probability for block in model.blocks]  # type: ignore[union-attr]
    assert rates == pytest.approx([0.02 * index for index in range(12)])
    image = torch.randn(1, 3, 32, 32)
    assert not torch.equal(model(image), model(image))
    model.eval()
    assert torch.equal(model(image), model(image))


def test_weights_start_as_the_paper_draws_them():
    model = built()
    assert model.blocks.get_parameter("3.mlp.fc1.weight").std().item() == pytest.approx(0.02, rel=0.02)
    assert model.pos_embed.std().item() == pytest.approx(0.02, rel=0.05)
    assert not model.head.bias.any()
    assert 0 < model.cls_token.abs().max().item() < 1e-5


def test_positions_are_interpolated_as_images_are():
    torch.manual_seed(0)
    positions = torch.randn(1, 2 + 49, 5)
    found = resize_positions(positions, (9, 4), prefix=2)
    assert torch.equal(found[:, :2], positions[:, :2])
    for channel in range(5):
        image = positions[0, 2:, channel].view(1, 1, 7, 7)
        by_hand = F.interpolate(image, size=(9, 4), mode="bicubic", antialias=True)
        torch.testing.assert_close(found[0, 2:, channel], by_hand.flatten(), rtol=0, atol=1e-6)
    assert torch.allclose(resize_positions(positions, (7, 7), prefix=2), positions, atol=1e-6)
    with pytest.raises(ValueError, match="50 positions do not form a square grid"):
        resize_positions(positions, (7, 7), prefix=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patch": 0}, "--patch must be at least 1, got 0"),
        ({"registers": -1}, "--registers must be at least 0, got -1"),
        ({"dropout": 1.0}, "--dropout must be at least 0 and below 1, got 1"),
        ({"stochastic_depth": -0.1}, "--stochastic-depth must be at least 0 and below 1, got -0.1"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        ViTConfig(**settings)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 100, 100), "images of 100x100 pixels do not divide into patches of 16x16; use --image-size 112"),
        ((1, 30, 30), "images of 30x30 pixels do not divide into patches of 4x4; use --image-size 32"),
        ((3, 3, 3), "use --image-size 4"),
    ],
)
def test_images_that_do_not_divide_into_patches_are_refused(shape: tuple[int, ...], message: str):
    with pytest.raises(ConfigError, match=message):
        built(InputSpec(kind="image", shape=shape))


def test_patches_that_are_left_out_do_not_count_and_the_others_keep_their_places() -> None:
    model = vit_tiny_16(InputSpec(kind="image", shape=(3, 16, 16)), 5, ViTConfig(registers=2)).eval()
    images = torch.randn(2, 3, 16, 16)
    everything = torch.arange(16).expand(2, -1)
    whole = model.tokens(images)
    assert whole.shape == (2, 3 + 16, 192)
    torch.testing.assert_close(model.tokens(images, everything), whole)
    turned = everything.flip(1)  # attention has no order of its own
    torch.testing.assert_close(model.tokens(images, turned)[:, 3:], whole[:, 3:].flip(1))
    part, painted = everything[:, 4:], images.clone()
    painted[:, :, :4] = 7.0  # the first row of patches
    torch.testing.assert_close(model.tokens(painted, part), model.tokens(images, part))
