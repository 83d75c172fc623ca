import numpy as np
import pytest

from sonde.core.dataset import Dataset, InputSpec, Schema, TargetSpec
from sonde.data.rows import ArrayInputs, InputRows
from sonde.run.choose import choose, choose_model, choose_task
from sonde.tasks.translation.recipe import model, settings


def dataset(rows: int, *, shared: bool = True) -> Dataset:
    given = InputSpec(kind="tokens", shape=(9,), tokenizer="one", symbols=8)
    target = TargetSpec(kind="tokens", names=("en", "de"), tokenizer="one" if shared else "two", symbols=8)
    splits = {"train": InputRows(ArrayInputs(np.zeros((rows, 1), np.int8), "x"))}
    return Dataset(
        name="x",
        source="x",
        form="line-aligned texts",
        schema=Schema(input=given, target=target),
        splits=splits,
        facts=[],
    )


@pytest.mark.parametrize(
    ("rows", "name"), [(29_000, "transformer-small"), (300_000, "transformer-base"), (5_000_000, "transformer-big")]
)
def test_the_network_grows_with_the_data(rows: int, name: str) -> None:
    assert model(dataset(rows))[0] == name
    assert choose_model(dataset(rows), None, "translation")[0] == name


def test_it_is_the_task_of_such_data() -> None:
    assert choose_task(dataset(10), None)[0] == "translation"
    found = choose(dataset(10), task="translation", model="seq2seq-gru")
    assert found.settings["batch_size"] == (10, "about 2,000 tokens on each side")


def test_embeddings_are_one_where_the_vocabulary_is() -> None:
    assert settings(dataset(100), "transformer-small")["tied"][0] == "all"
    assert "tied" not in settings(dataset(100, shared=False), "transformer-small")
