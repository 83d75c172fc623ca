from typing import Any

import pytest
import torch
import torch.nn.functional as F
from sample_tasks import stepper
from torch import nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Task, abilities_of
from sonde.core.vocabulary import BEGIN, END, Words
from sonde.models.seq2seq import Seq2SeqConfig, seq2seq_gru
from sonde.models.transformer import Transformer, TransformerConfig
from sonde.tasks.translation.config import TranslationConfig
from sonde.tasks.translation.task import Translation, shifted

WORDS = Words(tuple("abcdefgh"))
TARGET = TargetSpec(kind="tokens", names=("xx", "yy"), tokenizer=WORDS.to_json(), symbols=WORDS.size)
SPEC = InputSpec(kind="tokens", shape=(7,), tokenizer=WORDS.to_json(), symbols=WORDS.size)


def batch(rows: int = 12, seed: int = 0) -> Batch:
    """Letters and the same letters backwards."""
    drawn = torch.Generator().manual_seed(seed)
    input, target = torch.zeros(rows, 7, dtype=torch.int64), torch.zeros(rows, 7, dtype=torch.int64)
    for row in range(rows):
        length = int(torch.randint(2, 7, (), generator=drawn))
        letters = torch.randint(4, WORDS.size, (length,), generator=drawn)
        input[row, :length], target[row, :length] = letters, letters.flip(0)
        input[row, length] = target[row, length] = END
    return Batch({"input": input, "target": target}, torch.arange(rows))


def task(name: str = "transformer", **settings: Any) -> Translation:
    torch.manual_seed(0)
    model: nn.Module
    if name == "transformer":
        config = TransformerConfig(dropout=0.0)
        model = Transformer(SPEC, WORDS.size, config, dim=64, heads=2, hidden=64, layers=2)
    else:
        model = seq2seq_gru(SPEC, TARGET.out_dim, Seq2SeqConfig(embedding=32, width=64, dropout=0.0))
    return Translation(model, TARGET, TranslationConfig(**settings))


def judged(made: Translation, given: Batch, *, brief: bool = False) -> dict[str, float]:
    meter = made.meter()
    made.modules.eval()
    with torch.inference_mode():
        meter.update((made.quick_evaluate if brief else made.evaluate)(given), given.index)
    return meter.compute()


def test_it_is_fed_what_stands_before_each_token() -> None:
    assert shifted(torch.tensor([[5, 6, END], [7, END, 0]])).tolist() == [[BEGIN, 5, 6], [BEGIN, 7, END]]


@pytest.mark.parametrize("name", ["transformer", "seq2seq"])
def test_it_learns_by_heart_and_says_it(name: str) -> None:
    made, given = task(name, beam=2), batch()
    assert isinstance(made, Task)
    assert abilities_of(made).quick_evaluate is not None
    made.modules.train()
    # By twice the rate losses jump, and where they stand at the end hangs on the last bit of a sum; by these ten seeds on three
    # kinds of processor all said every row after 160 updates
    run = stepper(made, lr=3e-3 if name == "seq2seq" else 2e-3)
    before = judged(made, given)
    made.modules.train()
    for step in range(1, 200):
        run(given, step=step, epoch=0)
    after = judged(made, given)
    assert before["bleu"] < 40
    assert after["bleu"] > 95
    assert after["token_accuracy"] > 0.97
    assert after["perplexity"] < 1.1 < before["perplexity"]
    rows = made.format_predictions(made.predict(given))
    truth = [WORDS.decode(tokens) for tokens in given["target"].tolist()]
    assert sum(row["prediction"] == text for row, text in zip(rows, truth, strict=True)) >= 11
    assert all(row["score"] <= 0 for row in rows)


def test_label_smoothing_is_its_closed_form_over_tokens_that_count() -> None:
    made, given = task(label_smoothing=0.2), batch()
    logits = made.modules["model"](given["input"], shifted(given["target"]))
    logp, there = logits.log_softmax(-1), given["target"] != 0
    truth = logp.gather(2, given["target"][..., None])[..., 0]
    expected = -(0.8 * truth + 0.2 * logp.mean(-1))[there].mean()
    loss = made.loss(given)
    torch.testing.assert_close(loss.value, expected)
    assert int(loss.weight) == int(there.sum())
    plain = F.cross_entropy(logits[there], given["target"][there])
    torch.testing.assert_close(torch.tensor(judged(made, given)["loss"]), plain.detach(), atol=1e-5, rtol=0)


def test_pieces_of_a_batch_give_its_gradient() -> None:
    made, given = task(label_smoothing=0.1), batch(7)
    parameters = list(made.modules.parameters())
    whole = torch.autograd.grad(made.loss(given).value, parameters)
    pieces = [made.loss(piece) for piece in given.split(3)]
    total = sum(float(piece.weight) for piece in pieces)
    value = torch.stack([piece.value * float(piece.weight) / total for piece in pieces]).sum()
    for one, two in zip(whole, torch.autograd.grad(value, parameters), strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-4)


def test_padding_changes_neither_loss_nor_answer() -> None:
    made, given = task(), batch()
    wider = Batch({name: F.pad(field, (0, 3)) for name, field in given.fields.items()}, given.index)
    torch.testing.assert_close(made.loss(wider).value, made.loss(given).value)
    assert judged(made, wider) == pytest.approx(judged(made, given), rel=1e-4)


def test_a_quick_evaluation_translates_a_share_by_the_likeliest_token() -> None:
    made, given = task(quick_share=0.25, beam=2), batch(100)
    found = made.quick_evaluate(given)
    assert 15 <= int(found["decoded"].sum()) <= 35
    assert (found["generated"][~found["decoded"]] == 0).all()
    greedy = task(beam=1).predict(given)["tokens"]
    chosen = found["decoded"]
    width = found["generated"].shape[1]
    assert torch.equal(found["generated"][chosen], greedy[chosen][:, :width])
    assert made.evaluate(given)["decoded"].all()
    assert judged(made, given, brief=True)["loss"] == pytest.approx(judged(made, given)["loss"])


def test_of_the_first_rows_it_is_kept_what_was_looked_at() -> None:
    made, given = task(), batch()
    found = made.evaluate(given)
    assert found["mapped"].tolist() == [n < 4 for n in range(12)]
    assert found["attention"].shape == (4, found["generated"].shape[1], 7)
    assert found["spans"].tolist() == (given["input"][:4] != 0).sum(1).tolist()
    later = Batch(given.fields, given.index + 100)
    assert "attention" not in made.evaluate(later)
    assert made.objective[:2] == ("bleu", "max")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"label_smoothing": 1.0}, "--label-smoothing must be at least 0 and below 1, got 1"),
        ({"beam": 0}, "--beam must be at least 1, got 0"),
        ({"length_penalty": -1.0}, "--length-penalty must be at least 0, got -1"),
        ({"quick_share": 0.0}, "--quick-share must be above 0 and at most 1, got 0"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        TranslationConfig(**settings)


def test_what_does_not_suit_is_refused() -> None:
    model = task().modules["model"]
    with pytest.raises(
        ConfigError, match="^task translation needs a target text for each source text; leave --task translation out"
    ):
        Translation(model, TargetSpec(kind="class", names=("a", "b")), TranslationConfig())
    with pytest.raises(ConfigError, match="and Linear has no begin and step; use --model transformer-small"):
        Translation(nn.Linear(2, 2), TARGET, TranslationConfig())
    with pytest.raises(ConfigError, match="unknown metric to monitor 'blue'.*'bleu'"):
        Translation(model, TARGET, TranslationConfig(), monitor="blue")
