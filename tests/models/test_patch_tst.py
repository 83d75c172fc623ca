import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.patch_tst import Layer, PatchTST, PatchTSTConfig

SPEC = InputSpec(kind="series", shape=(336, 7))


def test_parameters_are_as_many_as_the_paper_s_layers_have() -> None:
    """42 patches of a look-back of 336, as the name PatchTST/42 says; widths of the paper's appendix for ETTh1."""
    dim, hidden, patches, horizon = 16, 128, (336 - 16) // 8 + 2, 96
    model = PatchTST(SPEC, horizon, PatchTSTConfig())
    assert patches == 42
    layer = 4 * (dim * dim + dim) + 2 * 2 * dim + (dim * hidden + hidden) + (hidden * dim + dim)
    expected = (16 * dim + dim) + patches * dim + 3 * layer + (patches * dim * horizon + horizon)
    assert sum(p.numel() for p in model.parameters()) == expected


def test_a_layer_is_torch_s_with_batch_norm() -> None:
    config = PatchTSTConfig(dropout=0.0)
    ours = Layer(config).eval()
    theirs = nn.TransformerEncoderLayer(16, 4, 128, dropout=0.0, activation="gelu", batch_first=True).eval()
    ours_attention, theirs_attention = ours.attention, theirs.self_attn
    with torch.no_grad():
        theirs_attention.in_proj_weight.copy_(ours_attention.qkv.weight)
        theirs_attention.in_proj_bias.copy_(ours_attention.qkv.bias)
        theirs_attention.out_proj.load_state_dict(ours_attention.output.state_dict())
        theirs.linear1.load_state_dict(ours.feed_forward.first.state_dict())
        theirs.linear2.load_state_dict(ours.feed_forward.second.state_dict())
        tokens = torch.randn(3, 10, 16)
        attended = tokens + theirs_attention(tokens, tokens, tokens, need_weights=False)[0]
        attended = ours.attention_norm(attended.transpose(1, 2)).transpose(1, 2)
        expected = attended + theirs.linear2(nn.functional.gelu(theirs.linear1(attended)))
        expected = ours.feed_forward_norm(expected.transpose(1, 2)).transpose(1, 2)
        torch.testing.assert_close(ours(tokens), expected, atol=1e-5, rtol=1e-5)


def test_every_variable_is_by_itself_and_on_its_own_scale() -> None:
    model = PatchTST(SPEC, 24, PatchTSTConfig()).eval()
    input = torch.randn(2, 336, 7)
    found = model(input)
    assert found.shape == (2, 24, 7)
    moved = input * torch.linspace(1, 4, 7) + torch.arange(7.0)
    torch.testing.assert_close(model(moved), found * torch.linspace(1, 4, 7) + torch.arange(7.0), atol=1e-3, rtol=1e-3)
    turned = input[:, :, [6, 5, 4, 3, 2, 1, 0]]
    torch.testing.assert_close(model(turned), found[:, :, [6, 5, 4, 3, 2, 1, 0]], atol=1e-5, rtol=1e-5)


def test_the_last_patch_repeats_the_last_value() -> None:
    model = PatchTST(InputSpec(kind="series", shape=(32, 1)), 4, PatchTSTConfig())
    seen: list[torch.Tensor] = []
    model.embed.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    ramp = torch.arange(32.0).view(1, 32, 1)
    model.eval()(ramp)
    patches = seen[0][0] * ramp.std(unbiased=False) + ramp.mean()
    assert patches.shape == (4, 16)
    torch.testing.assert_close(
        patches[-1], torch.tensor([*range(24, 32), *[31] * 8], dtype=torch.float32), atol=1e-3, rtol=0
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"width": 10, "heads": 4}, "--width 10 must be divisible by --heads 4"),
        ({"patch_stride": 0}, "--patch-stride must be at least 1, got 0"),
     ({"dropout": 1.0}, "--dropout must be at least 0 and below 1, got 1")],
)  # fmt: skip
def test_settings_out_of_range_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        PatchTSTConfig(**settings)  # type: ignore[arg-type]


def test_a_look_back_without_a_patch_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="a look-back of 12 steps is shorter than one patch of 16; use a longer --look-back"
    ):
        PatchTST(InputSpec(kind="series", shape=(12, 1)), 4, PatchTSTConfig())
