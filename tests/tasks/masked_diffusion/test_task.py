import math
from typing import Any

import pytest
import torch
from sample_tasks import stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.generation import SampleRequest
from sonde.core.seams import Task, abilities_of
from sonde.core.vocabulary import PAD, UNKNOWN, Characters
from sonde.models.bert import BertConfig, bert_tiny
from sonde.models.modern_bert import ModernBert, ModernBertConfig
from sonde.tasks.masked_diffusion.config import MaskedDiffusionConfig
from sonde.tasks.masked_diffusion.samplers import MASK
from sonde.tasks.masked_diffusion.task import MaskedDiffusion

LETTERS = "abcdef"
VOCABULARY = Characters(tuple(LETTERS))
TARGET = TargetSpec(kind="next", names=(), tokenizer=VOCABULARY.to_json(), symbols=VOCABULARY.size)
LENGTH = 12
SMALL = ModernBertConfig(width=16, layers=1, heads=2)


def task(*, network: Any = None, **settings: Any) -> MaskedDiffusion:
    torch.manual_seed(0)
    spec = InputSpec(kind="tokens", shape=(LENGTH,), symbols=VOCABULARY.size, tokenizer=TARGET.tokenizer)
    model = network or ModernBert(spec, VOCABULARY.size, SMALL)
    return MaskedDiffusion(model, TARGET, MaskedDiffusionConfig(**settings), input=spec)


def batch(tokens: Tensor) -> Batch:
    return Batch({"input": tokens, "target": tokens}, torch.arange(len(tokens)))


def counting(rows: int = 16) -> Batch:
    """Rows that count upwards, so that each token tells the others."""
    begin = torch.randint(0, len(LETTERS), (rows, 1), generator=torch.Generator().manual_seed(1))
    return batch(4 + (begin + torch.arange(LENGTH)) % len(LETTERS))


def judged(made: MaskedDiffusion, *given: Batch) -> dict[str, float]:
    meter = made.meter()
    made.modules.eval()
    with torch.inference_mode():
        for each in given:
            meter.update(made.evaluate(each), each.index)
    made.modules.train()
    return meter.compute()


PROBS = torch.tensor([0.5, 0.25, 0.125, 0.125])
ENTROPY = float(-(PROBS * PROBS.log()).sum())


def independent(made: MaskedDiffusion, rows: int) -> Batch:
    """Tokens drawn apart from one another, and the network that knows how often each comes."""
    known = torch.full((VOCABULARY.size,), -torch.inf)
    known[4:8] = PROBS.log()
    made._logits = lambda tokens, masked: known.expand(int(masked.sum()), -1)  # type: ignore[method-assign]
    tokens = torch.multinomial(PROBS, rows * LENGTH, replacement=True, generator=torch.Generator().manual_seed(2))
    return batch(4 + tokens.view(rows, LENGTH))


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_of_independent_tokens_the_bound_is_their_entropy_by_every_schedule(schedule: str) -> None:
    made = task(noise_schedule=schedule)
    given = independent(made, 20_000)
    torch.manual_seed(3)
    assert float(made.loss(given).value) == pytest.approx(ENTROPY, abs=0.025)


def test_of_independent_tokens_an_evaluation_gives_their_entropy_and_so_does_the_baseline() -> None:
    made = task()
    given = independent(made, 4_000)
    found = judged(made, given)
    assert found["loss"] == pytest.approx(ENTROPY, abs=0.01)
    assert found["bits_per_character"] == pytest.approx(found["loss"] / math.log(2))
    assert found["accuracy"] == pytest.approx(0.5, abs=0.02)
    what, baseline = made.trivial_baseline({"target": given["target"]}, {"target": given["target"]})
    assert what == "unigram token frequencies"
    assert baseline["loss"] == pytest.approx(ENTROPY, abs=0.01)


def test_of_tokens_that_tell_each_other_the_bound_is_the_entropy_of_the_text() -> None:
    # all letters of a text are the same: log 6 of all, nothing as soon as one is seen
    made = task()

    def posterior(tokens: Tensor, masked: Tensor) -> Tensor:
        seen = (~masked & (tokens != PAD)).any(1)
        logits = torch.full((*tokens.shape, VOCABULARY.size), -torch.inf)
        logits[..., 4:] = 0.0
        logits[seen] = logits[seen].scatter(2, tokens[seen][..., None], 1e4)
        return logits[masked]

    made._logits = posterior  # type: ignore[method-assign]
    letters = torch.randint(4, VOCABULARY.size, (3_600, 1), generator=torch.Generator().manual_seed(0))
    found = judged(made, batch(letters.repeat(1, LENGTH)))
    assert found["loss"] * LENGTH == pytest.approx(math.log(len(LETTERS)), rel=0.02)


