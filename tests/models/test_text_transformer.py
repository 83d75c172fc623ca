import dataclasses
from typing import Any

import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.text_transformer import TextTransformer, TextTransformerConfig, text_transformer
from sonde.nn.positions import sinusoidal
from sonde.nn.sequence_input import SPREAD

TEXT = InputSpec(kind="tokens", shape=(9,), symbols=20)
SIZES = TextTransformerConfig(width=16, layers=2, heads=2)
POSITIONS = ("sinusoidal", "learned", "rotary", "alibi", "none")
TOKENS = torch.tensor([[5, 6, 7, 8, 9, 10, 11, 12, 13], [4, 19, 5, 6, 0, 0, 0, 0, 0]])


def built(**settings: Any) -> TextTransformer:
    torch.manual_seed(0)
    return text_transformer(TEXT, 3, dataclasses.replace(SIZES, **settings)).eval()


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
