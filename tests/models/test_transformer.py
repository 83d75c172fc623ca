"""Encoder-decoder transformers beside torch's own layers with the same weights."""

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.transformer import Transformer, TransformerConfig, transformer_base, transformer_tiny
from sonde.nn.positions import sinusoidal

SYMBOLS, ANSWERS = 40, 30
SPEC = InputSpec(kind="tokens", shape=(12,), symbols=SYMBOLS)


def built(seed: int = 0, **settings: object) -> Transformer:
    torch.manual_seed(seed)
    config = TransformerConfig(dropout=0.0, **settings)  # type: ignore[arg-type]
    answers = SYMBOLS if config.tied == "all" else ANSWERS
    return Transformer(SPEC, answers, config, dim=32, heads=4, hidden=48, layers=3).double().eval()


def pairs(rows: int = 3, seed: int = 1) -> tuple[Tensor, Tensor]:
    drawn = torch.Generator().manual_seed(seed)
    source = torch.randint(4, SYMBOLS, (rows, 7), generator=drawn)
    target = torch.randint(4, ANSWERS, (rows, 6), generator=drawn)
    target[:, 0] = 2
    source[1, 5:], target[1, 4:] = 0, 0
    return source, target


def copied(model: Transformer, norm: Literal["pre", "post"]) -> tuple[nn.TransformerEncoder, nn.TransformerDecoder]:
    """torch's own with the model's weights."""
    settings = {"dropout": 0.0, "batch_first": True, "norm_first": norm == "pre", "dtype": torch.float64}
    last = nn.LayerNorm(32, dtype=torch.float64) if norm == "pre" else None
    end = nn.LayerNorm(32, dtype=torch.float64) if norm == "pre" else None
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(32, 4, 48, **settings),
        3,
        last,
        enable_nested_tensor=False,  # type: ignore[arg-type]
    )
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(32, 4, 48, **settings), 3, end)  # type: ignore[arg-type]
    if norm == "pre":
        assert last is not None
        assert end is not None
        last.load_state_dict(model.encoder_norm.state_dict())
        end.load_state_dict(model.decoder_norm.state_dict())
    for theirs, ours in [
        *zip(encoder.layers, model.encoder, strict=True),
        *zip(decoder.layers, model.decoder, strict=True),
    ]:
        copy_layer(theirs, ours)
    return encoder.eval(), decoder.eval()


@torch.no_grad()
def copy_layer(theirs: nn.Module, ours: nn.Module) -> None:
    held = dict(ours.named_parameters())
    names = {
        "self_attn.in_proj_weight": "attention.qkv.weight",
        "self_attn.in_proj_bias": "attention.qkv.bias",
        "self_attn.out_proj.weight": "attention.output.weight",
        "self_attn.out_proj.bias": "attention.output.bias",
        "linear1.weight": "feed_forward.first.weight",
        "linear1.bias": "feed_forward.first.bias",
        "linear2.weight": "feed_forward.second.weight",
        "linear2.bias": "feed_forward.second.bias",
        "multihead_attn.out_proj.weight": "cross.output.weight",
        "multihead_attn.out_proj.bias": "cross.output.bias",
    }
    norms = (
        ["attention_norm", "cross_norm", "feed_forward_norm"]
        if "cross.output.bias" in held
        else [
            "attention_norm",
            "feed_forward_norm",
        ]
    )
    names |= {f"norm{i + 1}.{part}": f"{norm}.{part}" for i, norm in enumerate(norms) for part in ("weight", "bias")}
    for name, value in theirs.named_parameters():
        if name.startswith("multihead_attn.in_proj"):
            part = name.rsplit("_", 1)[1]
            value.copy_(torch.cat([held[f"cross.query.{part}"], held[f"cross.key_value.{part}"]]))
        else:
            value.copy_(held[names[name]])


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_logits_are_those_of_torchs_layers_with_the_same_weights(norm: Literal["pre", "post"]) -> None:
    model = built(norm=norm)
    with torch.no_grad():
        for parameter in model.parameters():  # norms and biases would hide behind ones and zeros
            parameter.add_(0.1 * torch.randn_like(parameter))
    encoder, decoder = copied(model, norm)
    source, target = pairs()
    places = sinusoidal(20, 32).double()
    assert model.target is not None
    first = model.source.weight[source] * 32**0.5 + places[:7]
    second = model.target.weight[target] * 32**0.5 + places[:6]
    encoded = encoder(first, src_key_padding_mask=source == 0)
    future = torch.ones(6, 6, dtype=torch.bool).triu(1)
    read = decoder(second, encoded, tgt_mask=future, tgt_is_causal=True, memory_key_padding_mask=source == 0)
    expected = read @ model.target.weight.T
    found = model(source, target)
    there = target != 0
    assert expected[there].std() > 0.1
    torch.testing.assert_close(found[there], expected[there], atol=1e-10, rtol=0)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_padding_and_the_future_change_nothing(norm: Literal["pre", "post"]) -> None:
    model, (source, target) = built(norm=norm), pairs()
    found = model(source, target)
    wider = torch.nn.functional.pad(source, (0, 4))
    torch.testing.assert_close(model(wider, target), found)
    longer = torch.nn.functional.pad(target, (0, 3))
    torch.testing.assert_close(model(source, longer)[:, :6], found)
    for place in range(1, 6):
        other = target.clone()
        other[:, place] = (other[:, place] + 1) % ANSWERS
        changed = (model(source, other) - found).abs().amax((0, 2)) > 1e-9
        assert changed.tolist() == [n >= place for n in range(6)]
    other = source.clone()
    other[0, 3] = 4 + (other[0, 3] - 3) % 30
    assert ((model(other, target) - found).abs().amax((1, 2)) > 1e-9).tolist() == [True, False, False]


