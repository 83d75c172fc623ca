import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from sample_tasks import stepper
from torch import nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError, DataError
from sonde.core.seams import Task, abilities_of
from sonde.core.vocabulary import END, Characters
from sonde.modalities.text.train_vocabulary import train_vocabulary
from sonde.models.build import build
from sonde.tasks.decode.sampling import Sampling
from sonde.tasks.language_model.config import LanguageModelConfig
from sonde.tasks.language_model.task import LanguageModel

LETTERS = Characters(tuple("\nabcdef"))
SYMBOLS, CONTEXT = LETTERS.size, 12
TARGET = TargetSpec(kind="next", names=(), tokenizer=LETTERS.to_json(), symbols=SYMBOLS)


def network(name: str = "modern-gpt") -> nn.Module:
    torch.manual_seed(0)
    return build(name, InputSpec(kind="tokens", shape=(CONTEXT,), symbols=SYMBOLS), SYMBOLS)


def task(name: str = "gpt-small", **settings: Any) -> LanguageModel:
    return LanguageModel(network(name), TARGET, LanguageModelConfig(**settings))


def batch(rows: int = 5, first: int = 0, seed: int = 0) -> Batch:
    """Tokens at random; a different number of them counts in each row."""
    drawn = torch.Generator().manual_seed(seed)
    text = torch.randint(4, SYMBOLS, (rows, CONTEXT + 1), generator=drawn)
    input, target = text[:, :-1].clone(), text[:, 1:].clone()
    for row in range(rows):
        input[row, CONTEXT - 2 * row :] = 0 if row else input[row, CONTEXT - 2 * row :]
        target[row, CONTEXT - 2 * row :] = 0 if row else target[row, CONTEXT - 2 * row :]
    return Batch({"input": input, "target": target}, 10 * torch.arange(rows) + first)  # streams of ten windows


def judged(made: LanguageModel, given: Batch) -> dict[str, float]:
    meter = made.meter()
    with torch.inference_mode():
        meter.update(made.evaluate(given), given.index)
    return meter.compute()


@pytest.mark.parametrize("name", ["gpt-small", "gru-lm"])
def test_it_learns_a_text_by_heart(name: str) -> None:
    made, given = task(name), batch()
    assert isinstance(made, Task)
    assert abilities_of(made).samples is not None
    assert abilities_of(made).trivial_baseline is not None
    run = stepper(made, lr=3e-3)
    for step in range(1, 40):
        run(given, step=step, epoch=0)
    after = judged(made, given)
    assert after["accuracy"] > 0.9
    assert next(iter(after)) == made.objective.metric
    assert made.objective[:2] == ("loss", "min")


def test_the_loss_is_the_mean_over_tokens_that_count() -> None:
    made, given = task(), batch()
    loss = made.loss(given)
    logits = made.modules["model"](given["input"])
    counted = given["target"] != 0
    assert int(loss.weight) == int(counted.sum()) == 5 * CONTEXT - 2 - 4 - 6 - 8
    torch.testing.assert_close(loss.value, F.cross_entropy(logits[counted], given["target"][counted]))
    assert judged(made, given)["loss"] == pytest.approx(loss.value.item(), rel=1e-5)
    nothing = Batch({"input": given["input"], "target": torch.zeros_like(given["target"])}, given.index)
    assert made.loss(nothing).value.item() == 0


@pytest.mark.parametrize("pieces", [2, 3, 5])
@pytest.mark.parametrize(("name", "carry"), [("gpt-small", False), ("gru-lm", True)])
def test_pieces_with_unequal_counts_give_the_whole_batchs_gradient(pieces: int, name: str, carry: bool) -> None:
    gradients = []
    for cut in (1, pieces):
        made = task(name, carry=carry)
        made.modules.double()
        for given in (batch(seed=1), batch(first=1, seed=2)):  # the second goes on where the first stopped
            made.modules.zero_grad()
            losses = [made.loss(piece) for piece in given.split(cut)]
            total = sum(int(loss.weight) for loss in losses)
            torch.stack([loss.value * loss.weight / total for loss in losses]).sum().backward()
        gradients.append([p.grad for p in made.modules.parameters()])
    for one, two in zip(*gradients, strict=True):
        assert one is not None
        assert two is not None
        torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["gpt-small", "modern-gpt", "lstm-lm"])
