"""A segmentation from images beside masks to its report, judged, used, resumed: the whole way, on small discs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sample_masks import SIDE, discs, folder, picture

import sonde
from sonde.cli.main import main
from sonde.core.errors import ConfigError
from sonde.core.files import read_json
from sonde.core.run_lengths import decode

SMALL: dict[str, Any] = {"widths": (8, 16), "threads": 1, "quiet": True, "batch_size": 8, "smallest_object": 0}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("discs")
    folder(root, 48, kind="objects")
    (root / "train.txt").write_text("".join(f"{n}\n" for n in range(36)))
    (root / "val.txt").write_text("".join(f"{n}\n" for n in range(36, 48)))
    return root


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> sonde.Run:
    out = tmp_path_factory.mktemp("run") / "run"
    return sonde.train(data, epochs=8, lr=1e-2, augment="flip,vflip,crop=2", test=0, out=out, **SMALL)


def test_it_is_found_out_learnt_and_judged(run: sonde.Run, data: Path) -> None:
    result = run.result
    assert (result["task"], result["model"], result["headline"]) == ("segmentation", "unet-small", "dice")
    scores = result["metrics"]["validation"]
    assert scores["dice"] > 0.9
    assert scores["object_f1"] > 0.5
    assert run.evaluate(data, split="validation") == pytest.approx(scores)


def test_the_run_folder_holds_tables_and_pictures(run: sonde.Run, data: Path) -> None:
    place = run.folder / "evaluation" / "validation"
    worst, best = read_json(place / "worst.json"), read_json(place / "best.json")
    assert (len(worst), len(best)) == (12, 6)
    for entry in (*worst, *best):
        number = int(Path(entry["row"]).stem)
        assert (decode(entry["truth"]) == (discs(number % 3 + 1, number) > 0)).all()
        with Image.open(place / entry["picture"]) as shown:
            assert (np.asarray(shown.convert("RGB")) == np.asarray(Image.open(data / entry["row"]))).all()
    assert read_json(place / "objects.json")["rows"] == 12
    assert read_json(place / "per_class.json")["names"] == ["background", "foreground"]
    page = (run.folder / "report.html").read_text()
    assert page.count(" of the pixels wrong") == 12
    assert "picture left out" not in page
    for text in (
        "Highest loss",
        "Lowest loss",
        "<button>IoU</button>",
        "<button>pixels</button>",
        "mean IoU",
        "object F1",
    ):
        assert text in page, text


def test_predictions_have_the_images_own_size(run: sonde.Run, tmp_path: Path) -> None:
    objects = discs(3, 99).repeat(2, 0).repeat(3, 1)
    picture(objects, 0).save(tmp_path / "large.png")
    found = sonde.load(run.folder).predict(tmp_path / "large.png")[0]
    assert found["mask"].shape == objects.shape == (64, 96)
    inside, both = found["mask"] == 1, (found["mask"] == 1) & (objects > 0)
    assert 2 * both.sum() / (inside.sum() + (objects > 0).sum()) > 0.7
    assert found["shares"]["foreground"] == pytest.approx(inside.mean())
    array = np.asarray(Image.open(tmp_path / "large.png")).transpose(2, 0, 1)
    again = run.predict(array[None])[0]
    assert (again["mask"] == found["mask"]).all()


def test_the_command_line_draws_and_writes(
    run: sonde.Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "drawn"
    assert main(["predict", str(run.folder), str(data), "--out", f"{out}/"]) == 0
    printed = capsys.readouterr().out
    assert "covers" in printed
    assert len(list(out.glob("[!.]*"))) == 12  # of the validation images, and not their masks
    with Image.open(out / "36.png") as drawn:
        assert drawn.size == (SIDE, SIDE)
        assert (np.asarray(drawn) != np.asarray(Image.open(data / "images" / "36.png"))).any()
    assert main(["predict", str(run.folder), str(data / "images" / "36.png"), "--out", str(tmp_path / "p.json")]) == 0
    entry = json.loads((tmp_path / "p.json").read_text())[0]
    assert (decode(entry["mask"]) == run.predict(data / "images" / "36.png")[0]["mask"]).all()
    assert main(["predict", str(run.folder), str(data / "images" / "36.png"), "--out", str(tmp_path / "p.csv")]) == 0
    assert (tmp_path / "p.csv").read_text().splitlines()[0] == (
        "input,prediction,objects,shares/background,shares/foreground"
    )
    assert main(["eval", str(run.folder), str(data), "--split", "validation"]) == 0
    assert "dice" in capsys.readouterr().out
    assert main(["inspect", str(data)]) == 0
    printed = capsys.readouterr().out
    assert "2 classes of pixels: background, foreground" in printed
    assert "objects per image (instance masks)" in printed


def test_a_resumed_run_ends_where_a_straight_one_does(data: Path, tmp_path: Path) -> None:
    settings = {**SMALL, "test": 0, "seed": 3, "accumulate": 2, "augment": "flip,rotate=10,resized-crop=0.6,colour=0.2"}
    straight = sonde.train(data, epochs=4, schedule="constant", warmup=0, out=tmp_path / "straight", **settings)
    sonde.train(data, epochs=2, schedule="constant", warmup=0, out=tmp_path / "halves", **settings)
    halves = sonde.resume(tmp_path / "halves", epochs=4, quiet=True)
    assert halves.metrics == straight.metrics
    ours, theirs = halves.model.state_dict(), straight.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_several_classes_streamed_from_disk(tmp_path: Path) -> None:
    folder(tmp_path / "data", 20, kind="palette")
    out = tmp_path / "run"
    run = sonde.train(tmp_path / "data", epochs=2, feed="streaming", workers=1, mirrored=True, out=out, **SMALL)
    assert run.result["headline"] == "miou"
    assert run.result["objective"]["metric"] == "miou"
    assert set(run.predict(tmp_path / "data" / "images" / "3.png")[0]["shares"]) == {"background", "1", "2"}


def test_models_and_augmentations_that_do_not_fit_are_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match='^model="resnet18" gives one output vector per input, and task segmentation needs an output'
    ):
        sonde.train(data, model="resnet18", out=tmp_path / "a", quiet=True)
    with pytest.raises(ConfigError, match='model="unet" gives an output per pixel, and task classification needs one'):
        sonde.train("digits", model="unet", out=tmp_path / "b", quiet=True)
    with pytest.raises(
        ConfigError, match="task classification gives one output per row, and the targets are masks; leave"
    ):
        sonde.train(data, task="classification", model="mlp", out=tmp_path / "c", quiet=True)
    with pytest.raises(ConfigError, match='^augment="mixup": masks cannot be transformed along with the image'):
        sonde.train(data, augment="mixup=0.2", out=tmp_path / "d", **SMALL)
    with pytest.raises(ConfigError, match=r"Linear must return \(rows, 1, 32, 32\) for this data; an input of shape"):
        sonde.train(data, model=torch.nn.Linear(SIDE, 1), out=tmp_path / "e", quiet=True)


def test_a_network_of_ones_own(data: Path, tmp_path: Path) -> None:
    net = "import torch\n\ndef net(channels, out_dim):\n    return torch.nn.Conv2d(channels, out_dim, 3, padding=1)\n"
    (tmp_path / "net.py").write_text(net)
    settings = {"epochs": 1, "threads": 1, "quiet": True, "batch_size": 8, "test": 0}
    run = sonde.train(data, model=f"{tmp_path}/net.py:net", out=tmp_path / "run", **settings)
    assert run.predict(data / "images" / "0.png")[0]["mask"].shape == (SIDE, SIDE)
