import random
from pathlib import Path

import pytest
from sample_settings import data_config

from sonde.core.dataset import Dataset
from sonde.modalities.open import open_data
from sonde.modalities.text_pair import recipe
from sonde.models.suitable import suitable
from sonde.run.choose import choose, choose_model, choose_task

READERS = suitable("text-pair", "row", read_as="tokens")


def dataset(folder: Path, rows: int) -> Dataset:
    draw = random.Random(0)
    words = ["a", "film", "of", "rare", "charm", "with", "no", "plot", "twist", "at", "all"]
    lines = [f"{' '.join(draw.choices(words, k=9))},{' '.join(draw.choices(words, k=7))},{n % 2}" for n in range(rows)]
    (folder / "t.csv").write_text("premise,hypothesis,label\n" + "\n".join(lines) + "\n")
    return open_data(folder / "t.csv", data_config(target=("label",)))


def test_pairs_are_classified_by_the_network_made_for_them(tmp_path: Path) -> None:
    found = dataset(tmp_path, 100)
    task, _ = choose_task(found, None)
    assert task == "classification"
    assert choose_model(found, None, task)[0] == READERS[0] == "pair-reader"


@pytest.mark.parametrize("model", READERS)
def test_every_network_for_text_gets_settings(tmp_path: Path, model: str) -> None:
    settings = choose(dataset(tmp_path, 100), task="classification", model=model).settings
    assert {"lr", "epochs", "batch_size", "dropout"} <= set(settings)
    assert all(why for _, why in settings.values())


def test_many_rows_get_fewer_epochs_and_few_rows_smaller_batches(tmp_path: Path) -> None:
    few, many = (recipe.settings(dataset(tmp_path, rows), "pair-reader") for rows in (100, 3000))
    assert few["batch_size"][0] < many["batch_size"][0] == 32
    assert recipe.FEWEST < many["epochs"][0] < few["epochs"][0] <= recipe.MOST
    assert few["monitor"][0] == "log_loss"
