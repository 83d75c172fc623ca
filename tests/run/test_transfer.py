"""Starting from what was learned before, from end to end on small data."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

import sonde
from sonde.core.config import DataConfig, TransferConfig
from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError, RunFolderError
from sonde.core.files import read_json, write_json
from sonde.core.progress import silent
from sonde.core.run_folder import open_run
from sonde.engine import checkpoint
from sonde.engine.tree import same
from sonde.modalities.open import open_data
from sonde.models.mlp import MLPConfig, mlp
from sonde.models.resnet import ResNetConfig, resnet18
from sonde.run.choose import Recipe
from sonde.run.transfer import advised, as_begun, model_of, normalised, prepare

SETTINGS: dict[str, Any] = {"batch_size": 16, "threads": 1, "device": "cpu", "quiet": True, "epochs": 1}


def rows(classes: int = 2, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).normal(size=(80, 4)).astype(np.float32)
    return x, (np.arange(80) % classes).astype(np.int64)


def pictures(classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.integers(0, 255, (48, 12, 12, 3), dtype=np.uint8), np.arange(48) % classes


def train(out: Path, data: Any, **settings: Any) -> sonde.Run:
    return sonde.train(data, out=out, **{**SETTINGS, **settings})


def weights(out: Path, which: str = "last") -> dict[str, torch.Tensor]:
    return checkpoint.read(out / "checkpoints" / which)[0]


def plan_lines(out: Path) -> list[str]:
    return read_json(out / "plan.json")["lines"]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of an MLP on two classes, hidden layers of 8 and 6 units."""
    out = tmp_path_factory.mktemp("before") / "run"
    train(out, rows(), model="mlp", hidden=(8, 6), dropout=0.0)
    return out


def test_a_run_starts_from_another_ones_best_weights(before: Path, tmp_path: Path):
    train(tmp_path / "next", rows(4, seed=1), pretrained=before, lr=1e-9, steps=1, epochs=None)
    start, end = weights(before, "best"), weights(tmp_path / "next")
    assert end["model.4.weight"].shape == (4, 6)  # its own model and hidden units, without being told
    for name in ("model.0.weight", "model.0.bias", "model.2.weight"):
        torch.testing.assert_close(end[name], start[name], rtol=0, atol=1e-6)
    assert plan_lines(tmp_path / "next")[-2:] == [
        f"weights of {before}, 4 tensors",
        "4 is randomly initialised: 4 outputs instead of 1",
    ]


def test_digits_go_on_from_a_run_on_digits(tmp_path: Path):
    first = train(tmp_path / "first", "digits", model="mlp", hidden=(16,), epochs=3)
    again = train(
        tmp_path / "again", "digits", model="mlp", pretrained=first.folder, epochs=1, optimizer="sgd", lr=1e-6
    )
    alone = train(tmp_path / "alone", "digits", model="mlp", hidden=(16,), epochs=1, optimizer="sgd", lr=1e-6)
    assert again.metrics["accuracy"] == pytest.approx(first.metrics["accuracy"], abs=0.01)
    assert alone.metrics["accuracy"] < 0.4 < again.metrics["accuracy"]


@pytest.mark.parametrize("optimizer", ["nesterov", "adamw", "muon"])
def test_what_is_frozen_stays_to_the_bit_and_the_rest_learns(tmp_path: Path, optimizer: str):
    more = {"model": "compact-cnn", "optimizer": optimizer, "weight_decay": 0.1, "ema": 0.9}
    train(tmp_path / "run", pictures(), freeze=1, precision="fp32", **more)
    fresh = train(tmp_path / "start", pictures(), freeze=1, precision="fp32", steps=1, epochs=None, lr=1e-12, **more)
    start, end = weights(fresh.folder), weights(tmp_path / "run")
    stays = {name for name in start if name.split(".")[1] == "entrance" or name.startswith("model.stages.0.")}
    assert any("running_mean" in name for name in stays)
    for name in stays:
        assert torch.equal(start[name], end[name]), name
    parameters = [name for name in end if "running" not in name and "num_batches" not in name and name not in stays]
    assert parameters
    for name in parameters:
        assert not torch.equal(start[name], end[name]), name
    assert "1 of 4 layers frozen (stages.0)" in plan_lines(tmp_path / "run")[-1]


