"""GPT-2 against Hugging Face's, and its networks behind `hf:NAME`; needs transformers."""

import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.models.build import build
from sonde.models.pretrained import load_pretrained
from sonde.tasks.decode.generation import SupportsCache, continued
from sonde.tasks.decode.sampling import Sampling

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]  # what the library warns of is not ours to fix

transformers = pytest.importorskip("transformers")

SYMBOLS, CONTEXT = 97, 32
SPEC = InputSpec(kind="tokens", shape=(CONTEXT,), symbols=SYMBOLS)
LARGEST_DIFFERENCE = 1e-9  # of the largest value, in float64
SPREAD = (0.1, 100.0)  # standard deviation of the logits: neither all alike nor out of all bounds


def randomised(model: nn.Module) -> nn.Module:
    drawn = torch.Generator().manual_seed(0)
    model.double().eval()
    for parameter in model.parameters():
        with torch.no_grad():
            parameter.copy_(torch.randn(parameter.shape, generator=drawn, dtype=torch.float64) * 0.2)
    return model


def theirs() -> nn.Module:
    config = transformers.GPT2Config(
        vocab_size=SYMBOLS,
        n_positions=CONTEXT,
        n_embd=128,
        n_layer=4,
        n_head=4,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    return randomised(transformers.GPT2LMHeadModel(config))


def tokens() -> torch.Tensor:
    return torch.randint(SYMBOLS, (3, CONTEXT), generator=torch.Generator().manual_seed(1))


def far(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())


def test_logits_and_gradients_are_hugging_faces() -> None:
    reference, ours = theirs(), build("gpt-small", SPEC, SYMBOLS).double().eval()
    load_pretrained(ours, reference.state_dict(), source="gpt2", out_dim=SYMBOLS)
    ours.double()
    expected, found = reference(input_ids=tokens()).logits, ours(tokens())
    assert SPREAD[0] < float(expected.std()) < SPREAD[1]
    assert far(found, expected) < LARGEST_DIFFERENCE
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in reference.parameters())
    expected.square().mean().backward()
    found.square().mean().backward()
    gradient = reference.get_parameter("transformer.h.1.mlp.c_fc.weight").grad
    own = ours.get_parameter("blocks.1.feed_forward.first.weight").grad
    assert gradient is not None
    assert own is not None
    assert far(own, gradient.T) < LARGEST_DIFFERENCE
    shared = reference.get_parameter("transformer.wte.weight").grad
    mine = ours.get_parameter("token_embedding.weight").grad
    assert shared is not None
    assert mine is not None
    assert far(mine, shared) < LARGEST_DIFFERENCE


def test_a_network_of_the_library_answers_as_it_does_alone() -> None:
    made = build("hf:gpt2", InputSpec(kind="tokens", shape=(16,), symbols=40), 40)
    assert made(tokens() % 40).shape == (3, CONTEXT, 40)
    reference = theirs()
    folder_config = reference.config  # type: ignore[union-attr]
    small = transformers.AutoModelForCausalLM.from_config(folder_config)
    assert sum(p.numel() for p in small.parameters()) == sum(p.numel() for p in reference.parameters())


def test_a_folder_with_a_config_is_a_model_and_takes_its_weights(tmp_path) -> None:
    reference = theirs()
    reference.config.save_pretrained(tmp_path)  # type: ignore[union-attr]
    made = build(f"hf:{tmp_path}", SPEC, SYMBOLS).double().eval()
    load_pretrained(made, reference.state_dict(), source="it", out_dim=SYMBOLS)
    with torch.no_grad():
        assert torch.equal(made(tokens()), reference(input_ids=tokens()).logits)
    classifier = build(f"hf:{tmp_path}", SPEC, 3)
    padded = tokens().clone()
    padded[0, 10:] = 0
    assert classifier(padded).shape == (3, 3)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gpt_neox"])
def test_its_networks_generate_the_same_with_memory(name: str, tmp_path) -> None:
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    config = transformers.CONFIG_MAPPING[name](**sizes, max_position_embeddings=CONTEXT)
    config.save_pretrained(tmp_path)
    torch.manual_seed(0)
    made = build(f"hf:{tmp_path}", SPEC, SYMBOLS).eval()
    assert isinstance(made, SupportsCache)
    prompt = torch.tensor([[9, 8, 7], [6, 5, 4]])
    texts = []
    for memory in (True, False):
        drawn = torch.Generator().manual_seed(3)
        following = continued(made, prompt, Sampling(), drawn, context=CONTEXT, memory=memory)
        texts.append(torch.stack([next(following) for _ in range(CONTEXT + 20)], 1))  # beyond what it reads at once
    assert torch.equal(*texts)
