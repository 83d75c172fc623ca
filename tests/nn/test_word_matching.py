import re

import pytest
import torch

from sonde.core.vocabulary import BEGIN, END, Vocabulary, characters_of, words_of
from sonde.modalities.text.config import TokenizerName
from sonde.modalities.text.train_vocabulary import train_vocabulary
from sonde.nn.word_matching import BASE, SHAPES, STEMS, Spelling

TEXTS = [
    "The Denver Broncos won the game in 1990.",
    "denver lost; broncos' games, the winner's game!",
    "It's won 24-10?",
]


def vocabulary(kind: TokenizerName) -> Vocabulary:
    if kind == "characters":
        return characters_of(TEXTS)
    return (
        words_of(TEXTS, most=99)
        if kind == "words"
        else train_vocabulary(TEXTS, kind=kind, size=300 if kind == "bytes" else 60)
    )


def words_in(text: str, kind: str) -> list[str]:
    if kind == "words":
        return re.findall(r"\w+|[^\w\s]", text)
    return re.findall(r"'s\b|[^\W_]+|[^\w\s]" if kind == "bytes" else r"[^\W_]+|[^\w\s]", text)


@pytest.mark.parametrize("kind", ["bpe", "bytes", "words"])
def test_tokens_of_a_word_belong_together(kind: TokenizerName) -> None:
    known = vocabulary(kind)
    spelling = Spelling(known.size, known)
    for text in TEXTS:
        tokens = torch.tensor([[BEGIN, *known.encode(text), END]])
        words = spelling.words(tokens)[0, 1:-1]
        pieces: dict[int, str] = {}
        for word, token in zip(words.tolist(), tokens[0, 1:-1].tolist(), strict=True):
            pieces[word] = pieces.get(word, "") + known.symbol(token).lstrip("▁Ġ")
        assert [piece.lower() for piece in pieces.values() if piece] == [word.lower() for word in words_in(text, kind)]


def by_hand(word: str) -> int:
    value = sum((ord(character) + 1) * BASE**place for place, character in enumerate(word)) % 2**64
    return value - 2**64 if value >= 2**63 else value


@pytest.mark.parametrize("kind", ["bpe", "bytes", "words"])
def test_a_words_hash_is_of_its_characters_however_it_is_cut(kind: TokenizerName) -> None:
    known = vocabulary(kind)
    spelling = Spelling(known.size, known)
    tokens = torch.tensor([[BEGIN, *known.encode(TEXTS[0]), END]])
    words = spelling.words(tokens)
    hashed = spelling.hashed(tokens, words)[0]
    seen: dict[int, torch.Tensor] = dict(zip(words[0].tolist()[1:-1], hashed[1:-1], strict=True))
    spelt = [found for found in seen.values() if int(found[0])]
    for word, found in zip(words_in(TEXTS[0].lower(), kind), spelt, strict=True):
        assert found.tolist() == [by_hand(word), *(by_hand(word[:stem]) for stem in STEMS)]


def test_the_same_words_have_one_hash_in_two_texts_of_a_row() -> None:
    known = vocabulary("bpe")
    spelling = Spelling(known.size, known)
    one, two = known.encode("Denver won games"), known.encode("the denver winner's game")
    tokens = torch.tensor([[BEGIN, *one, END, *two, END]])
    hashed = spelling.hashed(tokens, spelling.words(tokens))[0]
    asked, given = set(hashed[1 : len(one) + 1, 0].tolist()), hashed[len(one) + 2 : -1, 0].tolist()
    matched = [known.symbol(token) for token, value in zip(two, given, strict=True) if value in asked]
    assert "".join(matched).replace("▁", "").lower() == "denver"
    stems = set(hashed[1 : len(one) + 1, 1].tolist())
    alike = [
        known.symbol(token)
        for token, value in zip(two, hashed[len(one) + 2 : -1, 1].tolist(), strict=True)
        if value in stems
    ]
    assert "".join(alike).replace("▁", " ").lower().split() == ["denver", "game"]


def test_padding_changes_nothing() -> None:
    known = vocabulary("bytes")
    spelling = Spelling(known.size, known)
    tokens = torch.tensor([known.encode(TEXTS[0])])
    wide = torch.nn.functional.pad(tokens, (0, 9))
    words, wider = spelling.words(tokens), spelling.words(wide)
    assert torch.equal(words, wider[:, : tokens.shape[1]])
    narrow = spelling.hashed(tokens, words)
    assert torch.equal(narrow, spelling.hashed(wide, wider)[:, : tokens.shape[1]])


def test_sentences_end_at_their_marks() -> None:
    known = vocabulary("words")
    spelling = Spelling(known.size, known)
    tokens = torch.tensor([known.encode("denver won. the broncos lost! it")])
    assert spelling.sentences(tokens)[0].tolist() == [0, 0, 0, 1, 1, 1, 1, 2]


def test_without_a_vocabulary_each_symbol_is_a_word() -> None:
    spelling = Spelling(50, None)
    tokens = torch.tensor([[BEGIN, 7, 8, END, 8, 9, 7]])
    words = spelling.words(tokens)
    assert words[0].tolist() == list(range(7))
    hashed = spelling.hashed(tokens, words)[0, :, 0].tolist()
    assert hashed[1] == hashed[6]
    assert hashed[2] == hashed[4]
    assert len({*hashed[1:3], hashed[5]}) == 3
    assert spelling.shaped(tokens, words).shape == (1, 7, SHAPES)


def test_a_words_shape_is_that_of_all_its_tokens() -> None:
    known = vocabulary("bpe")
    spelling = Spelling(known.size, known)
    text = "in 1990 Broncos won."
    tokens = torch.tensor([[BEGIN, *known.encode(text), END]])
    words = spelling.words(tokens)
    shaped = spelling.shaped(tokens, words)[0]
    by_word: dict[int, list[list[float]]] = {}
    for word, shape in zip(words[0].tolist()[1:-1], shaped[1:-1].tolist(), strict=True):
        by_word.setdefault(word, []).append(shape)
    pieces = [shapes for shapes in by_word.values() if any(any(shape[:7]) for shape in shapes)]
    for word, shapes in zip(words_in(text, "bpe"), pieces, strict=True):
        assert all(shape[:7] == shapes[0][:7] for shape in shapes)
        assert [shape[7] for shape in shapes] == [1.0] + [0.0] * (len(shapes) - 1)
        assert [shape[8] for shape in shapes] == [0.0] * (len(shapes) - 1) + [1.0]
        assert shapes[0][0] == float(word[0].isupper())
        assert shapes[0][2] == float(word.isdigit())
