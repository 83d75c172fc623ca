from typing import Any

import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.core.vocabulary import BEGIN, END
from sonde.models.bert import Bert, BertConfig, bert_base, bert_large, bert_mini, bert_small, bert_tiny
from sonde.nn.masked_tokens import TokenEncoder

# of Turc et al. 2019, table 1, and Devlin et al. 2018, in millions, with 30,522 symbols
PUBLISHED = [(bert_tiny, 4.4), (bert_mini, 11.2), (bert_small, 28.8), (bert_base, 109.5), (bert_large, 335.1)]


def spec(symbols: int = 50, length: int = 20) -> InputSpec:
    return InputSpec(kind="tokens", shape=(length,), symbols=symbols)


def small(**settings: Any) -> Bert:
    torch.manual_seed(0)
    return bert_tiny(spec(), 3, BertConfig(**settings)).eval()


@pytest.mark.parametrize(("build", "millions"), PUBLISHED)
def test_parameters_are_those_published(build: Any, millions: float) -> None:
    with torch.device("meta"):
        model = build(spec(30_522, 128), 10, BertConfig())
    counted = sum(p.numel() for p in model.parameters()) - sum(p.numel() for p in model.head.parameters())
    assert round(counted / 1e6, 1) == millions


def test_a_base_has_exactly_as_many_as_hugging_faces() -> None:
    with torch.device("meta"):
        model = bert_base(spec(30_522, 128), 10, BertConfig())
    assert sum(p.numel() for p in model.parameters()) - 10 * 769 == 109_482_240


def reference(model: Bert, tokens: torch.Tensor) -> torch.Tensor:
    """The same by torch's own encoder layers."""
    ends = (tokens == END).long()
    segments = ((ends.cumsum(1) - ends) > 0).long()
    inner = model.norm(model.words(tokens) + model.positions.weight[: tokens.shape[1]] + model.segments(segments))
    for block in model.blocks:
        layer = nn.TransformerEncoderLayer(128, 2, 512, 0.0, "gelu", 1e-12, batch_first=True).eval()
        weights = block.state_dict()
        layer.load_state_dict(
            {
                "self_attn.in_proj_weight": weights["attention.qkv.weight"],
                "self_attn.in_proj_bias": weights["attention.qkv.bias"],
                "self_attn.out_proj.weight": weights["attention.output.weight"],
                "self_attn.out_proj.bias": weights["attention.output.bias"],
                "linear1.weight": weights["feed_forward.first.weight"],
                "linear1.bias": weights["feed_forward.first.bias"],
                "linear2.weight": weights["feed_forward.second.weight"],
                "linear2.bias": weights["feed_forward.second.bias"],
                "norm1.weight": weights["attention_norm.weight"],
                "norm1.bias": weights["attention_norm.bias"],
                "norm2.weight": weights["feed_forward_norm.weight"],
                "norm2.bias": weights["feed_forward_norm.bias"],
            }
        )
        inner = layer(inner, src_key_padding_mask=tokens == 0)
    return inner


def test_hidden_tokens_are_those_of_torchs_own_layers() -> None:
    model = small()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.1)
    tokens = torch.tensor([[BEGIN, 7, 8, END, 9, 10, END], [BEGIN, 11, END, 12, END, 0, 0]])
    with torch.no_grad():
        found, other = model.hidden(tokens), reference(model, tokens)
    torch.testing.assert_close(found[tokens != 0], other[tokens != 0], atol=1e-5, rtol=1e-4)
    assert isinstance(model, TokenEncoder)


def test_padding_changes_nothing_and_every_token_is_looked_at() -> None:
    model = small()
    tokens = torch.tensor([[7, 8, 9, 10]])
    plain = model(tokens)
    torch.testing.assert_close(model(nn.functional.pad(tokens, (0, 5))), plain)
    for place in range(4):
        other = tokens.clone()
        other[0, place] = 20
        assert not torch.allclose(model(other), plain, atol=1e-6)


def test_order_and_segment_matter() -> None:
    model = small()
    one = model.hidden(torch.tensor([[BEGIN, 7, END, 8]]))
    other = model.hidden(torch.tensor([[BEGIN, 7, 6, 8]]))
    assert not torch.allclose(one[0, 3], other[0, 3], atol=1e-3)
    assert not torch.allclose(model(torch.tensor([[7, 8]])), model(torch.tensor([[8, 7]])), atol=1e-6)


def test_rows_longer_than_its_positions_are_refused() -> None:
    message = "positions; cut them with --max-tokens 15, or give --max-positions"
    with pytest.raises(ConfigError, match=f"rows of up to 20 tokens are longer than BERT's 16 {message} 21"):
        small(max_positions=16)
    model = small(max_positions=20)
    with pytest.raises(
        ConfigError, match="rows of 21 tokens, the class token included, are longer than BERT's 20 positions"
    ):
        model(torch.full((1, 20), 7))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_positions": 1}, "--max-positions must be at least 2, got 1"),
        ({"dropout": 1.0}, "--dropout must be at least 0 and below 1, got 1"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        BertConfig(**settings)
