import json
import pickle

import pytest

from sonde.core.errors import DataError
from sonde.core.vocabulary import (
    BEGIN,
    END,
    PAD,
    SPECIAL,
    UNKNOWN,
    Characters,
    Subwords,
    Vocabulary,
    Words,
    characters_of,
    read_vocabulary,
    split_words,
    words_of,
)

TEXTS = ["A film of rare charm.", "No charm, no film!", "It's a film"]


def subwords() -> Subwords:
    from sonde.modalities.text.train_vocabulary import train_vocabulary

    found = train_vocabulary(TEXTS, kind="bytes", size=300)
    assert isinstance(found, Subwords)
    return found


def kinds() -> list[Vocabulary]:
    return [characters_of(TEXTS), Characters(("A", "C"), upper=True), words_of(TEXTS, most=50), subwords()]


def test_the_first_four_numbers_are_the_specials_in_every_vocabulary() -> None:
    assert (PAD, UNKNOWN, BEGIN, END) == (0, 1, 2, 3)
    for vocabulary in kinds():
        assert [vocabulary.symbol(number) for number in range(4)] == list(SPECIAL)
        assert not {PAD, BEGIN, END} & set(vocabulary.encode(" ".join(TEXTS)))
        assert max(vocabulary.encode(" ".join(TEXTS))) < vocabulary.size


def test_what_is_written_is_read_back_the_same() -> None:
    for vocabulary in kinds():
        again = read_vocabulary(vocabulary.to_json())
        assert type(again) is type(vocabulary)
        assert again.size == vocabulary.size
        assert again.encode_all(TEXTS) == vocabulary.encode_all(TEXTS)
        assert again.to_json() == vocabulary.to_json()


def test_many_texts_are_encoded_as_each_is() -> None:
    for vocabulary in kinds():
        assert vocabulary.encode_all(TEXTS) == [vocabulary.encode(text) for text in TEXTS]


def test_padding_begin_and_end_are_not_said() -> None:
    for vocabulary in kinds():
        ids = vocabulary.encode(TEXTS[0])
        assert vocabulary.decode([BEGIN, *ids, END, PAD, PAD]) == vocabulary.decode(ids)


def test_characters_are_sorted_and_the_others_unknown() -> None:
    letters = characters_of(["ba", "cab"])
    assert letters.symbols == ("a", "b", "c")
    assert letters.encode("abz") == [4, 5, UNKNOWN]
    assert letters.decode([4, UNKNOWN, 6]) == "a\N{REPLACEMENT CHARACTER}c"


def test_letters_of_either_case_are_one_where_that_is_asked() -> None:
    assert Characters(("A", "C"), upper=True).encode("acAC") == [4, 5, 4, 5]
    assert Characters(("A", "C")).encode("acAC") == [UNKNOWN, UNKNOWN, 4, 5]


def test_a_vocabulary_of_characters_without_word_of_case_keeps_it() -> None:
    """As an earlier version wrote it."""
    assert read_vocabulary('{"kind": "characters", "symbols": "ab"}') == Characters(("a", "b"))


def test_words_are_counted_the_most_frequent_first_and_ties_by_alphabet() -> None:
    words = words_of(["b b a c c", "d"], most=3)
    assert words.symbols == ("b", "c", "a")  # b and c twice; a before d
    assert words_of(["b b a c c", "d"], most=9, least=2).symbols == ("b", "c")
    assert words_of(["B b"], most=9, lower=False).symbols == ("B", "b")


def test_words_and_marks_are_cut_apart() -> None:
    assert split_words("Don't -- stop, 3 films…") == ["don", "'", "t", "-", "-", "stop", ",", "3", "films", "…"]
    assert split_words("Ünï cafés") == ["ünï", "cafés"]
    assert split_words("  ") == []


def test_bytes_escape_nothing_and_come_back_letter_by_letter() -> None:
    text = "naïve — 映画 🎬\n  two  spaces"
    vocabulary = subwords()
    ids = vocabulary.encode(text)
    assert UNKNOWN not in ids
    assert vocabulary.decode(ids) == text


def test_pieces_know_where_they_stand() -> None:
    text = "a film of charm"
    vocabulary = subwords()
    places = vocabulary.offsets(text)
    assert [text[start:stop] for start, stop in places] == [vocabulary.decode([n]) for n in vocabulary.encode(text)]


def test_pieces_travel_to_other_processes() -> None:
    vocabulary = subwords()
    assert pickle.loads(pickle.dumps(vocabulary)).encode(TEXTS[1]) == vocabulary.encode(TEXTS[1])


def test_a_torn_vocabulary_is_refused() -> None:
    content = json.dumps({"kind": "words", "lower": True, "symbols": ["a"]})
    with pytest.raises(DataError, match="the vocabulary is not valid JSON .* copy the run folder again"):
        read_vocabulary(content[:-3])


def test_words_keep_their_case_when_they_say_so() -> None:
    words = Words(("Film",), lower=False)
    assert words.encode("Film film") == [4, UNKNOWN]
    assert read_vocabulary(words.to_json()).encode("Film film") == [4, UNKNOWN]
