import dataclasses
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build
from sonde.models.recurrent import RecurrentClassifier, RecurrentConfig

TEXT = InputSpec(kind="tokens", shape=(9,), symbols=20)
SIZES = RecurrentConfig(embedding=6, width=5, layers=2)
TOKENS = torch.tensor([[5, 6, 7, 8, 9, 10, 11, 12, 13], [4, 19, 5, 6, 0, 0, 0, 0, 0], [7, 0, 0, 0, 0, 0, 0, 0, 0]])


def built(name: str, **settings: Any) -> RecurrentClassifier:
    torch.manual_seed(0)
    model = build(name, TEXT, 3, dataclasses.replace(SIZES, **settings))
    assert isinstance(model, RecurrentClassifier)
    return model.eval()


def same_in_torch(model: RecurrentClassifier, both_ways: bool) -> nn.LSTM:
    module = nn.LSTM(6, 5, 2, batch_first=True, bidirectional=both_ways)
    for end, kernels in (("", model.layers.forwards), ("_reverse", model.layers.backwards or [])):
        for number, kernel in enumerate(kernels):
            for name, parameter in kernel.named_parameters():
                getattr(module, f"{name.removesuffix('_l0')}_l{number}{end}").data.copy_(parameter.detach())
    return module


@pytest.mark.parametrize(("name", "both_ways"), [("lstm", False), ("bilstm", True)])
def test_the_last_state_is_what_torch_ends_with(name: str, both_ways: bool) -> None:
    model = built(name, pool="last")
    vectors = model.input(TOKENS)[0]
    packed = pack_padded_sequence(vectors, torch.tensor([9, 4, 1]), batch_first=True)
    _, (hidden, _) = same_in_torch(model, both_ways)(packed)
    ends = torch.cat([hidden[-2], hidden[-1]], 1) if both_ways else hidden[-1]
    torch.testing.assert_close(model(TOKENS), model.head(ends), atol=1e-6, rtol=1e-5)


def test_pools_differ_and_each_reads_its_own_row() -> None:
    answers = [built("bigru", pool=pool)(TOKENS) for pool in ("last", "mean", "max")]
    assert (answers[0] - answers[1]).abs()[:2].min() > 1e-5
    assert (answers[1] - answers[2]).abs()[:2].min() > 1e-5
    # one step: its mean, its largest and its last are the same
    torch.testing.assert_close(answers[0][2], answers[1][2])
    torch.testing.assert_close(answers[1][2], answers[2][2])


@pytest.mark.parametrize(("name", "gates", "ways"), [("rnn", 1, 1), ("lstm", 4, 1), ("gru", 3, 1), ("bilstm", 4, 2)])
def test_parameters_are_those_of_the_formula(name: str, gates: int, ways: int) -> None:
    layer = [gates * (5 * inner + 5 * 5 + 2 * 5) * ways for inner in (6, 5 * ways)]
    expected = 20 * 6 + sum(layer) + 3 * (5 * ways + 1)
    assert sum(p.numel() for p in built(name).parameters()) == expected


def test_a_row_without_tokens_gets_an_answer() -> None:
    for pool in ("last", "mean", "max"):
        assert built("bilstm", pool=pool)(torch.tensor([[5, 6], [0, 0]])).isfinite().all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": 0}, "--layers must be at least 1, got 0"),
        ({"dropout": 1.0}, "--dropout must be at least 0 and below 1, got 1"),
        ({"word_dropout": -0.1}, "--word-dropout must be at least 0 and below 1, got -0.1"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RecurrentConfig(**settings)