def test_what_comes_later_changes_nothing_before(name: str) -> None:
    made = task(name)
    made.modules.eval()
    given = batch(3)["input"][:1].clone()
    other = given.clone()
    other[:, 7:] = 4 + (other[:, 7:] - 3) % (SYMBOLS - 4)
    with torch.no_grad():
        before, after = made.modules["model"](given), made.modules["model"](other)
    torch.testing.assert_close(before[:, :7], after[:, :7], rtol=0, atol=1e-6)
    assert not torch.allclose(before[:, 7:], after[:, 7:], atol=1e-4)


def test_training_in_bfloat16_does_not_look_ahead_either() -> None:
    model = network().train()  # attends by another way than in float32
    given = batch(3)["input"][:1]
    other = torch.where(torch.arange(CONTEXT) < 7, given, 4 + (given - 3) % (SYMBOLS - 4))
    with torch.autocast("cpu", torch.bfloat16):
        before, after = model(given), model(other)
    assert torch.equal(before[:, :7], after[:, :7])
    assert not torch.equal(before[:, 7:], after[:, 7:])


def test_a_carried_state_is_that_of_the_text_before_and_none_of_its_gradient() -> None:
    made, whole = task("gru-lm", carry=True), task("gru-lm")
    text = batch(1)["input"].repeat(1, 2)  # two windows, one after the other
    target = text.roll(-1, 1)
    first, second = (
        Batch({"input": text[:, cut], "target": target[:, cut]}, torch.tensor([row]))
        for row, cut in ((7, slice(0, CONTEXT)), (8, slice(CONTEXT, None)))
    )
    made.loss(first)
    logits = whole.modules["model"](text)[:, CONTEXT:]
    expected = F.cross_entropy(logits.flatten(0, 1), second["target"].flatten())
    loss = made.loss(second).value
    torch.testing.assert_close(loss, expected)
    loss.backward()  # only through the second window: the first one's graph was let go
    alone = task("gru-lm", carry=True).loss(second).value
    assert abs(alone.item() - expected.item()) > 1e-5
    assert judged(made, second)["loss"] == pytest.approx(alone.item(), rel=1e-5), "judging begins without a state"


def test_the_carried_state_is_saved_and_loaded() -> None:
    made, other = task("lstm-lm", carry=True), task("lstm-lm", carry=True)
    made.loss(batch())
    other.load_state_dict(made.state_dict())
    following = batch(first=1, seed=3)
    assert torch.equal(made.loss(following).value, other.loss(following).value)
    assert task().state_dict() == {}


def test_trivial_is_the_frequency_of_each_token() -> None:
    known = torch.tensor([[4.0, 4, 4, 5], [4, 5, 6, 0]])
    seen = torch.tensor([[4.0, 5, 4, 0]])
    what, found = task().trivial_baseline({"target": known}, {"target": seen})
    counts = {4: 4 + 1, 5: 2 + 1, 6: 1 + 1}  # and one for each of the other symbols but PAD
    total = sum(counts.values()) + SYMBOLS - 1 - 3
    expected = -(2 * math.log(counts[4] / total) + math.log(counts[5] / total)) / 3
    assert what == "unigram token frequencies"
    assert found["loss"] == pytest.approx(expected)
    assert found["accuracy"] == pytest.approx(2 / 3)


