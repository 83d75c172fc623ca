import pytest
import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build
from sonde.models.converted import renamed
from sonde.models.pretrained import load_pretrained

CONTEXT, SYMBOLS, DIM, DEPTH = 8, 20, 128, 4


def model() -> nn.Module:
    torch.manual_seed(0)
    return build("gpt-small", InputSpec(kind="tokens", shape=(CONTEXT,), symbols=SYMBOLS), SYMBOLS)


def theirs(
    *, turned: bool, biases: bool = True, prefix: str = "transformer.", positions: int = 16
) -> dict[str, Tensor]:
    """Weights of the same network under the names that GPT-2 has had since its first program."""
    drawn = torch.Generator().manual_seed(1)
    shapes: dict[str, tuple[int, ...]] = {"wte.weight": (SYMBOLS, DIM), "wpe.weight": (positions, DIM)}
    for number in range(DEPTH):
        for part, outputs, inputs in (
            ("attn.c_attn", 3 * DIM, DIM),
            ("attn.c_proj", DIM, DIM),
            ("mlp.c_fc", 4 * DIM, DIM),
            ("mlp.c_proj", DIM, 4 * DIM),
        ):
            shapes[f"h.{number}.{part}.weight"] = (inputs, outputs) if turned else (outputs, inputs)
            shapes[f"h.{number}.{part}.bias"] = (outputs,)
        for part in ("ln_1", "ln_2"):
            shapes |= {f"h.{number}.{part}.weight": (DIM,), f"h.{number}.{part}.bias": (DIM,)}
    shapes |= {"ln_f.weight": (DIM,), "ln_f.bias": (DIM,)}
    found = {prefix + name: torch.randn(shape, generator=drawn) * 0.1 for name, shape in shapes.items()}
    return {name: value for name, value in found.items() if biases or not name.endswith(".bias")}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("prefix", ["transformer.", ""])
def test_every_weight_of_gpt2_finds_its_place(turned: bool, prefix: str) -> None:
    weights = theirs(turned=turned, prefix=prefix)
    extra = {f"{prefix}h.0.attn.bias": torch.ones(1, 1, 16, 16), "lm_head.weight": weights[f"{prefix}wte.weight"]}
    made = model()
    lines = load_pretrained(made, {**weights, **extra}, source="gpt2.bin", out_dim=SYMBOLS)
    assert lines == [f"weights of gpt2.bin, {len(made.state_dict())} tensors"]
    state = made.state_dict()
    expected = weights[f"{prefix}h.2.mlp.c_fc.weight"]
    assert torch.equal(state["blocks.2.feed_forward.first.weight"], expected.T if turned else expected)
    assert torch.equal(state["blocks.1.attention.qkv.bias"], weights[f"{prefix}h.1.attn.c_attn.bias"])
    assert torch.equal(state["position_embedding.weight"], weights[f"{prefix}wpe.weight"][:CONTEXT])
    assert torch.equal(state["norm.weight"], weights[f"{prefix}ln_f.weight"])


def test_biases_that_nanogpt_does_without_are_zero() -> None:
    made = model()
    for parameter in made.parameters():
        nn.init.ones_(parameter)
    load_pretrained(made, theirs(turned=False, biases=False), source="ckpt.pt", out_dim=SYMBOLS)
    biases = [p for name, p in made.named_parameters() if name.endswith("bias")]
    assert len(biases) == 4 * 6 + 1
    assert not any(p.any() for p in biases)


def test_positions_too_few_and_blocks_too_many_are_refused() -> None:
    with pytest.raises(
        ConfigError, match="position_embedding.weight has shape 4x128 in the weights and 8x128 in this network"
    ):
        load_pretrained(model(), theirs(turned=False, positions=4), source="x", out_dim=SYMBOLS)
    more = theirs(turned=False) | {"transformer.h.4.ln_1.weight": torch.ones(DIM)}
    with pytest.raises(ConfigError, match=r"blocks.4.attention_norm.weight is not in this network"):
        load_pretrained(model(), more, source="x", out_dim=SYMBOLS)


def test_other_weights_and_networks_stay_as_they_are() -> None:
    own = model().state_dict()
    assert renamed(model(), own).keys() == own.keys()
    assert list(renamed(nn.Linear(2, 2), {"wte.weight": torch.ones(1)})) == ["wte.weight"]