@pytest.mark.parametrize("optimizer", ["nesterov", "adam", "muon"])
def test_a_run_with_frozen_layers_and_layer_rates_resumes_exactly(before: Path, tmp_path: Path, optimizer: str):
    more: dict[str, Any] = {"pretrained": before, "freeze": 1, "layer_decay": 0.5, "optimizer": optimizer, "lr": 0.01}
    more |= {"schedule": "constant", "warmup": 0.0}
    train(tmp_path / "straight", rows(3), epochs=3, **more)
    train(tmp_path / "halved", rows(3), epochs=1, **more)
    sonde.resume(tmp_path / "halved", data=rows(3), epochs=3, quiet=True)
    assert same(weights(tmp_path / "straight"), weights(tmp_path / "halved"))
    assert torch.equal(weights(tmp_path / "halved")["model.0.weight"], weights(before, "best")["model.0.weight"])


def test_a_run_goes_on_when_the_weights_it_started_from_are_gone(tmp_path: Path):
    path = tmp_path / "start.safetensors"
    save_file(mlp(InputSpec(kind="array", shape=(4,)), 1, MLPConfig(hidden=(5,))).state_dict(), path)
    settings: dict[str, Any] = {
        "model": "mlp",
        "hidden": (5,),
        "dropout": 0.0,
        "pretrained": path,
        "freeze": "backbone",
    }
    train(tmp_path / "run", rows(), **settings)
    path.unlink()
    sonde.resume(tmp_path / "run", data=rows(), epochs=2, quiet=True)
    assert read_json(tmp_path / "run" / "result.json")["epochs"] == 2
    with pytest.raises(ConfigError, match=r'pretrained=".*start.safetensors": no such file or run folder'):
        train(tmp_path / "new", rows(), **settings)
    assert not (tmp_path / "new" / "config.yaml").exists()


def test_the_best_checkpoint_of_a_frozen_run_predicts(before: Path, tmp_path: Path):
    run = train(tmp_path / "run", rows(), pretrained=before, freeze="backbone")
    loaded = sonde.load(run.folder)
    assert loaded.predict(rows()[0][:5]) == run.predict(rows()[0][:5])


def test_torchvisions_file_with_other_classes_and_channels(tmp_path: Path):
    spec = InputSpec(kind="image", shape=(3, 32, 32))
    torch.save(resnet18(spec, 1000, ResNetConfig(stem="imagenet")).state_dict(), tmp_path / "resnet18.pth")
    model = resnet18(InputSpec(kind="image", shape=(1, 32, 32)), 10, ResNetConfig(stem="imagenet"))
    config = TransferConfig(pretrained=str(tmp_path / "resnet18.pth"), freeze="backbone", layer_decay=0.75)
    lines = prepare(model, config, name="resnet18", out_dim=10, fresh=True, tick=silent)
    assert [line.split(":")[0].split(",")[0] for line in lines] == [
        f"weights of {tmp_path / 'resnet18.pth'}",
        "conv1 takes 1 channel instead of 3",
        "fc is randomly initialised",
        "9 of 10 layers frozen (conv1 to layer4.1)",
        "each layer has 0.75 of the learning rate of the next (layer-wise decay); the first of 10 has 0.075 of the head's",
    ]
    assert prepare(model, TransferConfig(), name="resnet18", out_dim=10, fresh=True, tick=silent) == []


def test_a_recipe_for_pretrained_weights_is_gentler(before: Path):
    recipe = Recipe(task="classification", model="mlp", settings={"lr": (0.05, "usual"), "epochs": (6, "enough")})
    assert advised(recipe, {"freeze": 1}, rows=5000) is recipe
    tuned = advised(recipe, {"pretrained": "w.pth"}, rows=5000).settings
    assert tuned["lr"] == (0.005, "a tenth, because the weights are pre-trained; from scratch: usual")
    assert tuned["epochs"] == (6, "enough")
    assert advised(recipe, {"pretrained": "w.pth", "freeze": "backbone"}, rows=5000).settings["lr"] == (0.05, "usual")
    assert advised(recipe, {"pretrained": "imagenet"}, rows=5000).settings["stem"][0] == "imagenet"
    assert advised(recipe, {"pretrained": str(before)}, rows=5000).settings["hidden"] == ([8, 6], f"as in {before}")
    other = Recipe(task="classification", model="lenet5", settings={})
    assert advised(other, {"pretrained": str(before)}, rows=5000).settings == {}


def test_typed_settings_win_over_those_of_the_run(before: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match="0.weight has shape 8x4 in the weights and 9x4 in this network"):
        train(tmp_path / "run", rows(), pretrained=before, hidden=(9, 6))


