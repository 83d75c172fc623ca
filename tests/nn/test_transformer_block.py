import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.nn.attention import CrossAttention, SelfAttention, within
from sonde.nn.transformer_block import FeedForward, TransformerBlock, norm

NAMES = {
    "self_attn.in_proj_": "attention.qkv.",
    "self_attn.out_proj.": "attention.output.",
    "linear1.": "feed_forward.first.",
    "linear2.": "feed_forward.second.",
}
OF_ENCODER = {"norm1.": "attention_norm.", "norm2.": "feed_forward_norm."}
OF_DECODER = {
    "norm1.": "attention_norm.",
    "norm2.": "cross_norm.",
    "norm3.": "feed_forward_norm.",
    "multihead_attn.out_proj.": "cross.output.",
}


def block(*, pre: bool, cross: bool = False, activation: str = "relu", **settings: object) -> TransformerBlock:
    torch.manual_seed(0)
    made = TransformerBlock(
        16,
        SelfAttention(16, 4),
        FeedForward(16, 40, activation=activation),  # type: ignore[arg-type]
        cross=CrossAttention(16, 4) if cross else None,
        pre=pre,
        **settings,  # type: ignore[arg-type]
    )
    for parameter in made.parameters():  # norms and biases too
        parameter.data += 0.1 * torch.randn_like(parameter)
    return made.double().eval()


def copy_into(theirs: nn.Module, own: TransformerBlock, names: dict[str, str]) -> None:
    for their, our in names.items():
        for kind in ("weight", "bias"):
            theirs.get_parameter(f"{their}{kind}").data.copy_(own.get_parameter(f"{our}{kind}"))


def tokens(length: int, seed: int = 0) -> Tensor:
    return torch.randn(3, length, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("pre", [True, False])
def test_equals_torchs_encoder_layer(pre: bool, activation: str) -> None:
    own = block(pre=pre, activation=activation)
    theirs = nn.TransformerEncoderLayer(16, 4, 40, 0.0, activation, batch_first=True, norm_first=pre).double()
    copy_into(theirs, own, NAMES | OF_ENCODER)
    there = within(torch.tensor([6, 2, 4]), 6)
    close(own(tokens(6), mask=there[:, None, None]), theirs(tokens(6), src_key_padding_mask=~there))


@pytest.mark.parametrize("pre", [True, False])
def test_equals_torchs_decoder_layer(pre: bool) -> None:
    own = block(pre=pre, cross=True)
    assert own.cross is not None
    theirs = nn.TransformerDecoderLayer(16, 4, 40, 0.0, batch_first=True, norm_first=pre).double()
    copy_into(theirs, own, NAMES | OF_DECODER)
    for kind in ("weight", "bias"):
        joint = torch.cat([own.get_parameter(f"cross.{part}.{kind}") for part in ("query", "key_value")])
        theirs.get_parameter(f"multihead_attn.in_proj_{kind}").data.copy_(joint)
    other, there = tokens(7, seed=1), within(torch.tensor([7, 3, 5]), 7)
    future = torch.ones(6, 6, dtype=torch.bool).triu(1)
    expected = theirs(tokens(6), other, tgt_mask=future, memory_key_padding_mask=~there)
    found = own(tokens(6), causal=True, context=own.cross.project(other), context_mask=there[:, None, None])
    close(found, expected)


def test_a_gated_mlp_is_silu_of_one_half_times_the_other() -> None:
    own = FeedForward(16, 40, activation="swiglu", bias=False).double()
    gate, value = own.first.weight.chunk(2)
    given = tokens(5)
    expected = (F.silu(given @ gate.T) * (given @ value.T)) @ own.second.weight.T
    close(own(given), expected)
    assert own.first.weight.shape == (80, 16)


def test_the_approximate_gelu_is_gpt2s() -> None:
    own, given = FeedForward(16, 40, activation="gelu-tanh").double(), tokens(5)
    inner = own.first(given)
    told = 0.5 * inner * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (inner + 0.044715 * inner**3)))
    close(own(given), own.second(told))


def test_norms_are_torchs_definitions() -> None:
    given = tokens(5)
    close(norm("rms", 16).double()(given), given / (given.square().mean(-1, keepdim=True) + 1e-5).sqrt())
    centred = given - given.mean(-1, keepdim=True)
    close(norm("layer", 16).double()(given), centred / (given.var(-1, correction=0, keepdim=True) + 1e-5).sqrt())
    assert norm("layer", 16, bias=False).bias is None
    assert isinstance(block(pre=True, norm_kind="rms").feed_forward_norm, nn.RMSNorm)


def test_a_block_without_a_context_looks_at_no_other_sequence() -> None:
    own, given = block(pre=True, cross=True), tokens(5)
    plain = block(pre=True)
    plain.load_state_dict({n: p for n, p in own.state_dict().items() if not n.startswith("cross")})
    close(own(given), plain(given))


def test_dropout_falls_on_what_each_part_adds_and_on_nothing_else() -> None:
    torch.manual_seed(0)
    made = TransformerBlock(16, SelfAttention(16, 4, dropout=0.99), FeedForward(16, 40, dropout=0.99))
    given = torch.randn(50, 5, 16)
    kept = (made(given) == given).float().mean()  # where neither part was added
    assert kept.item() == pytest.approx(0.99**2, abs=0.02)
    assert not torch.equal(made.eval()(given), given)
