import random
from pathlib import Path

import pytest
from sample_settings import data_config

from sonde.core.dataset import Dataset
from sonde.modalities.open import open_data
from sonde.modalities.text import recipe as text
from sonde.models.build import config_class
from sonde.models.table import MODELS
from sonde.run.choose import choose, choose_model, choose_task

READERS = [name for name, entry in MODELS.items() if entry.reads[0] == "tokens" and entry.answers == "row"]


def dataset(folder: Path, rows: int, *, letters: bool = False) -> Dataset:
    draw = random.Random(0)
    words = ["a", "film", "of", "rare", "charm", "with", "no", "plot", "twist", "at", "all"]
    cells = [
        "".join(draw.choices("ACGT", k=30)) if letters else " ".join(draw.choices(words, k=9)) for _ in range(rows)
    ]
    (folder / "t.csv").write_text("text,label\n" + "".join(f"{cell},{n % 2}\n" for n, cell in enumerate(cells)))
    return open_data(folder / "t.csv", data_config(target=("label",)))


def test_text_is_classified_by_a_network_that_reads_tokens(tmp_path: Path) -> None:
    found = dataset(tmp_path, 100)
    task, _ = choose_task(found, None)
    model, why = choose_model(found, None, task)
    assert task == "classification"
    assert model in READERS
    assert "SST-2" in why
    assert not text.by_letter(found)
    few, many = (dataset(tmp_path, rows, letters=True) for rows in (100, 1500))
    assert text.by_letter(few)
    assert [text.model(found)[0] for found in (few, many)] == ["text-cnn", "text-transformer"]
    settings = text.settings(many, "text-transformer")
    assert settings["positions"][0] == "learned"
    assert "kernels" in text.settings(few, "text-cnn")


def test_places_mean_nothing_in_chains_of_many_lengths(tmp_path: Path) -> None:
    found = dataset(tmp_path, 1500, letters=True)
    body = (tmp_path / "t.csv").read_text().splitlines()
    (tmp_path / "t.csv").write_text("\n".join([*body[:-1], "ACGTACGTACGTACG,1"]) + "\n")
    other = open_data(tmp_path / "t.csv", data_config(target=("label",), test=0, validation=0))
    assert text.aligned(found)
    assert not text.aligned(other)
    assert text.model(other)[0] == "text-cnn"


@pytest.mark.parametrize("model", READERS)
def test_every_reader_gets_settings_that_it_has_and_takes(tmp_path: Path, model: str) -> None:
    found = dataset(tmp_path, 100)
    settings = choose(found, task="classification", model=model).settings
    assert {"lr", "epochs", "batch_size", "dropout"} <= set(settings)
    assert all(why for _, why in settings.values())
    kind = config_class(model)
    names = set(kind.__dataclass_fields__)
    kind(**{name: value for name, (value, _) in settings.items() if name in names})


def test_epochs_follow_the_number_of_updates(tmp_path: Path) -> None:
    few, many = (text.settings(dataset(tmp_path, rows), "text-cnn") for rows in (60, 6000))
    assert few["epochs"][0] == text.MOST
    assert few["batch_size"][0] == 8
    assert many["batch_size"][0] == 50
    updates = many["epochs"][0] * 4320 / 50
    assert 0.8 * text.UPDATES["convolution"] < updates <= text.UPDATES["convolution"]


def test_chains_cut_around_a_place_are_read_longer_with_letters_hidden_and_weights_averaged(tmp_path: Path) -> None:
    found = dataset(tmp_path, 3000, letters=True)
    rows = len(found.splits["train"])
    chosen = text.settings(found, "text-transformer")
    updates = chosen["epochs"][0] * rows / 50
    assert 0.9 * text.UPDATES_PLACES < updates <= text.UPDATES_PLACES
    assert chosen["word_dropout"][0] > 0
    assert chosen["ema"][0] > 0
    assert text.settings(found, "bigru")["epochs"][0] < chosen["epochs"][0]


def test_log_loss_chooses_where_validation_rows_are_few(tmp_path: Path) -> None:
    few, many = (text.settings(dataset(tmp_path, rows), "text-cnn") for rows in (60, 6000))
    assert few["monitor"][0] == "log_loss"
    assert "monitor" not in many
