from typing import Any

import pytest
import torch
import torch.nn.functional as F
from sample_tasks import stepper
from torch import nn

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Task
from sonde.core.vocabulary import BEGIN, END, UNKNOWN
from sonde.models.bert import BertConfig, bert_tiny
from sonde.nn.masked_tokens import begun
from sonde.tasks.masked_language_model.config import MaskedLanguageModelConfig
from sonde.tasks.masked_language_model.task import MaskedLanguageModel

SYMBOLS = 30
CLASSES = TargetSpec(kind="class", names=("a", "b"))


def task(**settings: Any) -> MaskedLanguageModel:
    torch.manual_seed(0)
    spec = InputSpec(kind="tokens", shape=(24,), symbols=SYMBOLS)
    return MaskedLanguageModel(
        bert_tiny(spec, 1, BertConfig(dropout=0.0)), CLASSES, MaskedLanguageModelConfig(**settings)
    )


def batch(rows: int = 16, *, lengths: bool = False) -> Batch:
    """Rows that count upwards, so that each token tells the others."""
    begin = torch.randint(0, SYMBOLS - 4, (rows, 1), generator=torch.Generator().manual_seed(1))
    tokens = 4 + (begin + torch.arange(20)) % (SYMBOLS - 4)
    if lengths:
        tokens = tokens * (torch.arange(20) < torch.arange(5, 5 + rows)[:, None])
    return Batch({"input": tokens}, torch.arange(rows))


def judged(made: MaskedLanguageModel, *given: Batch) -> dict[str, float]:
    meter = made.meter()
    made.modules.eval()
    with torch.inference_mode():
        for each in given:
            meter.update(made.evaluate(each), each.index)
    made.modules.train()
    return meter.compute()


def test_hidden_tokens_are_learnt() -> None:
    made, given = task(), batch(32)
    assert isinstance(made, Task)
    run = stepper(made, lr=2e-3)
    before = judged(made, given)
    torch.manual_seed(0)
    for step in range(1, 120):
        run(given, step=step, epoch=0)
    after = judged(made, given)
    assert after["loss"] < 0.5 * before["loss"]
    assert after["accuracy"] > 0.6
    assert after["perplexity"] == pytest.approx(torch.tensor(after["loss"]).exp().item(), rel=1e-5)


def test_of_the_tokens_15_percent_are_chosen_and_of_those_80_10_10() -> None:
    made = task()
    tokens = torch.randint(4, SYMBOLS, (400, 500), generator=torch.Generator().manual_seed(0))
    tokens[:, 0], tokens[:, 400], tokens[:, 401:] = BEGIN, END, 0
    noise = torch.rand(3, 400, 500, generator=torch.Generator().manual_seed(1))
    fed, chosen = made.mask(tokens, noise)
    text = tokens >= 4
    assert not (chosen & ~text).any()
    assert torch.equal(fed[~chosen], tokens[~chosen])
    count = int(chosen.sum())
    assert count / int(text.sum()) == pytest.approx(0.15, abs=0.005)
    hidden, kept = int((fed[chosen] == UNKNOWN).sum()), int((fed[chosen] == tokens[chosen]).sum())
    assert hidden / count == pytest.approx(0.8, abs=0.01)
    other = 0.1 * (1 - 1 / (SYMBOLS - 4))  # a random token is sometimes the very one
    assert (count - hidden - kept) / count == pytest.approx(other, abs=0.01)
    replaced = fed[chosen & (fed != UNKNOWN) & (fed != tokens)]
    assert (int(replaced.min()), int(replaced.max())) == (4, SYMBOLS - 1)
    assert float(replaced.float().mean()) == pytest.approx((4 + SYMBOLS - 1) / 2, abs=0.3)


def test_the_loss_is_the_mean_over_hidden_tokens_of_the_whole_batch() -> None:
    made, given = task(), batch(lengths=True)
    torch.manual_seed(3)
    loss = made.loss(given)
    torch.manual_seed(3)
    tokens = F.pad(given["input"], (1, 0), value=BEGIN)
    fed, chosen = made.mask(tokens, torch.rand(3, *tokens.shape))
    model = made.modules["model"]
    logits = made.modules["head"](model.hidden(fed), model.words.weight)  # type: ignore[operator, union-attr]
    target = torch.where(chosen, tokens, -100)
    torch.testing.assert_close(loss.value, F.cross_entropy(logits.flatten(0, 1), target.flatten()))
    assert float(loss.weight) == int(chosen.sum())


def test_a_batch_of_which_nothing_is_hidden_weighs_nothing() -> None:
    made = task(hidden_share=1e-9)
    loss = made.loss(batch(2))
    assert (loss.value.item(), float(loss.weight)) == (0, 0)


def test_judging_depends_on_the_row_alone() -> None:
    made, given = task(), batch(6, lengths=True)
    alone = [Batch({"input": given["input"][n : n + 1, : 5 + n]}, given.index[n : n + 1]) for n in range(6)]
    state = torch.get_rng_state()
    assert judged(made, given) == pytest.approx(judged(made, *alone), rel=1e-5)
    assert torch.equal(torch.get_rng_state(), state)


def test_begin_stands_before_rows_of_text_alone() -> None:
    assert begun(torch.tensor([[5, 6], [7, 0]])).tolist() == [[BEGIN, 5, 6], [BEGIN, 7, 0]]
    two = torch.tensor([[BEGIN, 5, END, 6, END]])
    assert begun(two) is two


def test_features_are_a_mean_over_tokens_and_not_over_padding() -> None:
    made, given = task(), batch(3)
    made.modules.eval()
    with torch.no_grad():
        found = made.predict(given)["features"]
        wide = made.predict(Batch({"input": F.pad(given["input"], (0, 3))}, given.index))["features"]
    torch.testing.assert_close(found, wide)
    assert found.shape == (3, 128)
    assert list(made.format_predictions({"features": found})[0]["features"]) == [str(n) for n in range(128)]


def test_a_network_that_answers_for_rows_alone_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="needs an output per token, and Linear outputs one vector per row; use --model bert-tiny or"
    ):
        MaskedLanguageModel(nn.Linear(1, 1), CLASSES, MaskedLanguageModelConfig())


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_settings_are_checked(share: float) -> None:
    with pytest.raises(ConfigError, match="^--hidden-share must lie between 0 and 1, got"):
        MaskedLanguageModelConfig(hidden_share=share)
