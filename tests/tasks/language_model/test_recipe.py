from dataclasses import replace
from pathlib import Path

import pytest
from sample_settings import data_config

from sonde.core.dataset import Dataset
from sonde.modalities.open import open_data
from sonde.optim.build import product_dtype
from sonde.run import choose
from sonde.tasks.language_model import recipe as language


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    (tmp_path / "a.txt").write_text("to be or not to be\n" * 2000, encoding="utf-8")
    return open_data(tmp_path / "a.txt", data_config(max_tokens=128))


def test_text_is_modelled_by_a_transformer(dataset: Dataset) -> None:
    task, why = choose.choose_task(dataset, None)
    assert (task, why) == ("language-model", "a text is to be continued")
    assert choose.choose_model(dataset, None, task)[0] == "modern-gpt"
    recipe = choose.choose(dataset, task=task, model="modern-gpt")
    assert recipe.settings["optimizer"][0] == "muon"
    assert recipe.settings["batch_size"][0] * 128 == language.TOKENS
    assert ("precision" in recipe.settings) == (product_dtype("cpu").itemsize == 2)


def test_a_text_is_read_as_often_as_it_is_short(dataset: Dataset) -> None:
    rows = len(dataset.splits["train"])
    epochs = language.settings(dataset, "modern-gpt")["epochs"][0]
    assert epochs == language.MOST  # 34,200 characters would need hundreds
    long = replace(dataset, splits={**dataset.splits, "train": _Many(rows * 60)})  # type: ignore[dict-item]
    assert language.settings(long, "modern-gpt")["epochs"][0] == round(language.SEEN / (rows * 60 * 128))
    longer = replace(dataset, splits={**dataset.splits, "train": _Many(rows * 10_000)})  # type: ignore[dict-item]
    assert language.settings(longer, "modern-gpt")["epochs"][0] == language.FEWEST


class _Many:
    """As many rows as one says."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return self.rows


@pytest.mark.parametrize(
    ("model", "optimizer", "with_dropout"),
    [("gpt-small", "muon", True), ("gpt2", "adamw", True), ("lstm-lm", "adamw", True), ("hf:gpt2", "adamw", False)],
)
def test_other_networks_get_what_suits_them(dataset: Dataset, model: str, optimizer: str, with_dropout: bool) -> None:
    settings = language.settings(dataset, model)
    assert settings["optimizer"][0] == optimizer
    assert ("dropout" in settings) == with_dropout
    assert all(why for _, why in settings.values())
