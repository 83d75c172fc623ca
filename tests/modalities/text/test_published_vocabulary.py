import json

import pytest
from sample_bert import WORDS, published

from sonde.core.vocabulary import BEGIN, END, PAD, SPECIAL, UNKNOWN, Words, read_vocabulary
from sonde.modalities.text.published_vocabulary import is_published, renumbered

pytest.importorskip("tokenizers")


def test_special_tokens_have_our_numbers_and_all_others_theirs() -> None:
    content, order = renumbered(published())
    found, before = read_vocabulary(content), read_vocabulary(published())
    assert [found.symbol(number) for number in (PAD, UNKNOWN, BEGIN, END)] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    assert sorted(order) == list(range(len(WORDS)))
    assert [before.symbol(number) for number in order] == [found.symbol(number) for number in range(len(WORDS))]
    assert found.encode("Playing a GOOD film good film") == [4, 5, UNKNOWN, 11, 6, 11, 6]  # neither cut nor filled up


def test_it_is_told_and_renumbered_once() -> None:
    content, _ = renumbered(published())
    assert is_published(published())
    again, order = renumbered(content)
    assert order == list(range(len(WORDS)))
    assert json.loads(again) == json.loads(content)


@pytest.mark.parametrize("content", [Words(("a",)).to_json(), "{}", "[]", "no json"])
def test_others_are_left_alone(content: str) -> None:
    assert not is_published(content)


def test_the_vocabulary_of_gpt2_gets_the_special_tokens_that_it_lacks() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(["a film of rare charm, a film of charm"] * 9, trainer)
    assert is_published(made.to_str())
    content, order = renumbered(made.to_str())
    assert not is_published(content)  # what is written is ours
    vocabulary, text = read_vocabulary(content), "a film of Charm!"
    assert vocabulary.symbol(0) == SPECIAL[0]
    assert vocabulary.symbol(END) == "<|endoftext|>"
    assert order[:4] == [made.token_to_id("<|endoftext|>")] * 4
    ids = vocabulary.encode(text)
    assert [order[number] for number in ids] == made.encode(text).ids
    assert min(ids) > END
    assert vocabulary.decode(ids) == text
