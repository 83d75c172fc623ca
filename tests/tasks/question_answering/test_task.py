from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from sample_questions import content, write
from sample_settings import data_config
from sample_tasks import stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.code_points import text_of
from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Task, abilities_of
from sonde.data.feed.pack import as_tensor
from sonde.modalities.open import open_data
from sonde.models.build import build
from sonde.nn.dropout import Dropout
from sonde.tasks.question_answering.config import QuestionAnsweringConfig
from sonde.tasks.question_answering.task import QuestionAnswering


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path = write(tmp_path_factory.mktemp("questions") / "facts.json", content(8))
    return open_data(path, DataConfig(test=0.0, validation=0.0))


def batch(dataset: Dataset, rows: int = 12, start: int = 0) -> Batch:
    index = torch.arange(start, start + rows)
    fields = dataset.splits["train"].read(index.numpy())
    return Batch({name: as_tensor(name, array) for name, array in fields.items()}, index)


def task(dataset: Dataset, model: str = "qa-reader", *, window: int = 0, **settings: Any) -> QuestionAnswering:
    torch.manual_seed(0)
    target = dataset.schema.target
    if window:
        target = TargetSpec(kind="span", names=target.names, shape=(window,))
    return QuestionAnswering(build(model, dataset.schema.input, 2), target, QuestionAnsweringConfig(**settings))


def judged(made: QuestionAnswering, given: Batch) -> dict[str, float]:
    meter = made.meter()
    made.modules.eval()
    with torch.inference_mode():
        meter.update(made.evaluate(given), given.index)
    made.modules.train()
    return meter.compute()


class Pointing(nn.Module):
    """Answers with what it was told, whatever it reads: logits by symbol."""

    def __init__(self, first: Mapping[int, float], last: Mapping[int, float], symbols: int) -> None:
        super().__init__()
        table = torch.zeros(symbols, 2)
        for column, values in enumerate((first, last)):
            for symbol, value in values.items():
                table[symbol, column] = value
        self.table = nn.Parameter(table)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.table[tokens]


@pytest.mark.parametrize(("model", "lr", "steps"), [("qa-reader", 3e-3, 40), ("bert-tiny", 1e-3, 80)])
def test_answers_are_learnt_by_heart(model: str, lr: float, steps: int, dataset: Dataset) -> None:
    made, given = task(dataset, model), batch(dataset, 8)
    for module in made.modules.modules():
        if isinstance(module, Dropout):
            module.dropped = 0  # dropout is there to prevent it
    assert isinstance(made, Task)
    assert abilities_of(made).rule_baseline is not None
    run = stepper(made, lr=lr)
    values = [run(given, step=step, epoch=0).number("model/loss") for step in range(1, steps)]
    found = judged(made, given)
    assert values[-1] < 0.3 * values[0]
    assert found["exact_match"] >= 0.75
    assert next(iter(found)) == made.objective.metric == "f1"


def test_the_loss_is_torchs_over_the_context_and_the_first_token(dataset: Dataset) -> None:
    made, given = task(dataset), batch(dataset, 5)
    made.modules.eval()
    tokens, target = given["input"], given["target"]
    logits = made.modules["model"](tokens)
    expected = []
    for row in range(5):
        ends = (tokens[row] == 3).nonzero()[:, 0]
        kept = [0, *range(int(ends[0]) + 1, int(ends[1]))]
        for side in range(2):
            wanted = torch.tensor([kept.index(int(target[row, side]))])
            expected.append(nn.functional.cross_entropy(logits[row, kept, side][None], wanted))
    loss = made.loss(given)
    torch.testing.assert_close(loss.value, torch.stack(expected).mean())
    assert float(loss.weight) == 5
    assert judged(made, given)["loss"] == pytest.approx(loss.value.item(), rel=1e-5)


@pytest.mark.parametrize("window", [0, 105])
def test_pieces_of_a_batch_give_its_gradient(window: int, dataset: Dataset) -> None:
    made, given = task(dataset, window=window, stride=5), batch(dataset, 7)
    made.modules.eval()
    parameters = [p for p in made.modules.parameters() if p.requires_grad]
    whole = torch.autograd.grad(made.loss(given).value, parameters)
    losses = [made.loss(piece) for piece in given.split(3)]
    total = sum(float(loss.weight) for loss in losses)
    value = torch.stack([loss.value * float(loss.weight) / total for loss in losses]).sum()
    for one, two in zip(whole, torch.autograd.grad(value, parameters), strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-4)


def test_the_best_answer_of_all_windows_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "long.json", content(2, paragraphs=1, facts=8, filler=3))
    long = open_data(path, data_config(test=0.0, validation=0.0, tokenizer="words", max_tokens=110))
    given = batch(long, 8)
    assert given["input"].shape[1] > 2 * 110
    made = task(long, stride=10)
    symbols = long.schema.input.symbols
    for row in range(8):
        first, last = given["target"][row].tolist()
        start, end = (int(given["input"][row, place]) for place in (first, last))
        made.modules["model"] = Pointing({start: 9.0}, {end: 9.0}, symbols)
        told = made.predict(given)
        begin, behind = told["found"][row].tolist()
        answer = text_of(given["context"][row].tolist())[begin:behind]
        assert answer.split()[0] == text_of(given["answers"][row].tolist()).split()[0]
        assert answer.split()[-1] == text_of(given["answers"][row].tolist()).split()[-1]