def test_a_prediction_names_the_next_token_and_the_perplexity_of_the_text() -> None:
    made = task()
    made.modules.eval()
    text = LETTERS.encode("abcab")
    padded = torch.tensor([[*text, 0, 0], [*LETTERS.encode("a"), 0, 0, 0, 0, 0, 0]])
    with torch.no_grad():
        rows = made.format_predictions(made.predict(Batch({"input": padded}, torch.arange(2))))
        logits = made.modules["model"](torch.tensor([text]))[0]
    probs = logits[-1].softmax(0)
    assert rows[0]["prediction"] == repr(LETTERS.symbol(int(probs.argmax())))[1:-1]
    assert rows[0]["probability"] == pytest.approx(float(probs.max()), rel=1e-5)
    assert len(rows[0]["probabilities"]) == 5
    nats = F.cross_entropy(logits[:-1], torch.tensor(text[1:]))
    assert rows[0]["perplexity"] == pytest.approx(math.exp(float(nats)), rel=1e-5)
    assert rows[1]["perplexity"] is None


def test_a_stream_is_the_text_of_the_tokens_and_the_same_for_a_seed() -> None:
    made = task()

    def text(prompt: str, seed: int = 0) -> list[str]:
        sampling = Sampling(temperature=1.0)
        return list(made.stream(prompt, context=CONTEXT, tokens=30, sampling=sampling, seed=seed))

    assert len(text("abc")) <= 30
    assert set("".join(text("abc"))) <= set("\nabcdef")
    assert text("abc") == text("abc")
    assert text("abc") != text("abc", seed=1)
    assert made.encoded("") == LETTERS.encode("\n")
    with pytest.raises(
        DataError, match="^the prompt has 'x' 'ä', not in the vocabulary of the training text; leave it out$"
    ):
        made.encoded("aäbx")


class Scripted(nn.Module):
    """Says the tokens it was given, one after another, whatever it reads."""

    def __init__(self, said: list[int], symbols: int) -> None:
        super().__init__()
        self.said, self.symbols, self.calls = said, symbols, 0
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        token = self.said[self.calls]
        self.calls += 1
        return F.one_hot(torch.full(tokens.shape, token), self.symbols) * 50.0


def test_bytes_of_a_character_are_shown_together_and_the_end_ends_it() -> None:
    text = "schön 你"
    vocabulary = train_vocabulary(["abc"], kind="bytes")  # hardly a merge: every byte beyond ASCII is a token
    tokens = vocabulary.encode(text)
    target = TargetSpec(kind="next", names=(), tokenizer=vocabulary.to_json(), symbols=vocabulary.size)
    made = LanguageModel(Scripted([*tokens, END, 99], vocabulary.size), target, LanguageModelConfig())
    pieces = list(made.stream("a", context=8, tokens=100, sampling=Sampling(temperature=0.0)))
    assert pieces == list(text)
    assert len(tokens) > len(text)


def test_it_writes_for_the_report() -> None:
    made = task()
    texts = made.samples(CONTEXT)
    assert [entry["temperature"] for entry in texts] == [0.5, 0.8, 1.0]
    assert all(len(entry["text"]) > 0 for entry in texts)
    assert texts == made.samples(CONTEXT)


def test_a_text_while_it_trains_ends_in_time() -> None:
    made = task()
    [one] = made.samples(CONTEXT, 60.0)
    assert (one["temperature"], len(one["text"]) > 0) == (0.8, True)
    assert made.samples(CONTEXT, 0.0) == [{"temperature": 0.8, "text": ""}]


@pytest.mark.parametrize(
    ("name", "target", "settings", "message"),
    [
        (
            "gpt-small",
            TargetSpec(kind="class", names=("a", "b")),
            {},
            "task language-model needs plain text; leave --task language-model out",
        ),
        (
            "gpt-small",
            TARGET,
            {"carry": True},
            "--carry is for recurrent networks, which have a hidden state; use --model",
        ),
    ],
)
def test_what_does_not_suit_is_refused(name: str, target: TargetSpec, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        LanguageModel(network(name), target, LanguageModelConfig(**settings))


def test_a_model_with_another_answer_is_refused() -> None:
    made = LanguageModel(nn.Embedding(SYMBOLS, 3), TARGET, LanguageModelConfig())
    with pytest.raises(ConfigError, match=r"needs logits \(5, 12, 11\), and the model outputs \(5, 12, 3\); use --mo"):
        made.loss(batch())