def test_what_holds_no_weights_is_refused(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="there is no config file .*empty"):
        train(tmp_path / "run", rows(), pretrained=tmp_path / "empty")
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "config.yaml").write_text("settings: {model: mlp, hidden: [256, 128]}\n")
    with pytest.raises(RunFolderError, match="holds no best checkpoint"):
        train(tmp_path / "run", rows(), pretrained=tmp_path / "begun")
    assert model_of(str(tmp_path / "begun")) == "mlp"
    assert model_of("imagenet") is None
    with pytest.raises(ConfigError, match="layer_decay= must be above 0 and at most 1, got 0"):
        train(tmp_path / "run", rows(), layer_decay=0)
    with pytest.raises(ConfigError, match="freeze= expects a whole number or one of none, backbone, got 'head'"):
        train(tmp_path / "run", rows(), freeze="head")
    with pytest.raises(ConfigError, match="freeze= must be at least 0, got -1"):
        train(tmp_path / "run", rows(), freeze=-1)


def test_few_rows_are_looked_at_more_often():
    settings = {"epochs": (12, "tuned"), "batch_size": (128, "tuned"), "lr": (0.05, "usual")}
    recipe = Recipe(task="classification", model="compact-cnn", settings=settings)
    tuned = advised(recipe, {"pretrained": "w.pth"}, rows=450).settings  # 3 whole batches an epoch
    assert tuned["epochs"] == (134, "400 updates for the new head, with 450 training rows")
    assert tuned["evaluate_every"][0] == 11  # twelve times, as before
    assert advised(recipe, {"pretrained": "w.pth", "batch_size": 10}, rows=450).settings["epochs"] == (12, "tuned")
    assert advised(recipe, {}, rows=450).settings["epochs"] == (12, "tuned")


def scales(out: Path) -> tuple[list[float], list[float]]:
    saved = read_json(out / "schema.json")["input"]
    return saved["mean"], saved["std"]


def test_pictures_are_scaled_as_the_earlier_run_saw_them_and_stay_so(tmp_path: Path):
    images, labels = pictures()
    darker = (images // 4, labels)
    train(tmp_path / "one", (images, labels), model="lenet5")
    train(tmp_path / "two", darker, model="lenet5", pretrained=tmp_path / "one")
    assert scales(tmp_path / "two") == scales(tmp_path / "one")
    train(tmp_path / "alone", darker, model="lenet5")
    assert scales(tmp_path / "alone")[0][0] == pytest.approx(scales(tmp_path / "one")[0][0] / 4, abs=0.01)
    before = scales(tmp_path / "two")
    (tmp_path / "one").rename(tmp_path / "gone")
    sonde.resume(tmp_path / "two", data=darker, epochs=2, quiet=True)
    assert scales(tmp_path / "two") == before
    opened = as_begun(open_data(darker, DataConfig()), open_run(tmp_path / "two")).schema.input
    assert [list(opened.mean), list(opened.std)] == list(before)  # what a resumed run feeds, whatever the data say


@pytest.mark.parametrize(("model", "mean"), [("resnet18", (0.485, 0.456, 0.406)), ("inception-v3", (0.5, 0.5, 0.5))])
def test_published_weights_see_the_colours_they_were_trained_with(model: str, mean: tuple[float, ...]):
    dataset = open_data(pictures(), DataConfig())
    scaled = normalised(dataset, TransferConfig(pretrained="imagenet"), model)
    assert scaled.schema.input.mean == mean
    assert scaled.facts[-1].what == "pixels normalised as for the pre-trained weights"
    assert normalised(dataset, TransferConfig(pretrained="some.pth"), model) is dataset
    assert normalised(dataset, TransferConfig(), model) is dataset


def test_numbers_keep_the_ranks_that_a_run_began_with(tmp_path: Path) -> None:
    """A run of an earlier version knows none: trained on, it takes its columns as it always did."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.standard_normal(60), "flag": np.arange(60) % 5 // 4})
    table.to_csv(tmp_path / "flags.csv", index=False)
    how: dict[str, Any] = {"task": "normalizing-flow", "target": (), "quiet": True, "threads": 1}
    run = sonde.train(tmp_path / "flags.csv", steps=2, out=tmp_path / "run", **how)
    held = read_json(run.folder / "schema.json")
    opened = open_data(tmp_path / "flags.csv", DataConfig(), task="normalizing-flow")
    known = as_begun(opened, open_run(run.folder)).schema.input.columns
    assert [column.shares for column in known] == [tuple(column["shares"]) for column in held["input"]["columns"]]
    assert all(column.shares for column in known)
    for column in held["input"]["columns"]:
        del column["shares"]
    write_json(run.folder / "schema.json", held)
    assert not any(column.shares for column in as_begun(opened, open_run(run.folder)).schema.input.columns)
    assert sonde.resume(run.folder, steps=4, quiet=True).result["steps"] == 4
    assert not any(column.shares for column in sonde.load(run.folder).schema.input.columns)
