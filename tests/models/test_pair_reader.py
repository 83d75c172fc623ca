import torch
import torch.nn.functional as F

from sonde.core.dataset import InputSpec
from sonde.core.vocabulary import END, PAD, words_of
from sonde.models.build import build
from sonde.models.pair_reader import PairReader, PairReaderConfig

VOCABULARY = words_of(["the dog dogs cat runs running sleeps here"], most=100)
SPEC = InputSpec(kind="text-pair", shape=(12,), tokenizer=VOCABULARY.to_json(), symbols=VOCABULARY.size)


def reader(**settings: float) -> PairReader:
    torch.manual_seed(0)
    model = build("pair-reader", SPEC, 3, PairReaderConfig(**settings))  # type: ignore[arg-type]
    assert isinstance(model, PairReader)
    return model.eval()


def row(first: str, second: str, *, width: int = 12) -> torch.Tensor:
    tokens = [*VOCABULARY.encode(first), END, *VOCABULARY.encode(second), END]
    return torch.tensor([tokens + [PAD] * (width - len(tokens))])


def other_of(tokens: torch.Tensor) -> torch.Tensor:
    """(B, T, T): whether two tokens stand in different texts, said anew."""
    side = (tokens == END).long().cumsum(1)
    word = (tokens != END) & (tokens != PAD)
    return (side[:, :, None] != side[:, None]) & word[:, :, None] & word[:, None]


def test_padding_makes_no_difference() -> None:
    model, alone = reader(), row("the dog runs", "the cat sleeps", width=8)
    torch.testing.assert_close(model(F.pad(alone, (0, 5))), model(alone), rtol=1e-5, atol=1e-6)


def test_a_word_matches_itself_and_its_inflections_in_the_other_text_alone() -> None:
    tokens = row("dog here here", "dogs running dog")
    matched = reader()._matched(tokens, other_of(tokens))[0]
    whole, by_four = matched[:, 0].tolist(), matched[:, 1].tolist()
    assert whole[:7] == [1, 0, 0, 0, 0, 0, 1]  # "here" stands twice in the first text, and not in the other
    assert by_four[:3] == [1, 0, 0]
    assert not matched[7:].any()


def test_what_is_aligned_is_a_mean_of_the_other_text() -> None:
    tokens = row("the dog", "cat runs here")
    inner = torch.randn(1, 12, 128)
    aligned = reader()._aligned(inner, other_of(tokens))[0]
    weights = torch.linalg.lstsq(inner[0, 3:6].T, aligned[0]).solution
    torch.testing.assert_close(inner[0, 3:6].T @ weights, aligned[0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(weights.sum(), torch.tensor(1.0), rtol=1e-4, atol=1e-4)
    assert not aligned[2].any()  # END belongs to no text
    assert not aligned[7:].any()


def test_a_row_of_one_text_is_no_error() -> None:
    assert reader()(torch.tensor([[5, 6, 7, PAD]])).isfinite().all()


def test_words_beyond_the_known_ones_share_an_embedding() -> None:
    model = reader(frequent_tokens=5)
    assert model.embedding.num_embeddings == 6
    assert model._seen(torch.tensor([[4, 5, 6, 9]])).tolist() == [[4, 5, 5, 5]]
