from itertools import islice

import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.vocabulary import BEGIN, PAD, UNKNOWN
from sonde.models.build import build
from sonde.models.modern_gpt import ModernGPTConfig
from sonde.tasks.decode.generation import SupportsCache, Unrolls, continued, first_seen
from sonde.tasks.decode.sampling import Sampling

CONTEXT, SYMBOLS = 16, 20


def model(name: str) -> nn.Module:
    torch.manual_seed(0)
    spec = InputSpec(kind="tokens", shape=(CONTEXT,), symbols=SYMBOLS)
    config = ModernGPTConfig(width=16, layers=2, heads=2) if name == "modern-gpt" else None
    made = build(name, spec, SYMBOLS, config).double().eval()
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.2)  # far from uniform answers
    return made


def written(made: nn.Module, *, memory: bool, tokens: int, sampling: Sampling) -> list[list[int]]:
    prompt = torch.tensor([[5, 6, 7], [9, 8, 7]])
    drawn = torch.Generator().manual_seed(3)
    following = continued(made, prompt, sampling, drawn, context=CONTEXT, memory=memory)
    return torch.stack(list(islice(following, tokens)), 1).tolist()


@pytest.mark.parametrize("name", ["gpt-small", "modern-gpt"])
@pytest.mark.parametrize("sampling", [Sampling(temperature=0.0), Sampling(temperature=1.0, top_k=8, top_p=0.9)])
def test_memory_changes_no_token_even_past_the_context(name: str, sampling: Sampling) -> None:
    made = model(name)
    assert isinstance(made, SupportsCache)
    found = written(made, memory=True, tokens=3 * CONTEXT, sampling=sampling)
    assert found == written(made, memory=False, tokens=3 * CONTEXT, sampling=sampling)
    assert sampling.temperature == 0 or len(set(found[0])) > 1


def test_a_recurrent_model_goes_on_from_its_state() -> None:
    made, sampling = model("gru-lm"), Sampling(temperature=1.0)
    assert isinstance(made, Unrolls)
    within = CONTEXT - 3
    assert written(made, memory=True, tokens=within, sampling=sampling) == written(
        made, memory=False, tokens=within, sampling=sampling
    )


class Watched(nn.Module):
    """Says what it was shown: the next token is the number of tokens it saw, and no text is most probable of all."""

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(*tokens.shape, SYMBOLS)
        logits[..., [PAD, UNKNOWN, BEGIN]] = 99.0
        logits[..., tokens.shape[1]] = 9.0
        return logits


def test_what_stands_for_no_text_is_never_said_and_the_context_is_kept() -> None:
    found = written(Watched(), memory=True, tokens=25, sampling=Sampling(temperature=0.0))
    lengths = [n - first_seen(n, CONTEXT) for n in range(3, 28)]
    assert max(lengths) == CONTEXT
    assert min(lengths[CONTEXT:]) > CONTEXT // 2 - 1
    assert found == [[max(n, 3) for n in lengths]] * 2