@pytest.mark.parametrize("tied", ["all", "output", "none"])
def test_step_by_step_it_says_what_it_says_at_once(tied: Literal["all", "output", "none"]) -> None:
    model, (source, target) = built(tied=tied), pairs()
    state = model.begin(source, 6)
    steps = torch.stack([model.step(token, state) for token in target.T], 1)
    torch.testing.assert_close(steps, model(source, target))


def test_beams_go_on_from_one_another_and_rows_leave() -> None:
    model, (source, target) = built(), pairs()
    state = model.begin(source, 4)
    model.step(target[:, 0], state)
    rows = torch.tensor([0, 0, 2, 2])
    state.keep(rows)
    model.step(torch.tensor([5, 6, 7, 8]), state)
    state.reorder(torch.tensor([1, 1, 2, 3]))
    found = model.step(torch.tensor([9, 10, 11, 12]), state)
    said = torch.tensor([[2, 6, 9], [2, 6, 10], [2, 7, 11], [2, 8, 12]])
    torch.testing.assert_close(found, model(source[rows], said)[:, -1])


def test_what_is_tied_is_one_matrix() -> None:
    counts = {tied: sum(p.numel() for p in built(tied=tied).parameters()) for tied in ("all", "output", "none")}
    assert counts["output"] - counts["all"] == ANSWERS * 32
    assert counts["none"] - counts["output"] == ANSWERS * 32


def test_attention_is_a_distribution_over_what_is_no_padding() -> None:
    model, (source, target) = built(), pairs()
    weights = model.attention(source, target)
    assert weights.shape == (3, 6, 7)
    torch.testing.assert_close(weights.sum(2), torch.ones(3, 6))
    assert (weights[1, :, 5:] == 0).all()
    assert weights[0].std() > 0.01
    assert not model.decoder[1].get_submodule("cross")._forward_pre_hooks


def test_longer_rows_than_positions_are_kept_for() -> None:
    model = built()
    source = torch.randint(4, SYMBOLS, (1, 600), generator=torch.Generator().manual_seed(0))
    found = model(source, torch.tensor([[2, 5]]))
    assert found.isfinite().all()
    changed = source.clone()
    changed[0, 599] = 4 + (changed[0, 599] - 3) % 30
    assert not torch.equal(model(changed, torch.tensor([[2, 5]])), found)


def test_the_base_model_is_the_papers() -> None:
    """6 + 6 layers of 512: 65 million parameters with 37,000 shared symbols (Vaswani et al. 2017, table 3)."""
    with torch.device("meta"):
        spec = InputSpec(kind="tokens", shape=(64,), symbols=37_000)
        model = transformer_base(spec, 37_000, TransformerConfig(norm="post", tied="all"))
    dim, hidden = 512, 2048
    attention, mlp, norm = 4 * dim * (dim + 1), 2 * dim * hidden + dim + hidden, 2 * dim
    expected = 37_000 * dim + 6 * (attention + mlp + 2 * norm) + 6 * (2 * attention + mlp + 3 * norm)
    assert sum(p.numel() for p in model.parameters()) == expected
    assert round(expected / 1e6) in (63, 65)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="^--tied all needs one vocabulary for both sides, and they have 40 and 30 symbols"
    ):
        transformer_tiny(SPEC, ANSWERS, TransformerConfig(tied="all"))
    with pytest.raises(ConfigError, match="^--dropout must be at least 0 and below 1, got 1"):
        TransformerConfig(dropout=1.0)
