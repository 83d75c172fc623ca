from pathlib import Path

import pytest
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.errors import ConfigError, DataError
from sonde.core.vocabulary import Words
from sonde.modalities.text.vocabulary import vocabulary_for

WORDS = Words(("good", "film"))


def test_an_earlier_runs_vocabulary_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(WORDS.to_json(), encoding="utf-8")
    for where in (tmp_path, tmp_path / "tokenizer.json"):
        found, why = vocabulary_for(["other text"], data_config(vocabulary_of=str(where)))
        assert found == WORDS
        assert why == f"of {where}"


def test_else_it_is_trained_on_the_text() -> None:
    found, why = vocabulary_for(["some text here", "more text"], DataConfig(), auto="words")
    assert isinstance(found, Words)
    assert set(found.symbols) == {"some", "text", "here", "more"}
    assert why == "of the training text"
    typed, _ = vocabulary_for(["ab"], data_config(tokenizer="characters"), auto="words")
    assert typed.size == 6


def test_what_holds_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"--vocabulary-of .*: there is no .*tokenizer.json with a vocabulary; name the folder"
    ):
        vocabulary_for([""], data_config(vocabulary_of=str(tmp_path)))
    with pytest.raises(DataError, match="there is no .*nothing.json with a vocabulary"):
        vocabulary_for([""], data_config(vocabulary_of=str(tmp_path / "nothing.json")))


@pytest.mark.parametrize("other", [{"tokenizer": "words"}, {"vocabulary": 100}])
def test_a_vocabulary_is_either_trained_or_taken(other: dict) -> None:
    with pytest.raises(ConfigError, match="--vocabulary-of has its own tokens; leave --tokenizer and --vocabulary out"):
        data_config(vocabulary_of="run", **other)


def test_a_vocabulary_without_padding_is_refused(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"!": 0, "a": 1}, unk_token="!"))
    (tmp_path / "tokenizer.json").write_text(made.to_str(), encoding="utf-8")
    with pytest.raises(
        DataError, match="the first token of .* is '!', and padding is needed there; take the tokenizer.json of a run"
    ):
        vocabulary_for([""], data_config(vocabulary_of=str(tmp_path)))
