import math

import pytest
import torch

from sonde.core.errors import NonFinite
from sonde.core.vocabulary import Characters, Words
from sonde.metrics.language import LanguageMeter
from sonde.modalities.text.train_vocabulary import train_vocabulary

LETTERS = Characters(tuple("abcd"))


def outputs(rows: int = 6, wide: int = 5, seed: int = 0) -> dict[str, torch.Tensor]:
    drawn = torch.Generator().manual_seed(seed)
    target = torch.randint(4, 8, (rows, wide), generator=drawn)
    target[-1, 2:] = 0
    prediction = torch.randint(4, 8, (rows, wide), generator=drawn)
    return {"nats": torch.rand(rows, wide, generator=drawn) * 3, "target": target, "prediction": prediction}


def part(given: dict[str, torch.Tensor], rows: slice) -> dict[str, torch.Tensor]:
    return {name: field[rows] for name, field in given.items()}


def test_scores_are_means_over_tokens_and_padding_is_none() -> None:
    given, meter = outputs(), LanguageMeter(LETTERS)
    meter.update(given, torch.arange(6))
    counted = given["target"] != 0
    nats = given["nats"][counted].double()
    found = meter.compute()
    assert list(found) == ["loss", "perplexity", "bits_per_character", "accuracy"]
    assert found["loss"] == pytest.approx(float(nats.mean()))
    assert found["perplexity"] == pytest.approx(math.exp(float(nats.mean())))
    assert found["bits_per_character"] == pytest.approx(float(nats.sum()) / math.log(2) / 27)
    assert found["accuracy"] == pytest.approx(float((given["prediction"] == given["target"])[counted].double().mean()))


def test_batches_and_processes_add_up_to_the_whole() -> None:
    given = outputs()
    whole, first, second = (LanguageMeter(LETTERS) for _ in range(3))
    whole.update(given, torch.arange(6))
    first.update(part(given, slice(0, 2)), torch.arange(2))
    second.update(part(given, slice(2, 6)), torch.arange(2, 6))
    first.merge(second)
    assert first.compute() == pytest.approx(whole.compute())
    assert first.details()["by_place"]["nats"] == pytest.approx(whole.details()["by_place"]["nats"])
    assert [row["index"] for row in first.details()["worst"]] == [row["index"] for row in whole.details()["worst"]]


def test_pieces_of_words_are_counted_by_their_characters_and_words_are_not() -> None:
    text = "ein Haus, kein Haus: wie schön\n" * 30
    vocabulary = train_vocabulary([text], kind="bytes", size=300)
    tokens = torch.tensor([vocabulary.encode(text)])
    assert tokens.shape[1] < len(text)
    meter = LanguageMeter(vocabulary)
    meter.update({"nats": torch.full(tokens.shape, 2.0), "target": tokens, "prediction": tokens}, torch.arange(1))
    assert meter.compute()["bits_per_character"] == pytest.approx(2 * tokens.shape[1] / math.log(2) / len(text))
    words = LanguageMeter(Words(("a", "b", "c", "d")))
    words.update(outputs(), torch.arange(6))
    assert "bits_per_character" not in words.compute()


def test_details_tell_what_context_brings_and_the_windows_in_words() -> None:
    given, meter = outputs(), LanguageMeter(LETTERS)
    meter.update(given, torch.arange(10, 16))
    details = meter.details()
    assert details["by_place"]["count"] == [6, 6, 5, 5, 5]
    assert details["by_place"]["nats"] == pytest.approx(
        [float(given["nats"][:, place][given["target"][:, place] != 0].mean()) for place in range(5)]
    )
    counted = (given["target"] != 0).float()
    means = (given["nats"] * counted).sum(1) / counted.sum(1)
    assert [row["index"] - 10 for row in details["worst"]] == means.argsort(descending=True).tolist()
    assert [row["index"] - 10 for row in details["best"]] == means.argsort().tolist()
    padded = next(row for row in details["worst"] if row["index"] == 15)
    assert padded["target"] == LETTERS.decode(given["target"][5].tolist())
    assert len(padded["target"]) == len(padded["prediction"]) == 2
    assert padded["loss"] == pytest.approx(float(means[5]))


def test_places_that_no_window_reaches_have_no_loss() -> None:
    given, meter = part(outputs(), slice(5, 6)), LanguageMeter(LETTERS)
    meter.update(given, torch.arange(1))
    assert meter.details()["by_place"]["nats"][2:] == [None] * 3


def test_nan_is_refused_with_its_row() -> None:
    given, meter = outputs(), LanguageMeter(LETTERS)
    given["nats"][3, 1] = float("nan")
    meter.update(given, torch.arange(6))
    with pytest.raises(NonFinite, match="first at row 3 of the split"):
        meter.compute()
