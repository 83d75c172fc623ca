import json

import pytest
from sample_bert import WORDS, published

from sonde.core.vocabulary import BEGIN, END, PAD, UNKNOWN, Words, read_vocabulary
from sonde.modalities.text.published_vocabulary import is_bert_vocabulary, renumbered

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
    assert is_bert_vocabulary(published())
    again, order = renumbered(content)
    assert order == list(range(len(WORDS)))
    assert json.loads(again) == json.loads(content)


@pytest.mark.parametrize("content", [Words(("a",)).to_json(), "{}", "[]", "no json"])
def test_others_are_left_alone(content: str) -> None:
    assert not is_bert_vocabulary(content)
