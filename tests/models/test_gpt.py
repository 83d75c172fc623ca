import math

import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build
from sonde.models.gpt import GPT, GPTConfig
from sonde.models.modern_gpt import ModernGPT, ModernGPTConfig

SPEC = InputSpec(kind="tokens", shape=(16,), symbols=30)
# Radford et al. 2019 as Hugging Face's checkpoints have them, the output sharing the embedding's matrix
PUBLISHED = {
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
}


def tokens(rows: int = 2, wide: int = 16) -> torch.Tensor:
    return torch.randint(4, 30, (rows, wide), generator=torch.Generator().manual_seed(1))


def small(name: str, config: object = None) -> nn.Module:
    torch.manual_seed(0)
    return build(name, SPEC, 30, config)


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_sizes_are_the_published_ones(name: str, parameters: int) -> None:
    published = InputSpec(kind="tokens", shape=(1024,), symbols=50_257)
    with torch.device("meta"):
        assert sum(p.numel() for p in build(name, published, 50_257).parameters()) == parameters


def test_the_small_one_is_nanogpts_for_a_cpu() -> None:
    # its script prints 0.80 M for 65 symbols and a context of 64 without positions and biases
    spec = InputSpec(kind="tokens", shape=(64,), symbols=65)
    biases = 4 * (3 * 128 + 128 + 4 * 128 + 128 + 2 * 128) + 128
    model = sum(p.numel() for p in build("gpt-small", spec, 65).parameters())
    assert model - biases - 64 * 128 == 4 * (12 * 128**2 + 2 * 128) + 128 + 65 * 128
    without = build("gpt-small", spec, 65, GPTConfig(bias=False, activation="gelu"))
    assert sum(p.numel() for p in without.parameters()) == model - biases
    assert not any(name.endswith("bias") for name, _ in without.named_parameters())
    assert {block.feed_forward.activation for block in without.blocks} == {"gelu"}  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["gpt-small", "modern-gpt"])
def test_with_memory_the_answers_are_those_of_the_whole_text(name: str) -> None:
    model = small(name).double().eval()
    assert isinstance(model, GPT | ModernGPT)
    given = tokens()
    with torch.no_grad():
        whole = model(given)
        memory = model.memory(2)
        parts = [model(given[:, cut], memory) for cut in (slice(0, 5), slice(5, 6), slice(6, 7), slice(7, 16))]
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=1e-9, atol=1e-12)
    assert memory[0].held == 16
    with pytest.raises(ValueError, match="context is 16 tokens, and these would be 17"), torch.no_grad():
        model(given[:, :1], memory)


def test_groups_make_the_memory_smaller_and_answer_like_repeated_heads() -> None:
    config = ModernGPTConfig(width=32, layers=2, heads=4, kv_heads=2)
    grouped = small("modern-gpt", config).double().eval()
    whole = small("modern-gpt", ModernGPTConfig(width=32, layers=2, heads=4)).double().eval()
    assert isinstance(grouped, ModernGPT)
    assert grouped.memory(1)[0].keys.shape == (1, 2, 16, 8)
    state = grouped.state_dict()
    for name, value in state.items():
        if name.endswith("qkv.weight"):
            query, key, other = value.split((32, 16, 16))
            repeated = [part.unflatten(0, (2, 8)).repeat_interleave(2, 0).flatten(0, 1) for part in (key, other)]
            state[name] = torch.cat([query, *repeated])
    whole.load_state_dict(state)
    with torch.no_grad():
        torch.testing.assert_close(grouped(tokens()), whole(tokens()), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["gpt-small", "modern-gpt"])
def test_it_begins_undecided(name: str) -> None:
    model = small(name).eval()
    with torch.no_grad():
        logp = model(tokens(8)).log_softmax(-1)
    loss = -logp[:, :-1].gather(2, tokens(8)[:, 1:, None]).mean()
    assert float(loss) == pytest.approx(math.log(30), abs=0.15)


def test_parts_that_end_in_a_sum_begin_smaller() -> None:
    model = small("gpt-small")
    stds = {name: float(p.detach().std()) for name, p in model.named_parameters() if p.ndim == 2}
    assert stds["blocks.0.attention.qkv.weight"] == pytest.approx(0.02, rel=0.05)
    assert stds["blocks.3.attention.output.weight"] == pytest.approx(0.02 / math.sqrt(8), rel=0.05)
    assert stds["blocks.3.feed_forward.second.weight"] == pytest.approx(0.02 / math.sqrt(8), rel=0.05)
    assert stds["token_embedding.weight"] == pytest.approx(0.02, rel=0.1)


@pytest.mark.parametrize("name", ["gpt-small", "modern-gpt"])
def test_other_data_and_answers_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="predicts the next of 30 tokens, and 2 outputs are needed"):
        build(name, SPEC, 2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"width": 30, "heads": 4},
            "--width 30 must be an even number of channels for each of --heads 4; give a multiple of 8",
        ),
        ({"width": 12, "heads": 4}, "--width 12 must be an even number"),
        ({"kv_heads": 2}, "--kv-heads must be 0 or divide --heads 3, got 2"),
        ({"layers": 0}, "--layers must be at least 1, got 0"),
        ({"dropout": 1.0}, "--dropout must be at least 0 and below 1, got 1"),
    ],
)
def test_settings_are_checked(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        ModernGPTConfig(**settings)  # type: ignore[arg-type]
    if "dropout" in settings:
        with pytest.raises(ConfigError, match=f"^{message}"):
            GPTConfig(dropout=1.0)
