"""Recurrent encoder-decoders: attention beside its formula, step by step beside all at once, padding by perturbation."""

from typing import Any, Literal

import pytest
import torch
from torch import Tensor

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.seq2seq import AdditiveAttention, BilinearAttention, Seq2Seq, Seq2SeqConfig, seq2seq_gru, seq2seq_lstm

SYMBOLS, ANSWERS = 40, 30
KINDS: list[tuple[Any, Any]] = [(kind, attention) for kind in ("gru", "lstm") for attention in ("luong", "bahdanau")]


def built(kind: Literal["gru", "lstm"], attention: Literal["luong", "bahdanau"], **settings: Any) -> Seq2Seq:
    torch.manual_seed(0)
    config = Seq2SeqConfig(embedding=12, width=16, dropout=0.0, attention=attention, **settings)
    build = seq2seq_gru if kind == "gru" else seq2seq_lstm
    return build(InputSpec(kind="tokens", shape=(9,), symbols=SYMBOLS), ANSWERS, config).double().eval()


def pairs() -> tuple[Tensor, Tensor]:
    drawn = torch.Generator().manual_seed(1)
    source = torch.randint(4, SYMBOLS, (3, 7), generator=drawn)
    target = torch.randint(4, ANSWERS, (3, 6), generator=drawn)
    target[:, 0] = 2
    source[1, 5:], source[2, 3:], target[1, 4:] = 0, 0, 0
    return source, target


@pytest.mark.parametrize(("kind", "attention"), KINDS)
@pytest.mark.parametrize("layers", [1, 2])
def test_step_by_step_it_says_what_it_says_at_once(kind: Any, attention: Any, layers: int) -> None:
    model, (source, target) = built(kind, attention, layers=layers), pairs()
    state = model.begin(source, 6)
    steps = torch.stack([model.step(token, state) for token in target.T], 1)
    torch.testing.assert_close(steps, model(source, target))


@pytest.mark.parametrize(("kind", "attention"), KINDS)
def test_padding_and_the_future_change_nothing(kind: Any, attention: Any) -> None:
    model, (source, target) = built(kind, attention), pairs()
    found = model(source, target)
    torch.testing.assert_close(model(torch.nn.functional.pad(source, (0, 4)), target), found)
    alone = torch.cat(
        [model(source[row : row + 1, : int((source[row] != 0).sum())], target[row : row + 1]) for row in range(3)]
    )
    torch.testing.assert_close(alone, found)
    for place in range(1, 6):
        other = target.clone()
        other[:, place] = (other[:, place] + 1) % ANSWERS
        changed = (model(source, other) - found).abs().amax((0, 2)) > 1e-12
        assert changed.tolist() == [n >= place for n in range(6)]
    for place in range(5):
        other = source.clone()
        other[0, place] = 4 + (other[0, place] - 3) % 30
        assert ((model(other, target) - found).abs().amax((1, 2)) > 1e-12).tolist() == [True, False, False]


@pytest.mark.parametrize(("kind", "attention"), KINDS)
def test_beams_go_on_from_one_another_and_rows_leave(kind: Any, attention: Any) -> None:
    model, (source, target) = built(kind, attention, layers=2), pairs()
    state = model.begin(source)
    model.step(target[:, 0], state)
    rows = torch.tensor([0, 0, 2, 2])
    state.keep(rows)
    model.step(torch.tensor([5, 6, 7, 8]), state)
    state.reorder(torch.tensor([1, 1, 2, 3]))
    found = model.step(torch.tensor([9, 10, 11, 12]), state)
    said = torch.tensor([[2, 6, 9], [2, 6, 10], [2, 7, 11], [2, 8, 12]])
    torch.testing.assert_close(found, model(source[rows], said)[:, -1])


def test_both_attentions_are_their_formulas() -> None:
    torch.manual_seed(0)
    query, encoded = torch.randn(1, 2, 6), torch.randn(1, 4, 6)
    mask = torch.tensor([[[True, True, True, False]]])
    additive, bilinear = AdditiveAttention(6), BilinearAttention(6)
    by_hand = [torch.zeros(2, 3), torch.zeros(2, 3)]
    for t in range(2):
        for s in range(3):
            q, h = query[0, t], encoded[0, s]
            by_hand[0][t, s] = additive.score.weight[0] @ torch.tanh(
                additive.query.weight @ q + additive.key.weight @ h + additive.key.bias
            )
            by_hand[1][t, s] = q @ bilinear.key.weight @ h
    for attention, scores in zip((additive, bilinear), by_hand, strict=True):
        found = attention(query, attention.project(encoded), mask)[0]
        torch.testing.assert_close(found[:, :3], scores.softmax(1))
        assert (found[:, 3] == 0).all()


@pytest.mark.parametrize(("kind", "attention"), KINDS)
def test_attention_is_a_distribution_over_what_is_no_padding(kind: Any, attention: Any) -> None:
    model, (source, target) = built(kind, attention), pairs()
    weights = model.attention(source, target)
    torch.testing.assert_close(weights.sum(2), torch.ones(3, 6))
    assert (weights[2, :, 3:] == 0).all()


def test_the_encoder_reads_both_ways() -> None:
    model, (source, _) = built("gru", "luong"), pairs()
    found = model.encode(source)
    other = source.clone()
    other[0, 3] = 4 + (other[0, 3] - 3) % 30
    assert ((model.encode(other) - found)[0].abs().amax(1) > 1e-12).all()
    assert (found[2, 3:] == 0).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"embedding": 0}, "--embedding must be at least 1, got 0"),
        ({"layers": 0}, "--layers must be at least 1, got 0"),
        ({"width": 15}, "--width must be even, half for each direction of the encoder, got 15"),
        ({"dropout": 1.0}, "--dropout must be at least 0 and below 1, got 1"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        Seq2SeqConfig(**settings)
