"""Runs that learn the codes of another run: whole, movable, exact; and those that are refused."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import sonde
from sonde.cli.main import main
from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError, RunFolderError, SondeError
from sonde.core.files import read_json
from sonde.core.seams import Loss
from sonde.engine import checkpoint
from sonde.engine.tree import same
from sonde.tasks.flow_matching.task import FlowMatching

SMALL: dict[str, Any] = {"threads": 1, "quiet": True, "precision": "fp32", "batch_size": 32}
FLOW: dict[str, Any] = {**SMALL, "task": "flow-matching", "widths": (8, 16), "heads": 0, "ema": 0.9}
CODES = {
    "vae": {"task": "vae", "latent_channels": 2},
    "autoencoder": {"task": "autoencoder", "latent": 6},
    "vq-vae": {"task": "vq-vae", "codes": 8, "code_width": 3},
    "fsq": {"task": "vq-vae", "quantiser": "fsq", "fsq_levels": (4, 4)},
}


def discs(number: int = 96, side: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Bright discs on a dark ground, small ones (class 0) and large ones (class 1)."""
    random, target = np.random.default_rng(0), np.arange(number) % 2
    place = np.arange(side) - (side - 1) / 2
    apart = np.hypot(place[None, :, None] - random.uniform(-1, 1, (number, 1, 1)), place[None, None, :])
    return (np.where(apart < 1.5 + 1.5 * target[:, None, None], 220, 20)).astype(np.uint8), target


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each kind of code."""
    folder = tmp_path_factory.mktemp("codes")
    for name, settings in CODES.items():
        more = {"widths": (16,), "epochs": 25, "lr": 3e-3, **SMALL, **settings}
        sonde.train(discs(), out=folder / name, **more)
    return {name: folder / name for name in CODES}


@pytest.fixture(scope="module")
def trained(encoders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> sonde.Run:
    """A flow in the codes of a vae that is gone since, in a folder that was moved since."""
    folder = tmp_path_factory.mktemp("latent")
    shutil.copytree(encoders["vae"], folder / "vae")
    sonde.train(discs(), out=folder / "run", latent=folder / "vae", epochs=60, lr=3e-3, **FLOW)
    shutil.rmtree(folder / "vae")
    (folder / "run").rename(folder / "moved")
    return sonde.load(folder / "moved")


def test_samples_are_images_of_their_class(trained: sonde.Run) -> None:
    images, target = discs()
    bright = (images > 120).mean((1, 2))
    for label in (0, 1):
        made = trained.sample(40, classes=[str(label)], seed=1)
        assert made.shape == (40, 8, 8)
        assert float((made > 120).mean()) == pytest.approx(float(bright[target == label].mean()), abs=0.12)


def test_the_run_says_which_codes_and_has_their_scale_in_its_checkpoint(trained: sonde.Run) -> None:
    about = read_json(trained.folder / "data.json")["autoencoder"]
    assert (about["task"], about["shape"], len(about["weights"])) == ("vae", [2, 4, 4], 12)
    line = f"({about['task']}, weights {about['weights']}): 2 x 4 x 4 numbers for 1 x 8 x 8"
    assert any(line in each for each in read_json(trained.folder / "plan.json")["lines"])
    weights, _ = checkpoint.read(trained.folder / "checkpoints" / "best")
    assert weights["code.mean"].shape == (2, 1, 1)
    assert not any("encoder" in name for name in weights)
    codes = trained.task.code.encode(torch.as_tensor(trained.preprocess(discs()[0])))  # type: ignore[attr-defined]
    torch.testing.assert_close(codes.std((0, 2, 3), correction=0), torch.ones(2), atol=0.1, rtol=0)


@pytest.mark.parametrize("name", ["autoencoder", "vq-vae", "fsq"])
def test_every_kind_of_code_can_be_learned(name: str, encoders: dict[str, Path], tmp_path: Path) -> None:
    own = {"model": "denoiser-mlp", "width": 16} if name == "autoencoder" else {"widths": (8,), "heads": 0}
    run = sonde.train(
        discs(), out=tmp_path / "run", task="diffusion", latent=str(encoders[name]), steps=4, **SMALL, **own
    )
    found = run.sample(3)
    assert found.shape == (3, 8, 8)
    assert run.task.modules["model"].model.__class__.__name__ == (
        "DenoiserMLP" if name == "autoencoder" else "DenoiserUNet"
    )


def test_numbers_without_a_map_get_a_network_for_numbers(encoders: dict[str, Path], tmp_path: Path) -> None:
    words = ["train", "digits", "--task", "flow-matching", "--latent", str(encoders["autoencoder"]), "--steps", "2"]
    assert main([*words, "--threads", "1", "--quiet", "--width", "16", "--out", str(tmp_path / "run")]) == 0
    assert "model: denoiser-mlp" in (tmp_path / "run" / "config.yaml").read_text(encoding="utf-8")


def test_an_interrupted_run_goes_on_to_the_last_bit_without_the_run_it_learns_of(
    encoders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(encoders["vae"], tmp_path / "vae")
    settings = {**FLOW, "latent": str(tmp_path / "vae"), "steps": 8, "checkpoint_every": "3 steps"}
    sonde.train(discs(), out=tmp_path / "whole", **settings)
    learned, last = FlowMatching.loss, tmp_path / "cut" / "checkpoints" / "last"

    def fails(self: FlowMatching, batch: Batch) -> Loss:
        if last.exists():  # by step 7: the second checkpoint waits for the first
            raise RuntimeError("as if the power went")
        return learned(self, batch)

    monkeypatch.setattr(FlowMatching, "loss", fails)
    with pytest.raises(RuntimeError, match="as if the power went"):
        sonde.train(discs(), out=tmp_path / "cut", **settings)
    monkeypatch.setattr(FlowMatching, "loss", learned)
    shutil.rmtree(tmp_path / "vae")
    sonde.resume(tmp_path / "cut", data=discs(), quiet=True)
    for place in ("last", "best"):
        one, two = (checkpoint.read(tmp_path / name / "checkpoints" / place)[0] for name in ("whole", "cut"))
        assert same(one, two)


def test_a_part_of_an_image_is_kept(trained: sonde.Run, tmp_path: Path) -> None:
    images, _ = discs()
    Image.fromarray(images[0]).save(tmp_path / "known.png")
    white = np.zeros((8, 8), np.uint8)
    white[:, 4:] = 255
    Image.fromarray(white).save(tmp_path / "mask.png")
    words = ["sample", str(trained.folder), "-n", "2", "--classes", "0", "--out", f"{tmp_path}/made/"]
    assert main([*words, "--known", str(tmp_path / "known.png"), "--mask", str(tmp_path / "mask.png")]) == 0
    for made in (tmp_path / "made").glob("*.png"):
        with Image.open(made) as opened:
            assert np.abs(np.asarray(opened)[:, :4].astype(int) - images[0][:, :4]).max() <= 1


def test_a_copy_that_is_gone_or_another_is_refused(
    trained: sonde.Run, encoders: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(trained.folder, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "autoencoder")
    with pytest.raises(
        RunFolderError, match="autoencoder, whose codes this run learned, is gone; restore it, or train"
    ):
        sonde.load(tmp_path / "run").sample(2)
    shutil.copytree(encoders["fsq"], tmp_path / "run" / "autoencoder")
    with pytest.raises(RunFolderError, match="is another autoencoder than this run learned codes of"):
        sonde.load(tmp_path / "run").sample(2)


def test_runs_without_codes_or_of_other_inputs_are_refused_in_a_line(encoders: dict[str, Path], tmp_path: Path) -> None:
    mlp = sonde.train(discs(), model="mlp", hidden=(8,), steps=1, out=tmp_path / "mlp", **SMALL)
    cases: list[tuple[Any, Any, str]] = [
        (mlp.folder, discs(), "is a run of task classification, and codes are those of autoencoder or vae or vq-vae"),
        (tmp_path / "none", discs(), "there is no run folder"),
        (encoders["vae"], discs(side=12), "was trained on image of 1x8x8, and these data are image of 1x12x12"),
    ]
    for named, data, line in cases:
        with pytest.raises(SondeError) as caught:
            sonde.train(data, out=tmp_path / "run", latent=str(named), steps=1, **FLOW)
        assert line in str(caught.value)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "run").exists()


def test_a_copy_is_not_learned_of_where_it_is_cleared(trained: sonde.Run) -> None:
    own = trained.folder / "autoencoder"
    with pytest.raises(ConfigError, match="is in the folder that fresh=True clears; copy it to another place"):
        sonde.train(discs(), out=trained.folder, fresh=True, latent=str(own), steps=1, **FLOW)
    assert own.is_dir()


def test_tables_are_refused(encoders: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n" + "\n".join(f"{n},{n % 7}" for n in range(60)), encoding="utf-8")
    with pytest.raises(ConfigError, match="codes are learned of images and arrays, and these data are of kind table"):
        sonde.train(tmp_path / "rows.csv", task="flow-matching", latent=str(encoders["vae"]), steps=1, **SMALL)


def test_two_bottlenecks_or_a_map_of_what_has_none_are_refused(tmp_path: Path) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"latent": 8, "latent_channels": 2}, "latent=8 and latent_channels=2 are two bottlenecks; give one of them"),
        (
            {"latent_channels": 2, "model": "autoencoder-mlp"},
            "makes a map of codes, and AutoencoderMLP has none; take model=",
        ),
        ({"latent_channels": 2, "sparsity": 0.1}, "sparsity= is for codes without a map"),
    ]
    for settings, line in cases:
        with pytest.raises(ConfigError) as caught:
            sonde.train(discs(), task="autoencoder", steps=1, out=tmp_path / "run", **SMALL, **settings)
        assert line in str(caught.value)


def test_a_codebook_alone_makes_nothing_and_says_what_does(
    encoders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sample", str(encoders["vq-vae"])]) != 0
    told = capsys.readouterr().err
    assert (
        f'sonde.train(data, task="flow-matching", latent={str(encoders["vq-vae"])!r})' in told
    )  # it was trained in memory
    assert told.count("\n") == 1


def test_samples_of_a_codebook_are_made_of_its_codes(encoders: dict[str, Path], tmp_path: Path) -> None:
    run = sonde.train(discs(), out=tmp_path / "run", latent=str(encoders["vq-vae"]), steps=2, **FLOW)
    net = sonde.load(encoders["vq-vae"]).task.net  # type: ignore[attr-defined]
    code = run.task.code  # type: ignore[attr-defined]
    assert code.shape == (3, 4, 4)
    near = torch.randn(2, 3, 4, 4)
    raw = near * code.std + code.mean
    nearest = net.quantiser.codes[torch.cdist(raw.movedim(1, -1).reshape(-1, 3), net.quantiser.codes).argmin(1)]
    with torch.no_grad():
        wanted = net.decode(nearest.view(2, 4, 4, 3).movedim(-1, 1))
        torch.testing.assert_close(code.decode(near), wanted)


def test_the_report_and_the_judge_take_it_as_any_other(trained: sonde.Run) -> None:
    page = (trained.folder / "report.html").read_text(encoding="utf-8")
    assert "New inputs that the best checkpoint made" in page
    assert "2 x 4 x 4 numbers for 1 x 8 x 8" in page
    assert trained.schema.input == InputSpec(**vars(trained.schema.input))
    assert set(trained.evaluate(discs())) >= {"loss"}
