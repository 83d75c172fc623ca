import random

import jiwer
import pytest
import torch

from sonde.core.errors import NonFinite
from sonde.core.seams import Meter
from sonde.core.vocabulary import END, Characters
from sonde.metrics.transcripts import NOTHING, OTHER, WORST, TranscriptMeter

LETTERS = Characters(tuple(" abcdefghijklmnopqrstuvwxyz"))
WORDS = ("zero", "one", "two", "three")


def tokens(texts: list[str], *, end: bool = False) -> torch.Tensor:
    rows = [torch.tensor([*LETTERS.encode(text), *[END] * end], dtype=torch.int64) for text in texts]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def fed(meter: TranscriptMeter, pairs: list[tuple[str, str]], first: int = 0) -> TranscriptMeter:
    """Judged (truth, found), the n-th with a loss of n."""
    index = torch.arange(first, first + len(pairs))
    meter.update(
        {
            "target": tokens([truth for truth, _ in pairs], end=True),
            "found": tokens([found for _, found in pairs]),
            "loss": index.float(),
            "weight": torch.ones(len(pairs)),
            "unreachable": torch.zeros(len(pairs), dtype=torch.bool),
        },
        index,
    )
    return meter


def drawn(count: int = 40) -> list[tuple[str, str]]:
    source = random.Random(1)
    return [tuple(" ".join(source.choices(WORDS, k=source.randint(1, 5))) for _ in range(2)) for _ in range(count)]  # type: ignore[misc]


def test_error_rates_are_jiwers() -> None:
    pairs = drawn()
    meter = fed(TranscriptMeter(LETTERS), pairs)
    assert isinstance(meter, Meter)
    truths, found = map(list, zip(*pairs, strict=True))
    scores = meter.compute()
    assert scores["wer"] == pytest.approx(jiwer.wer(truths, found))
    assert scores["cer"] == pytest.approx(jiwer.cer(truths, found))
    assert scores["accuracy"] == sum(truth == said for truth, said in pairs) / len(pairs)
    assert next(iter(scores)) == "wer"
    assert "unreachable" not in scores


def test_batches_and_processes_add_up() -> None:
    pairs = drawn()
    whole, parts = fed(TranscriptMeter(LETTERS), pairs), fed(TranscriptMeter(LETTERS), pairs[:7])
    fed(parts, pairs[7:20], 7)
    parts.merge(fed(TranscriptMeter(LETTERS), pairs[20:], 20))
    assert parts.compute() == pytest.approx(whole.compute())
    assert parts.details() == whole.details()


def test_the_most_wrong_come_first() -> None:
    pairs = [("one", "one"), ("two", "xyzxyz"), ("zero", "zera"), ("three", "")]
    worst = fed(TranscriptMeter(LETTERS), pairs).details()["worst"]
    assert [(case["index"], case["target"], case["prediction"]) for case in worst] == [
        (1, "two", "xyzxyz"), (3, "three", NOTHING), (2, "zero", "zera"), (0, "one", "one"),
    ]  # fmt: skip
    many = fed(TranscriptMeter(LETTERS), [("one", "two")] * 60).details()["worst"]
    assert [case["index"] for case in many] == list(range(59, 59 - WORST, -1))


def test_few_words_are_told_apart_in_a_table() -> None:
    pairs = [("one two", "one two"), ("one", "two"), ("two", "tow"), ("two one", "two"), ("one", "one one")]
    table = fed(TranscriptMeter(LETTERS), pairs).details()["confusion"]
    assert (table["names"], table["unit"]) == (["one", "two", OTHER, NOTHING], "words")
    assert table["counts"] == [[2, 1, 0, 1], [0, 2, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0]]
    many = [("".join(random.Random(n).choices("abcdef", k=6)), "a") for n in range(40)]
    assert "confusion" not in fed(TranscriptMeter(LETTERS), many).details()


def test_rows_that_no_frames_can_say_are_counted() -> None:
    meter = fed(TranscriptMeter(LETTERS), [("one", "one")] * 3)
    outputs = {"target": tokens(["one"]), "found": tokens(["o"]), "loss": torch.zeros(1), "weight": torch.zeros(1)}
    meter.update({**outputs, "unreachable": torch.tensor([True])}, torch.tensor([3]))
    scores = meter.compute()
    assert scores["unreachable"] == 0.25
    assert scores["loss"] == pytest.approx(1.0)  # the mean of 0, 1 and 2


def test_outputs_that_are_no_numbers_are_refused() -> None:
    meter = fed(TranscriptMeter(LETTERS), [("one", "one")])
    outputs = {"target": tokens(["one"]), "found": tokens(["one"]), "weight": torch.ones(1)}
    meter.update({**outputs, "loss": torch.tensor([float("nan")]), "unreachable": torch.zeros(1)}, torch.tensor([5]))
    with pytest.raises(NonFinite, match="first at row 5 of the split"):
        meter.compute()
