from typing import Any

import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.core.vocabulary import BEGIN, END, words_of
from sonde.models.qa_reader import MATCHES, QAReader, QAReaderConfig

TEXT = (
    "who built the old bridge of lisbon ? the bridge stands . the bridge of lisbon was built by weber . nobody paid ."
)
WORDS = words_of([TEXT], most=99)
QUESTION, CONTEXT = WORDS.encode(TEXT.split(" ? ")[0] + " ?"), WORDS.encode(TEXT.split(" ? ")[1])
ROW = [BEGIN, *QUESTION, END, *CONTEXT, END]


def reader(**settings: Any) -> QAReader:
    torch.manual_seed(0)
    spec = InputSpec(kind="tokens", shape=(64,), tokenizer=WORDS.to_json(), symbols=WORDS.size)
    return QAReader(spec, 2, QAReaderConfig(width=32, embedding=16, **settings)).eval()


def matches(model: QAReader) -> dict[str, list[float]]:
    """Of each word of the context what `_matched` says."""
    tokens = torch.tensor([ROW])
    places = torch.arange(len(ROW))
    question = ((places > 0) & (places <= len(QUESTION)))[None]
    context = ((places > len(QUESTION) + 1) & (places < len(ROW) - 1))[None]
    found = model._matched(tokens, model.spelling.words(tokens), question, context)[0]
    assert found.shape == (len(ROW), MATCHES)
    assert not found[: len(QUESTION) + 2, :6].any()
    return dict(zip(map(str, range(len(CONTEXT))), found[len(QUESTION) + 2 : -1].tolist(), strict=True))


def test_words_of_the_question_are_matched_in_the_context() -> None:
    said = [WORDS.symbol(token) for token in CONTEXT]
    found = matches(reader())
    for place, word in enumerate(said):
        assert found[str(place)][0] == float(word in ["who", "built", "the", "old", "bridge", "of", "lisbon", "?"])


def test_the_sentence_with_most_of_the_question_is_told() -> None:
    said, found = [WORDS.symbol(token) for token in CONTEXT], matches(reader())
    best = [place for place in range(len(said)) if found[str(place)][-1] == 1]
    assert [said[place] for place in best] == ["the", "bridge", "of", "lisbon", "was", "built", "by", "weber", "."]
    shares = [found[str(place)][-2] for place in range(len(said))]
    assert 0 < shares[0] < 1
    assert shares[-1] == 0


def test_padding_and_other_rows_change_no_answer() -> None:
    model = reader()
    alone = model(torch.tensor([ROW]))
    longer = torch.randint(4, WORDS.size, (1, 40), generator=torch.Generator().manual_seed(0))
    both = torch.cat([torch.nn.functional.pad(torch.tensor([ROW]), (0, 40 - len(ROW))), longer])
    torch.testing.assert_close(model(both)[:1, : len(ROW)], alone)


def test_the_answer_depends_on_the_question() -> None:
    model = reader()
    other = list(ROW)
    other[1] = other[2]
    assert not torch.allclose(model(torch.tensor([ROW])), model(torch.tensor([other])))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0}, "--width must be at least 1, got 0"),
        ({"embedding": 0}, "--embedding must be at least 1, got 0"),
        ({"dropout": 1.0}, "--dropout must be at least 0 and below 1, got 1"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        QAReaderConfig(**settings)
