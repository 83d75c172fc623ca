import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.core.vocabulary import BEGIN, END, PAD, UNKNOWN
from sonde.nn.sequence_input import SequenceInput

TEXT = InputSpec(kind="tokens", shape=(6,), symbols=30)
SERIES = InputSpec(kind="series", shape=(6, 3))


def test_tokens_are_their_vectors_and_padding_is_zero() -> None:
    first = SequenceInput(TEXT, 8)
    tokens = torch.tensor([[5, 6, 7, 5], [9, 4, PAD, PAD]])
    vectors, inside = first(tokens)
    assert torch.equal(vectors, first.embedding.weight[tokens])
    assert not vectors[1, 2:].any()
    assert inside.tolist() == [[True] * 4, [True, True, False, False]]
    vectors.sum().backward()
    assert first.embedding.weight.grad is not None
    assert not first.embedding.weight.grad[PAD].any()


def test_numbers_are_mapped_where_there_are_any() -> None:
    first = SequenceInput(SERIES, 8)
    values = torch.randn(2, 6, 3)
    vectors, inside = first(values, torch.tensor([6, 2]))
    torch.testing.assert_close(vectors[0], first.embedding(values[0]))
    assert not vectors[1, 2:].any()
    assert inside.sum(1).tolist() == [6, 2]
    assert first(values)[1].all()  # no lengths: all of it counts
    sound = SequenceInput(InputSpec(kind="audio", shape=(50,), rate=8000), 8)
    assert sound(torch.randn(2, 50), torch.tensor([50, 20]))[0].shape == (2, 50, 8)


def test_an_empty_row_has_one_place() -> None:
    assert SequenceInput(TEXT, 4)(torch.tensor([[5, 6], [PAD, PAD]]))[1].tolist() == [[True, True], [True, False]]
    empty = torch.tensor([0, 3])
    assert SequenceInput(SERIES, 4)(torch.zeros(2, 3, 3), empty)[1].tolist() == [[True, False, False], [True] * 3]


def test_word_dropout_takes_words_for_unknown_ones_in_training_alone() -> None:
    torch.manual_seed(0)
    first = SequenceInput(TEXT, 8, word_dropout=0.3)
    tokens = torch.full((100, 50), 7)
    tokens[:, 40:] = PAD
    vectors, inside = first(tokens)
    unknown = (vectors == first.embedding.weight[UNKNOWN]).all(-1)
    assert unknown[:, :40].float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert not unknown[:, 40:].any()
    assert ((vectors == first.embedding.weight[7]).all(-1) | unknown | ~inside).all()
    assert torch.equal(first.eval()(tokens)[0], first.embedding.weight[tokens])


def test_word_dropout_leaves_the_marks_between_texts() -> None:
    first = SequenceInput(TEXT, 4, word_dropout=1.0)
    rows = torch.tensor([[BEGIN, 5, END, 6, END, PAD]])
    vectors, _ = first(rows)
    assert torch.equal(vectors, first.embedding.weight[torch.tensor([[BEGIN, UNKNOWN, END, UNKNOWN, END, PAD]])])


def test_word_dropout_without_words_is_refused() -> None:
    with pytest.raises(ConfigError, match="--word-dropout is for tokens, and this data is of kind 'series'"):
        SequenceInput(SERIES, 8, word_dropout=0.1)