def test_answers_never_begin_in_the_question_nor_are_too_long(dataset: Dataset) -> None:
    given = batch(dataset, 4)
    built = int(given["input"][0, 2])
    made = task(dataset, longest_answer=3)
    made.modules["model"] = Pointing({2: 50.0, built: 20.0}, {2: 50.0, built: 20.0}, dataset.schema.input.symbols)
    found = made.predict(given)
    assert (found["found"][:, 1] > found["found"][:, 0]).all()
    assert (found["probability"] < 1e-6).all()  # nearly all of it says that the answer is not there
    longest = (found["found"][:, 1] - found["found"][:, 0]).max()
    assert longest < 60


@pytest.mark.parametrize("window", [0, 110])
def test_none_is_given_where_no_answer_is_more_probable_by_the_threshold(window: int, tmp_path: Path) -> None:
    data = content(2, paragraphs=1, facts=8, filler=3)
    data["data"][0]["paragraphs"][0]["qas"][0] |= {"is_impossible": True, "answers": []}
    path = write(tmp_path / "v2.json", data)
    facts = open_data(path, data_config(test=0.0, validation=0.0, tokenizer="words", max_tokens=window or 384))
    given = batch(facts, 8)
    assert given["target"][0].tolist() == [0, 0]
    answer = int(given["input"][0, int(given["target"][1, 0])])  # a word of the context, at 3 + 3; BEGIN at 4 + 4
    for threshold, refused in ((0.0, True), (1.0, True), (2.1, False)):
        made = task(facts, stride=10, null_threshold=threshold)
        made.modules["model"] = Pointing({2: 4.0, answer: 3.0}, {2: 4.0, answer: 3.0}, facts.schema.input.symbols)
        told = made.predict(given)
        assert (told["found"][0].tolist() == [0, 0]) is refused
        assert (made.format_predictions(told)[0]["prediction"] == "") is refused
    found = judged(task(facts, stride=10, null_threshold=-1e9), given)
    assert (found["no_answer_exact_match"], found["f1"]) == (1, 1 / 8)


def test_a_model_of_questions_that_all_have_answers_always_answers(dataset: Dataset) -> None:
    made = task(dataset)
    made.modules["model"] = Pointing({2: 50.0}, {2: 50.0}, dataset.schema.input.symbols)
    assert all(row["prediction"] for row in made.format_predictions(made.predict(batch(dataset, 4))))


def test_padding_and_other_rows_change_no_answer(dataset: Dataset) -> None:
    made, given = task(dataset), batch(dataset, 6)
    made.modules.eval()
    with torch.no_grad():
        together = made.predict(given)
        alone = [made.predict(batch(dataset, 1, start)) for start in range(6)]
    assert torch.equal(together["found"], torch.cat([each["found"] for each in alone]))
    torch.testing.assert_close(together["probability"], torch.cat([each["probability"] for each in alone]))


def test_what_is_predicted_in_words(dataset: Dataset) -> None:
    made, given = task(dataset), batch(dataset, 3)
    rows = made.format_predictions(made.predict(given))
    for row, context in zip(rows, given["context"].tolist(), strict=True):
        assert row["prediction"] == text_of(context)[row["begin"] : row["end"]] != ""
        assert 0 <= row["probability"] <= 1


def test_the_rule_is_judged_by_the_same_meter(dataset: Dataset) -> None:
    made, given = task(dataset), batch(dataset, 12)
    meter = made.meter()
    meter.update(made.answer_by_rule(given), given.index)
    found = meter.compute()
    assert found.keys() == {"f1", "exact_match"}
    assert found["f1"] > 0.2


def test_a_network_without_its_head_keeps_its_names(dataset: Dataset) -> None:
    made = task(dataset, "bert-tiny")
    names = set(made.modules.state_dict())
    assert {"model.words.weight", "model.pooler.weight", "head.weight"} <= names
    assert "model.head.weight" not in names
    assert cast(nn.Linear, made.modules["head"]).weight.shape == (2, 128)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"longest_answer": 0}, "--longest-answer must be at least 1, got 0"),
        ({"stride": 0}, "--stride must be at least 1, got 0"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        QuestionAnsweringConfig(**settings)


def test_windows_that_lose_answers_are_refused(dataset: Dataset) -> None:
    with pytest.raises(
        ConfigError,
        match="windows of 128 tokens, 67 of them perhaps for the question, overlap by 21 at a stride of 40, and an answer of 30 "
        "would fall between two; give a smaller --stride or a larger --max-tokens",
    ):
        task(dataset, window=128, stride=40)


def test_other_targets_and_models_are_refused(dataset: Dataset) -> None:
    with pytest.raises(ConfigError, match="needs questions whose answers are spans of a text; leave --task"):
        QuestionAnswering(nn.Linear(1, 1), TargetSpec(kind="class", names=("a", "b")), QuestionAnsweringConfig())
    made = task(dataset)
    made.modules["model"] = nn.Embedding(dataset.schema.input.symbols, 5)
    with pytest.raises(
        ConfigError, match=r"needs two logits per token \(2, \d+, 2\), and the model outputs \(2, \d+, 5\)"
    ):
        made.loss(batch(dataset, 2))