def test_texts_are_learnt_and_made_again() -> None:
    made, given = task(), batch(4 + torch.arange(36)[:, None].expand(36, LENGTH) % len(LETTERS))  # of one letter each
    assert isinstance(made, Task)
    run = stepper(made, lr=1e-2)
    before = judged(made, given)["loss"]
    torch.manual_seed(0)
    for step in range(1, 60):
        run(given, step=step, epoch=0)
    assert judged(made, given)["loss"] < 0.5 * before
    start = torch.randn(32, 2, LENGTH, generator=torch.Generator().manual_seed(0))
    made.modules.eval()
    with torch.no_grad():
        tokens = made.draw(SampleRequest(start=start))
        again = made.draw(SampleRequest(start=start[:5]))
    assert float((tokens.diff(dim=1) == 0).double().mean()) > 0.6  # 1 / 6 by chance
    assert len(set(tokens[:, 0].tolist())) >= 4  # no text alone
    assert torch.equal(tokens[:5], again)


def test_judging_depends_on_the_row_alone_and_draws_nothing() -> None:
    made = task()
    tokens = counting(6)["target"] * (torch.arange(LENGTH) < torch.arange(3, 9)[:, None])
    given = batch(tokens)
    alone = [Batch({"target": tokens[n : n + 1, : 3 + n]}, given.index[n : n + 1]) for n in range(6)]
    state = torch.get_rng_state()
    assert judged(made, given) == pytest.approx(judged(made, *alone), rel=1e-4)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_numbers_of_masked_tokens_are_spread_evenly_over_rows() -> None:
    made = task()
    given = counting(LENGTH * 20)
    hidden = made.evaluate(given)["hidden"]
    counts = torch.bincount(hidden, minlength=LENGTH + 1)
    assert counts[0] == 0
    assert counts[1:].min() >= 18
    assert counts[1:].max() <= 22


def test_padding_is_neither_masked_nor_counted() -> None:
    made, tokens = task(), counting(4)["target"]
    tokens[:, 5:] = PAD
    loss = made.loss(batch(tokens))
    assert float(loss.weight) == 20
    short = made.predict(Batch({"input": tokens[:, :5]}, torch.arange(4)))["nats"]
    torch.testing.assert_close(made.predict(Batch({"input": tokens}, torch.arange(4)))["nats"], short)


def test_a_prediction_is_the_bound_of_a_text() -> None:
    made = task()
    given = independent(made, 8)
    found = made.predict(given)["nats"]
    assert found.shape == (8,)
    row = made.format_predictions({"nats": found[:1]})[0]
    assert row == {"loss": pytest.approx(float(found[0])), "perplexity": pytest.approx(math.exp(float(found[0])))}


def test_a_part_that_is_known_is_kept_and_gives_the_text_its_length() -> None:
    made = task()
    known, keep = torch.tensor([[4, 0, 6, 0, 8.0]]).expand(3, -1), torch.tensor([[1, 0, 1, 0, 1.0]]).expand(3, -1)
    with torch.no_grad():
        found = made.draw(SampleRequest(start=torch.randn(3, 2, LENGTH), known=known, keep=keep))
    assert found.shape == (3, 5)
    assert (found[:, ::2] == torch.tensor([4, 6, 8])).all()
    assert (found > UNKNOWN).all()
    assert (found != MASK).all()


def test_without_temperature_the_numbers_do_not_matter() -> None:
    made = task()
    with torch.no_grad():
        one, two = (made.draw(SampleRequest(start=torch.randn(1, 2, LENGTH), steps=1, temperature=0)) for _ in "ab")
    assert torch.equal(one, two)


def test_what_it_can_do() -> None:
    generation = abilities_of(task()).generation
    assert generation is not None
    assert (generation.latent, generation.steps) == ((2, LENGTH), LENGTH)
    assert generation.samplers == ("random-order", "ancestral", "confidence")
    assert generation.keeps
    assert not generation.guided


def test_a_bert_does_too() -> None:
    spec = InputSpec(kind="tokens", shape=(LENGTH,), symbols=VOCABULARY.size)
    made = task(network=bert_tiny(spec, VOCABULARY.size, BertConfig()))
    assert math.isfinite(made.loss(counting()).value.item())


def test_what_does_not_suit_is_refused() -> None:
    with pytest.raises(ConfigError, match="task masked-diffusion needs an output per token, and Linear outputs one"):
        task(network=nn.Linear(1, 1))
    spec = InputSpec(kind="tokens", shape=(LENGTH,), symbols=VOCABULARY.size)
    classes = TargetSpec(kind="class", names=("a", "b"))
    with pytest.raises(ConfigError, match="needs plain text; leave --task masked-diffusion out"):
        MaskedDiffusion(ModernBert(spec, 2, SMALL), classes, MaskedDiffusionConfig(), input=spec)
