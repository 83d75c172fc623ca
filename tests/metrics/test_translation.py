import math

import pytest
import sacrebleu
import torch
from torch import Tensor

from sonde.core.errors import NonFinite
from sonde.core.vocabulary import END, Words
from sonde.metrics.translation import MAPPED, SHOWN, TranslationMeter

WORDS = Words(("a", "man", "rides", "bike", "dog", "runs", "the", "."), lower=False)
TRUE = ["a man rides the bike .", "the dog runs .", "a dog runs .", "the man runs .", "a bike ."]
SAID = ["a man rides a bike .", "the dog runs .", "the dog runs .", "a bike .", "."]


def rows(texts: list[str], width: int = 0) -> Tensor:
    encoded = [[*WORDS.encode(text), END] for text in texts]
    longest = max([width, *map(len, encoded)])
    return torch.tensor([tokens + [0] * (longest - len(tokens)) for tokens in encoded])


def outputs(chosen: slice = slice(None), **more: Tensor) -> dict[str, Tensor]:
    target = rows(TRUE, 8)[chosen]
    tokens = (target != 0).sum(1)
    found = {
        "loss": torch.tensor([0.5, 1.0, 2.0, 0.25, 3.0])[chosen],
        "right": torch.tensor([1.0, 0.5, 0.0, 0.8, 0.2])[chosen],
        "tokens": tokens,
        "target": target,
        "generated": rows(SAID, 8)[chosen],
        "decoded": torch.ones(len(target), dtype=torch.bool),
    }
    return {**found, **more}


def test_losses_and_accuracy_are_means_over_tokens_and_bleu_is_sacrebleus() -> None:
    meter = TranslationMeter(WORDS)
    meter.update(outputs(slice(0, 2)), torch.tensor([0, 1]))
    meter.update(outputs(slice(2, 5)), torch.tensor([2, 3, 4]))
    found = meter.compute()
    lengths = [7, 5, 5, 5, 4]
    loss = sum(n * value for n, value in zip(lengths, [0.5, 1.0, 2.0, 0.25, 3.0], strict=True)) / 26
    assert found["loss"] == pytest.approx(loss)
    assert found["perplexity"] == pytest.approx(math.exp(loss))
    right = sum(n * value for n, value in zip(lengths, [1.0, 0.5, 0.0, 0.8, 0.2], strict=True)) / 26
    assert found["token_accuracy"] == pytest.approx(right)
    assert found["bleu"] == pytest.approx(sacrebleu.corpus_bleu(SAID, [TRUE]).score)
    assert next(iter(found)) == "bleu"


def test_meters_of_two_processes_are_one() -> None:
    one, two, both = TranslationMeter(WORDS), TranslationMeter(WORDS), TranslationMeter(WORDS)
    for meter, part in ((one, slice(0, 3)), (two, slice(3, 5))):
        meter.update(outputs(part), torch.arange(5)[part])
    both.update(outputs(), torch.arange(5))
    one.merge(two)
    assert one.compute() == pytest.approx(both.compute())
    assert one.details() == both.details()


def test_only_rows_that_were_translated_count_for_bleu() -> None:
    meter = TranslationMeter(WORDS)
    meter.update(outputs(decoded=torch.tensor([True, False, True, False, False])), torch.arange(5))
    found = meter.compute()
    assert found["bleu"] == pytest.approx(sacrebleu.corpus_bleu([SAID[0], SAID[2]], [[TRUE[0], TRUE[2]]]).score)
    assert {case["index"] for case in meter.details()["worst"]} == {0, 2}


def test_the_true_text_wins_over_what_its_tokens_say() -> None:
    texts = [text.replace(" .", ".").replace("bike", "Fahrrad (ä)") for text in TRUE]
    width = max(len(text.encode()) for text in texts)
    bytes_ = torch.tensor([[*text.encode(), *[0] * (width - len(text.encode()))] for text in texts])
    meter = TranslationMeter(WORDS)
    meter.update(outputs(reference=bytes_), torch.arange(5))
    assert meter.compute()["bleu"] == pytest.approx(sacrebleu.corpus_bleu(SAID, [texts]).score)
    assert {case["target"] for case in meter.details()["worst"]} == set(texts)


def test_the_worst_come_first_and_the_best_first() -> None:
    meter = TranslationMeter(WORDS)
    meter.update(outputs(), torch.arange(5))
    details = meter.details()
    scores = [sacrebleu.sentence_bleu(said, [true]).score for said, true in zip(SAID, TRUE, strict=True)]
    assert [case["bleu"] for case in details["worst"]] == pytest.approx(sorted(scores))
    assert details["best"][0]["index"] == 1
    assert details["best"][0] == {
        "index": 1, "target": TRUE[1], "prediction": SAID[1], "bleu": pytest.approx(100), "loss": 1.0,
    }  # fmt: skip
    assert "attention" not in details
    for index in range(5, 45):
        meter.update(outputs(slice(0, 1)), torch.tensor([index]))
    assert len(meter.details()["worst"]) == len(meter.details()["best"]) == SHOWN


def test_maps_of_attention_are_cut_to_what_was_said_and_read() -> None:
    weights = torch.rand(2, 8, 6)
    mapped = torch.tensor([False, True, False, False, True])
    meter = TranslationMeter(WORDS)
    meter.update(outputs(mapped=mapped, attention=weights, spans=torch.tensor([6, 4])), torch.tensor([9, 1, 8, 7, 0]))
    maps = meter.details()["attention"]
    assert [entry["index"] for entry in maps] == [0, 1]
    assert maps[1]["said"] == ["the", "dog", "runs", ".", "<eos>"]
    assert torch.tensor(maps[1]["weights"]).allclose(weights[0, :5, :6], atol=1e-4)
    assert torch.tensor(maps[0]["weights"]).shape == (2, 4)
    assert len(maps) <= MAPPED


def test_a_row_that_is_nan_is_named() -> None:
    meter = TranslationMeter(WORDS)
    broken = outputs(loss=torch.tensor([0.5, math.nan, 1.0, math.nan, 1.0]))
    meter.update(broken, torch.tensor([3, 12, 5, 11, 6]))
    with pytest.raises(NonFinite, match="first at row 11 of the split"):
        meter.compute()
