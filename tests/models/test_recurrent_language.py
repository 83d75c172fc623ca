from itertools import pairwise

import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build
from sonde.models.recurrent_language import RecurrentLanguageConfig, RecurrentLanguageModel

TEXT = InputSpec(kind="tokens", shape=(12,), symbols=20)
NAMES = ["rnn-lm", "lstm-lm", "gru-lm"]


def built(name: str, config: RecurrentLanguageConfig | None = None) -> RecurrentLanguageModel:
    torch.manual_seed(0)
    config = config or RecurrentLanguageConfig(embedding=6, width=8)
    model = build(name, TEXT, 20, config)
    assert isinstance(model, RecurrentLanguageModel)
    return model


@pytest.mark.parametrize("name", NAMES)
def test_windows_read_one_after_the_other_are_the_text_read_at_once(name: str) -> None:
    model, tokens = built(name).double().eval(), torch.randint(20, (3, 30))
    whole, end = model.unroll(tokens)
    state, pieces = None, []
    for start, stop in pairwise((0, 10, 11, 30)):
        logits, state = model.unroll(tokens[:, start:stop], state)
        pieces.append(logits)
    torch.testing.assert_close(torch.cat(pieces, 1), whole, rtol=0, atol=1e-13)
    torch.testing.assert_close(model(tokens), whole, rtol=0, atol=0)
    assert state is not None
    assert len(state) == len(end) == (2 if name == "lstm-lm" else 1)
    assert {part.shape for part in end} == {(3, 2, 8)}
    torch.testing.assert_close(model(tokens[:, :5], end), model.unroll(tokens[:, :5], state)[0], rtol=0, atol=1e-13)
    assert (model(tokens[:, :5], end) - whole[:, :5]).abs().max() > 1e-3  # the state matters


def test_gradients_reach_through_a_state_until_it_is_detached() -> None:
    model, tokens = built("lstm-lm"), torch.randint(20, (2, 8))
    first, state = model.unroll(tokens)
    model(tokens, tuple(part.detach() for part in state)).sum().backward()
    assert first.grad_fn is not None  # still whole: the second window did not use it up
    model(tokens, state).sum().backward()


def test_a_tied_head_is_the_embedding() -> None:
    model = built("gru-lm", RecurrentLanguageConfig(embedding=8, width=8, tied=True))
    assert model.head.weight is model.embedding.weight
    loose = built("gru-lm", RecurrentLanguageConfig(embedding=8, width=8))
    saved = sum(p.numel() for p in loose.parameters()) - sum(p.numel() for p in model.parameters())
    assert saved == 20 * 8
    with pytest.raises(ConfigError, match="--tied: .* so --embedding 6 and --width 8 must be equal"):
        RecurrentLanguageConfig(embedding=6, width=8, tied=True)


def test_the_same_arithmetic_as_torchs_two_layers() -> None:
    model, tokens = built("lstm-lm").eval(), torch.randint(20, (3, 9))
    plain = nn.LSTM(6, 8, 2, batch_first=True)
    for number, kernel in enumerate(model.layers.forwards):
        for name, parameter in kernel.named_parameters():
            getattr(plain, f"{name.removesuffix('_l0')}_l{number}").data.copy_(parameter.detach())
    expected = model.head(plain(model.embedding(tokens))[0])
    torch.testing.assert_close(model(tokens), expected, atol=1e-6, rtol=1e-5)


def test_dropout_never_falls_on_a_state() -> None:
    model = built("lstm-lm", RecurrentLanguageConfig(embedding=6, width=64, layers=1, dropout=0.5))
    _, (hidden, cell) = model.unroll(torch.randint(20, (4, 9)))
    assert (hidden != 0).all()
    assert (cell != 0).all()
