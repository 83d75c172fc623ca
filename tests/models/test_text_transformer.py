import dataclasses
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.text_transformer import TextTransformer, TextTransformerConfig
from sonde.nn.positions import sinusoidal
from sonde.nn.sequence_input import SPREAD

TEXT = InputSpec(kind="tokens", shape=(9,), symbols=20)
SIZES = TextTransformerConfig(width=16, layers=2, heads=2)
POSITIONS = ("sinusoidal", "learned", "rotary", "alibi", "none")
TOKENS = torch.tensor([[5, 6, 7, 8, 9, 10, 11, 12, 13], [4, 19, 5, 6, 0, 0, 0, 0, 0]])


def built(*, input: InputSpec = TEXT, **settings: Any) -> TextTransformer:
    torch.manual_seed(0)
    return TextTransformer(input, 3, dataclasses.replace(SIZES, **settings)).eval()


@pytest.mark.parametrize("pre", [True, False])
def test_equals_torchs_encoder_with_the_same_weights(pre: bool) -> None:
    model = built(pre_norm=pre, activation="relu").double()
    layer = nn.TransformerEncoderLayer(16, 2, 64, 0.0, "relu", batch_first=True, norm_first=pre)
    theirs = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).double().eval()
    names = {
        "self_attn.in_proj": "attention.qkv",
        "self_attn.out_proj": "attention.output",
        "linear1": "feed_forward.first",
        "linear2": "feed_forward.second",
        "norm1": "attention_norm",
        "norm2": "feed_forward_norm",
    }
    for place, ours in enumerate(model.layers):
        for their, own in names.items():
            for kind in ("weight", "bias"):
                joint = "_" if their.endswith("in_proj") else "."
                theirs.layers[place].get_parameter(f"{their}{joint}{kind}").data.copy_(
                    ours.get_parameter(f"{own}.{kind}")
                )
    given = model.input.embedding(TOKENS) + SPREAD * sinusoidal(9, 16).double()
    read = theirs(given, src_key_padding_mask=TOKENS == 0)
    pooled = torch.stack([read[0].mean(0), read[1, :4].mean(0)])
    torch.testing.assert_close(model(TOKENS), model.head(model.norm(pooled)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("pool", ["mean", "token"])
@pytest.mark.parametrize("positions", POSITIONS)
def test_padding_changes_nothing_whatever_tells_the_order(positions: str, pool: str) -> None:
    model = built(positions=positions, pool=pool).double()
    torch.testing.assert_close(model(TOKENS)[1], model(TOKENS[1:, :4])[0], rtol=0, atol=1e-12)
    assert model(torch.tensor([[5, 6], [0, 0]])).isfinite().all()  # an empty row too


def sharpened(**settings: Any) -> TextTransformer:
    """With attention that prefers some tokens to others."""
    model = built(**settings).double()
    for layer in model.layers:
        nn.init.normal_(layer.get_parameter("attention.qkv.weight"), std=0.5)
    return model


@pytest.mark.parametrize("pool", ["mean", "token"])
@pytest.mark.parametrize("positions", POSITIONS)
def test_the_order_matters_unless_nothing_tells_it(positions: str, pool: str) -> None:
    model = sharpened(positions=positions, pool=pool)
    changed = (model(TOKENS[:1, [1, 0, *range(2, 9)]]) - model(TOKENS[:1])).abs().max()
    assert changed < 1e-12 if positions == "none" else changed > 1e-5


def by_hand(model: TextTransformer, row: Tensor) -> Tensor:
    """One row without padding (T,) -> (classes,) in float64, as the papers write it; two heads of eight channels."""
    own = {name: value.detach().double() for name, value in model.state_dict().items()}
    length, waves = len(row), 10_000.0 ** -(torch.arange(8, dtype=torch.float64) / 8)
    places = torch.arange(length, dtype=torch.float64)
    tokens = own["input.embedding.weight"][row]
    if model.positions == "sinusoidal":
        angles = places[:, None] * waves
        tokens = tokens + SPREAD * torch.stack([angles.sin(), angles.cos()], 2).flatten(1)
    if model.positions == "learned":
        tokens = tokens + own["learned"][:length]

    def dense(name: str, given: Tensor) -> Tensor:
        return given @ own[f"{name}.weight"].T + own[f"{name}.bias"]

    def normed(name: str, given: Tensor) -> Tensor:
        return F.layer_norm(given, (16,), own[f"{name}.weight"], own[f"{name}.bias"])

    def turned(part: Tensor) -> Tensor:  # channels k and k + 4 are one complex number
        spun = torch.complex(part[:, :4], part[:, 4:]) * torch.polar(
            torch.ones(()).double(), places[:, None] * waves[::2]
        )
        return torch.cat([spun.real, spun.imag], 1)

    for layer in ("layers.0", "layers.1"):
        parts = dense(f"{layer}.attention.qkv", normed(f"{layer}.attention_norm", tokens)).split(8, dim=1)
        mixed = []
        for head, slope in enumerate((2.0**-4, 2.0**-8)):
            query, key, value = parts[head::2]
            if model.positions == "rotary":
                query, key = turned(query), turned(key)
            scores = query @ key.T / 8**0.5
            if model.positions == "alibi":
                scores = scores - slope * (places[:, None] - places).abs()
            mixed.append(scores.exp() / scores.exp().sum(1, keepdim=True) @ value)
        tokens = tokens + dense(f"{layer}.attention.output", torch.cat(mixed, 1))
        inner = F.gelu(dense(f"{layer}.feed_forward.first", normed(f"{layer}.feed_forward_norm", tokens)))
        tokens = tokens + dense(f"{layer}.feed_forward.second", inner)
    return dense("head", normed("norm", tokens.mean(0)))


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("width", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("positions", POSITIONS)
def test_it_is_the_papers_in_every_width(positions: str, width: torch.dtype, narrow: bool) -> None:
    """Rows longer than the vectors that a processor computes with, the second padded; narrow is under autocast."""
    rows = torch.randint(4, 20, (2, 21), generator=torch.Generator().manual_seed(1))
    rows[1, 17:] = 0
    model = sharpened(positions=positions, input=dataclasses.replace(TEXT, shape=(21,))).to(width)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=narrow):
        found = model(rows).double()
    expected = torch.stack([by_hand(model, rows[0]), by_hand(model, rows[1, :17])])
    # tables of sines and angles are float32, whatever the width
    error = {torch.float64: 1e-6, torch.float32: 1e-5, torch.bfloat16: 0.06}[
        torch.bfloat16 if narrow and width == torch.float32 else width
    ]
    torch.testing.assert_close(found, expected, rtol=0, atol=error)


def test_distances_alone_do_not_tell_left_from_right() -> None:
    for positions, told in (("alibi", False), ("rotary", True)):
        model = sharpened(positions=positions)
        changed = (model(TOKENS[:1]) - model(TOKENS[:1].flip(1))).abs().max()
        assert (changed > 1e-5) == told


def test_positions_know_no_end_but_learned_ones() -> None:
    longer = torch.randint(4, 20, (1, 30))
    for positions in ("sinusoidal", "rotary", "alibi", "none"):
        assert built(positions=positions)(longer).isfinite().all()
    with pytest.raises(ConfigError, match="a row of 30 tokens is longer than the 9 learned positions; truncate it"):
        built(positions="learned")(longer)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 10, "heads": 4}, "--heads 4 must divide --width 10"),
        ({"width": 6, "heads": 2, "positions": "rotary"}, "--positions rotary pairs channels, and a head has 3"),
        ({"mlp_ratio": 0}, "--mlp-ratio must be at least 1, got 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TextTransformerConfig(**settings)
