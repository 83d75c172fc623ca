from pathlib import Path

import pytest
from sample_questions import content, write

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import ConfigError
from sonde.modalities.open import open_data
from sonde.run.choose import check_answer, choose, choose_model, choose_task
from sonde.tasks.question_answering import recipe as questions


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return open_data(write(tmp_path / "facts.json", content(8)), DataConfig())


def test_questions_get_their_task_reader_and_settings(dataset: Dataset) -> None:
    task, why = choose_task(dataset, None)
    assert (task, why) == ("question-answering", "answers stand in a text")
    model, _ = choose_model(dataset, None, task)
    assert model == "qa-reader"
    settings = choose(dataset, task=task, model=model).settings
    assert all(why for _, why in settings.values())
    assert settings["batch_size"][0] <= len(dataset.splits["train"])


def test_epochs_fall_as_questions_grow(dataset: Dataset) -> None:
    few = questions.settings(dataset, "qa-reader")["epochs"][0]
    assert few == questions.MOST

    class Many:
        splits = {"train": range(90_000)}

    assert questions.settings(Many(), "qa-reader")["epochs"][0] == questions.FEWEST  # type: ignore[arg-type]


def test_bert_moves_slower(dataset: Dataset) -> None:
    assert questions.settings(dataset, "bert-tiny")["lr"][0] < questions.settings(dataset, "qa-reader")["lr"][0]


@pytest.mark.parametrize("model", ["qa-reader", "bert-tiny", "bert-large"])
def test_readers_and_bert_find_answers(model: str) -> None:
    check_answer("question-answering", model, "tokens")


def test_other_networks_are_refused_with_those_that_do() -> None:
    with pytest.raises(
        ConfigError, match=r"--model gpt-small gives .* where an answer stands; take bert-tiny, bert-mini"
    ):
        check_answer("question-answering", "gpt-small", "tokens")
    with pytest.raises(
        ConfigError, match="--model qa-reader gives where an answer stands, and task masked-language-model needs"
    ):
        check_answer("masked-language-model", "qa-reader", "tokens")
