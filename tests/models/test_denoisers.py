from typing import Any

import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.denoiser_mlp import DenoiserMLP, DenoiserMLPConfig
from sonde.models.denoiser_transformer import DenoiserTransformer, DenoiserTransformerConfig
from sonde.models.denoiser_unet import DenoiserUNet, DenoiserUNetConfig


def unet(*shape: int, **settings: Any) -> DenoiserUNet:
    torch.manual_seed(0)
    spec = InputSpec(kind="image", shape=shape)
    return DenoiserUNet(spec, 1, DenoiserUNetConfig(**{"widths": (8, 16), "heads": 2, **settings}))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 7), (2, 1, 5)])
@pytest.mark.parametrize("patch", [1, 2])
def test_what_comes_out_is_like_what_goes_in_whatever_the_size(shape: tuple[int, ...], patch: int) -> None:
    made, given = unet(*shape, patch=patch), torch.randn(2, *shape)
    assert made(given, torch.randn(2, made.condition)).shape == given.shape


def test_it_begins_by_answering_0() -> None:
    made = unet(1, 8, 8)
    assert made(torch.randn(2, 1, 8, 8), torch.randn(2, made.condition)).abs().max() == 0
    flat = DenoiserMLP(InputSpec(kind="table", shape=(5,)), 1, DenoiserMLPConfig(width=8, layers=2))
    assert flat(torch.randn(2, 5), torch.randn(2, flat.condition)).abs().max() == 0


@pytest.mark.parametrize("kind", ["unet", "mlp"])
def test_rows_do_not_mix_and_the_condition_counts(kind: str) -> None:
    spec = InputSpec(kind="image", shape=(1, 8, 8))
    made = unet(1, 8, 8) if kind == "unet" else DenoiserMLP(spec, 1, DenoiserMLPConfig(width=8, layers=2))
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    given, condition = torch.randn(3, 1, 8, 8), torch.randn(3, made.condition)
    whole = made(given, condition)
    torch.testing.assert_close(whole[1:2], made(given[1:2], condition[1:2]), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(whole, made(given, condition.flip(0)))


def test_every_weight_gets_a_gradient_once_the_network_has_moved() -> None:
    made = unet(1, 8, 8)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    made(torch.randn(2, 1, 8, 8), torch.randn(2, made.condition)).square().mean().backward()
    assert [name for name, p in made.named_parameters() if p.grad is None or p.grad.abs().max() == 0] == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths": (12,)}, "--widths are multiples of 8, got 12"),
        ({"heads": 3}, "--heads must divide the last of --widths, 16, or be 0 for no attention; got 3"),
        ({"dropout": 1.0}, "--dropout must lie from 0 to below 1, got 1"),
        ({"patch": 0}, "--patch must be at least 1, got 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        unet(1, 8, 8, **settings)


def dit(*shape: int, **settings: Any) -> DenoiserTransformer:
    torch.manual_seed(0)
    spec = InputSpec(kind="image", shape=shape)
    return DenoiserTransformer(spec, 1, DenoiserTransformerConfig(**{"width": 16, "layers": 2, "heads": 2, **settings}))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 7)])
def test_a_transformer_answers_in_the_input_s_shape_and_begins_with_0(shape: tuple[int, ...]) -> None:
    made, given = dit(*shape), torch.randn(2, *shape)
    found = made(given, torch.randn(2, made.condition))
    assert found.shape == given.shape
    assert found.abs().max() == 0


def test_a_transformer_s_patches_come_back_where_they_were() -> None:
    """With blocks that do nothing and a head that gives a patch's own number, each patch is answered in its place."""
    made = dit(1, 4, 6)
    marked = torch.arange(6.0)  # one number a patch, in the first channel
    with torch.no_grad():
        made.places.zero_()
        made.places[0, :, 0] = marked
        made.stem.weight.zero_()
        made.stem.bias.zero_()  # type: ignore[union-attr]
        made.norm = torch.nn.Identity()  # type: ignore[assignment]
        made.head.weight[:, 0] = 1
    found = made(torch.randn(1, 1, 4, 6), torch.zeros(1, made.condition))
    expected = marked.view(1, 1, 2, 3).repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(found, expected)


def test_every_weight_of_a_transformer_gets_a_gradient() -> None:
    made = dit(1, 8, 8)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    made(torch.randn(2, 1, 8, 8), torch.randn(2, made.condition)).square().mean().backward()
    assert [name for name, p in made.named_parameters() if p.grad is None or p.grad.abs().max() == 0] == []


def of_clips(*shape: int, **settings: Any) -> DenoiserUNet:
    torch.manual_seed(0)
    config = DenoiserUNetConfig(**{"widths": (8, 16), "heads": 2, **settings})
    return DenoiserUNet(InputSpec(kind="video", shape=shape), 1, config)


def test_of_clips_it_is_the_network_of_images_with_attention_in_time() -> None:
    images, clips = unet(1, 8, 8), of_clips(3, 1, 8, 8)
    for parameter in images.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    absent = clips.load_state_dict(images.state_dict(), strict=False)
    assert absent.unexpected_keys == []
    assert all("time" in name for name in absent.missing_keys)
    given, condition = torch.randn(2, 3, 1, 8, 8), torch.randn(2, clips.condition)
    alone = images(given.flatten(0, 1), condition.repeat_interleave(3, 0)).view_as(given)
    torch.testing.assert_close(clips(given, condition), alone, rtol=1e-4, atol=1e-4)  # which begins by adding nothing


@pytest.mark.parametrize("shape", [(3, 1, 8, 8), (2, 3, 9, 7), (1, 1, 4, 4)])
def test_frames_of_a_clip_mix_and_clips_do_not(shape: tuple[int, ...]) -> None:
    made = of_clips(*shape, patch=2)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    given, condition = torch.randn(2, *shape), torch.randn(2, made.condition)
    whole = made(given, condition)
    assert whole.shape == given.shape
    other = given.clone()
    other[0, -1] += 1.0
    changed = made(other, condition)
    torch.testing.assert_close(whole[1], changed[1], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(whole[0, 0], changed[0, 0])
    changed.square().mean().backward()
    assert [name for name, p in made.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"heads": 0}, "--heads must divide each of --widths, .*: 0 leaves frames that know nothing of each other"),
        ({"widths": (8, 24), "heads": 3}, "3 does not divide 8"),
    ],
)
def test_clips_without_attention_in_time_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        of_clips(3, 1, 8, 8, **settings)
