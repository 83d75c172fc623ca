import subprocess
import sys

import pytest

from sonde.core.vocabulary import SPECIAL, UNKNOWN, Characters, Subwords, Words
from sonde.modalities.text.config import TokenizerName
from sonde.modalities.text.train_vocabulary import BYTES, chosen_kind, train_vocabulary

TEXTS = [
    "A stirring, funny and finally transporting film.",
    "The film is funny; the film is stirring.",
    "No film was ever less funny (or so they say).",
] * 20


@pytest.mark.parametrize(("kind", "type_of"), [("characters", Characters), ("words", Words), ("bpe", Subwords)])
def test_each_kind_makes_its_own(kind: TokenizerName, type_of: type) -> None:
    vocabulary = train_vocabulary(TEXTS, kind=kind)
    assert isinstance(vocabulary, type_of)
    assert UNKNOWN not in [number for ids in vocabulary.encode_all(TEXTS) for number in ids]


@pytest.mark.parametrize("kind", ["characters", "words", "bpe"])
def test_a_vocabulary_has_the_size_asked_for(kind: TokenizerName) -> None:
    vocabulary = train_vocabulary(TEXTS, kind=kind, size=16)
    assert vocabulary.size == 16
    assert [vocabulary.symbol(number) for number in range(4)] == list(SPECIAL)


def test_the_frequent_characters_are_kept() -> None:
    assert train_vocabulary(["aaab", "abc"], kind="characters", size=6) == Characters(("a", "b"))


def test_rare_words_are_left_out_where_asked() -> None:
    words = train_vocabulary(["good film", "good cast"], kind="words", least=2)
    assert words.encode("good film") == [4, UNKNOWN]


def test_bytes_are_all_there_however_small_the_size() -> None:
    vocabulary = train_vocabulary(TEXTS, kind="bytes", size=10)
    assert vocabulary.size == BYTES + len(SPECIAL)
    assert vocabulary.decode(vocabulary.encode("映画 🎬")) == "映画 🎬"


@pytest.mark.parametrize("kind", ["bpe", "bytes"])
@pytest.mark.parametrize("text", ["The film is funny.", "a  b (c), d's\ne  ", "(no) film", "film\n\nfilm"])
def test_pieces_give_the_text_back(kind: TokenizerName, text: str) -> None:
    vocabulary = train_vocabulary([*TEXTS, "b (c), d's\ne"], kind=kind)
    assert vocabulary.decode(vocabulary.encode(text)) == text


def test_frequent_words_are_one_piece_and_marks_stand_alone() -> None:
    vocabulary = train_vocabulary(TEXTS, kind="bpe")
    pieces = [vocabulary.symbol(number) for number in vocabulary.encode("the film, funny.")]
    assert pieces[1:] == ["▁film", ",", "▁funny", "."]


@pytest.mark.parametrize("kind", ["words", "bpe", "bytes"])
def test_the_same_texts_give_the_same_vocabulary_in_another_process(kind: TokenizerName) -> None:
    program = (
        "from sonde.modalities.text.train_vocabulary import train_vocabulary\n"
        f"print(train_vocabulary({TEXTS!r}, kind={kind!r}, size=320).to_json(), end='')"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert found == train_vocabulary(TEXTS, kind=kind, size=320).to_json()


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (TEXTS, "words"),
        (["dull", "a film of rare charm"], "words"),
        (["这部电影充满了罕见的魅力和想象力，令人难忘。"], "characters"),
        (["Yamamoto", "Novák", "Smith"], "characters"),
        (["", "…"], "characters"),
    ],
)
def test_the_text_says_what_it_is_cut_into(texts: list[str], kind: str) -> None:
    assert chosen_kind(texts) == kind
