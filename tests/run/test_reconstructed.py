"""Which pictures and numbers of an autoencoder the report gets, and what `predict` and `sample` make of a run."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sonde
from sonde.cli.main import main
from sonde.core.errors import ConfigError
from sonde.core.files import read_json
from sonde.run.reconstructed import STEPS, shade, traversals


def test_numbers_that_vary_most_are_varied_one_at_a_time() -> None:
    codes = torch.tensor([[0.0, 5.0, 1.0], [0.0, 1.0, 1.5], [0.0, 3.0, 2.0]])
    varied, places = traversals(codes)
    assert places == [1, 2, 0]
    assert varied.shape == (3, STEPS, 3)
    mean, deviation = codes.mean(0), codes.std(0, correction=0)
    torch.testing.assert_close(varied[0, :, 0], mean[0].expand(STEPS))
    torch.testing.assert_close(varied[0, [0, 5, 10], 1], mean[1] + deviation[1] * torch.tensor([-2.5, 0.0, 2.5]))
    torch.testing.assert_close(varied[1, :, 1], mean[1].expand(STEPS))


def test_errors_are_bright_where_they_are_large() -> None:
    found = shade(torch.tensor([[[[0.0, 1.0], [2.0, 4.0]]]]), like=np.zeros((1, 2, 2), np.uint8))
    assert found.tolist() == [[[0, 64], [128, 255]]]
    assert shade(torch.ones(1, 3, 2, 2), like=np.zeros((1, 2, 2, 3), np.uint8)).shape == (1, 2, 2, 3)


@pytest.fixture(scope="module")
def vae(tmp_path_factory: pytest.TempPathFactory) -> sonde.Run:
    out = tmp_path_factory.mktemp("vae") / "run"
    return sonde.train(
        "digits",
        task="vae",
        widths=(8,),
        latent=4,
        steps=20,
        out=out,
        importance=2,
        quiet=True,
        doctor=False,
        threads=1,
    )


def test_the_report_shows_what_is_given_back(vae: sonde.Run) -> None:
    place = vae.folder / "evaluation"
    found = read_json(place / "reconstructions.json")
    assert (found["split"], found["number"]) == ("test", 12)
    with Image.open(place / found["picture"]) as picture:
        assert picture.width == 2 + 12 * (56 + 2)  # digits of 8 pixels, seven times as large
        assert picture.height == 2 + 3 * (56 + 2)  # inputs, reconstructions, errors
    assert len(found["traversals"]["numbers"]) == 4
    assert read_json(place / "embedding.json")["dimensions"] == 4
    assert "bound" in vae.metrics
    page = (vae.folder / "report.html").read_text(encoding="utf-8")
    assert all(words in page for words in ("Reconstructions", "What the code means", "Map of the latent space"))


def test_what_is_predicted_is_chosen(vae: sonde.Run) -> None:
    images = np.random.default_rng(0).integers(0, 255, (3, 8, 8)).astype(np.uint8)
    assert list(vae.predict(images)[0]["latent"]) == ["0", "1", "2", "3"]
    assert vae.predict(images) == vae.predict(images, what="latent")
    assert vae.predict(images, what="reconstruction")[2]["reconstruction"].shape == (8, 8, 1)
    assert vae.predict(images, what="anomaly")[0]["error"].shape == (8, 8)
    with pytest.raises(ConfigError, match="unknown what= 'latnt'; did you mean 'latent'?|unknown --what"):
        vae.predict(images, what="latnt")


def test_samples_come_from_codes(vae: sonde.Run, tmp_path: Path) -> None:
    first = vae.sample(5, seed=1)
    assert first.shape == (5, 8, 8)
    assert np.array_equal(first[:3], vae.sample(3, seed=1))
    np.save(tmp_path / "codes.npy", np.zeros((2, 4), np.float32))
    out = tmp_path / "made.png"
    assert main(["sample", str(vae.folder), "--latent", str(tmp_path / "codes.npy"), "--out", str(out)]) == 0
    with Image.open(out) as picture:
        assert picture.mode == "L"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--what", "reconstruction", "--out", "{}/a.csv"],
            "reconstructions of images are pictures; use .png, a folder/",
        ),
        (["--what", "codes"], "unknown --what 'codes'"),
        (
            ["--out", "{}/a.png"],
            "pictures are of --what reconstruction or --what anomaly; give one of them, or use .csv",
        ),
    ],
)
def test_forms_that_have_no_room_are_refused(
    vae: sonde.Run, tmp_path: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word.format(tmp_path) for word in words]
    assert main(["predict", str(vae.folder), "digits", *given]) == 2
    assert message in capsys.readouterr().err


def test_files_hold_what_is_chosen(vae: sonde.Run, tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 90, np.uint8)).save(tmp_path / "one.png")

    def predict(what: str, out: str) -> Path:
        words = ["predict", str(vae.folder), str(tmp_path / "one.png"), "--what", what, "--out", str(tmp_path / out)]
        assert main(words) == 0
        return tmp_path / out

    assert np.load(predict("latent", "l.npy")).shape == (1, 4)
    assert np.load(predict("reconstruction", "r.npy")).dtype == np.uint8
    assert np.load(predict("anomaly", "a.npy")).shape == (1,)
    (row,) = json.loads(predict("anomaly", "a.json").read_text(encoding="utf-8"))
    assert np.asarray(row["error"]).shape == (8, 8)
    predict("anomaly", "a.png")
    predict("reconstruction", "back")
    assert [path.name for path in (tmp_path / "back").glob("[!.]*")] == ["00000-one.png"]


def test_a_classifier_gives_nothing_back(tmp_path: Path) -> None:
    run = sonde.train("digits", model="mlp", hidden=(4,), steps=2, out=tmp_path / "run", quiet=True, doctor=False)
    with pytest.raises(ConfigError, match="latent'? is for autoencoders, and .* is none; leave it out"):
        run.predict(np.zeros((1, 8, 8), np.uint8), what="latent")
