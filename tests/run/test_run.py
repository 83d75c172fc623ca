"""A run that was trained, is opened again, or was carried elsewhere: what it answers is the same."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn

import sonde
from sonde.core.errors import ConfigError, DataError, RunFolderError
from sonde.core.files import read_json

SCANS: np.ndarray = cast(Any, load_digits()).images
QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "epochs": 1}

AGAIN = """
import json, sys
import sonde
run = sonde.load(sys.argv[1])
print(json.dumps([run.predict(sys.argv[2]), run.metrics, run.evaluated_on, str(run.report())]))
"""


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> sonde.Run:
    return sonde.train("digits", model="mlp", hidden=(32,), out=tmp_path_factory.mktemp("digits") / "run", **QUIET)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[sonde.Run, pd.DataFrame, Path]:
    place = tmp_path_factory.mktemp("table")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=200), "kind": rng.choice(["a", "b", "c"], 200)})
    frame["price"] = 100 + 20 * frame["size"] + 5 * (frame["kind"] == "a")
    frame.to_csv(place / "rows.csv", index=False)
    return sonde.train(frame, target="price", out=place / "run", **QUIET), frame, place / "rows.csv"


def seven() -> Image.Image:
    return Image.fromarray((SCANS[7] * 255 / 16).round().astype(np.uint8))


def test_what_a_run_says_of_itself(digits: sonde.Run) -> None:
    assert digits.evaluated_on == "test"
    assert (
        digits.metrics
        == digits.result["metrics"]["test"]
        == read_json(digits.folder / "result.json")["metrics"]["test"]
    )
    assert repr(digits).startswith(f"Run({str(digits.folder)!r}, test: accuracy 0.")
    assert digits.schema.target.names == tuple("0123456789")
    assert isinstance(digits.model, nn.Module)


def test_a_picture_is_a_picture_however_it_comes(digits: sonde.Run, tmp_path: Path) -> None:
    picture = seven()
    picture.save(tmp_path / "seven.png")
    pixels = np.asarray(picture)
    given = [
        picture,
        [picture],
        tmp_path / "seven.png",
        str(tmp_path / "seven.png"),
        [tmp_path / "seven.png"],
        tmp_path,
    ]
    given += [pixels, pixels[None], torch.from_numpy(pixels.copy())[None, None], picture.convert("RGB")]
    answers = [digits.predict(one) for one in given]
    assert [len(answer) for answer in answers] == [1] * len(given)
    for answer in answers:
        assert answer[0]["probabilities"] == answers[0][0]["probabilities"]
    assert answers[2][0]["input"] == str(tmp_path / "seven.png")
    assert sum(answers[0][0]["probabilities"].values()) == pytest.approx(1)
    assert answers[0][0]["probability"] == max(answers[0][0]["probabilities"].values())


def test_predictions_agree_with_the_network_by_hand(digits: sonde.Run) -> None:
    pixels = np.stack([np.asarray(Image.fromarray(np.uint8(i))) for i in (SCANS[:20] * 255 / 16).round()])
    spec = digits.schema.input
    scaled = (torch.from_numpy(pixels)[:, None].float() / 255 - spec.mean[0]) / spec.std[0]
    with torch.inference_mode():
        probs = digits.model(scaled).softmax(1)
    for row, answer in zip(probs, digits.predict(pixels), strict=True):
        assert answer["prediction"] == str(int(row.argmax()))
        assert list(answer["probabilities"].values()) == pytest.approx(row.tolist(), abs=1e-6)


def test_rows_of_a_table_however_they_come(table: tuple[sonde.Run, pd.DataFrame, Path]) -> None:
    run, frame, path = table
    expected = [answer["price"] for answer in run.predict(frame)]
    for given in (path, str(path), frame.drop(columns="price"), frame.to_dict("list"), frame.to_dict("records")):
        assert [answer["price"] for answer in run.predict(given)] == pytest.approx(expected)
    assert run.predict(frame.iloc[3][["size", "kind"]].to_dict())[0]["price"] == pytest.approx(expected[3])
    error = np.sqrt(np.mean((np.array(expected) - frame["price"]) ** 2))
    assert run.evaluate(path)["rmse"] == run.evaluate(frame)["rmse"] == pytest.approx(error, rel=1e-4)


def test_arrays_however_they_come(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)), rng.integers(0, 2, 60)
    run = sonde.train((x, y), out=tmp_path / "run", **QUIET)
    np.save(tmp_path / "x.npy", x)
    expected = run.predict(x)
    for given in (torch.from_numpy(x), x.tolist(), pd.DataFrame(x), tmp_path / "x.npy", x.astype(np.float32)):
        for one, two in zip(run.predict(given), expected, strict=True):
            assert one["probability"] == pytest.approx(two["probability"], abs=1e-6)
    assert run.predict(x[4])[0]["probability"] == pytest.approx(expected[4]["probability"], abs=1e-6)
    hits = [answer["prediction"] == str(truth) for answer, truth in zip(expected, y, strict=True)]
    assert run.evaluate((x, y))["accuracy"] == run.metrics["accuracy"]  # of its own test rows
    assert run.evaluate((x[:59], y[:59]))["accuracy"] == pytest.approx(np.mean(hits[:59]))
    with pytest.raises(DataError, match="the input has 2 numbers a row; the model takes 3"):
        run.predict(x[:, :2])


def test_another_process_and_another_place_give_the_same(digits: sonde.Run, tmp_path: Path) -> None:
    """Nothing of the process that trained is needed, nor the place, nor the data."""
    seven().save(tmp_path / "seven.png")
    elsewhere = tmp_path / "copied" / "to"
    shutil.copytree(digits.folder, elsewhere)
    (elsewhere / "report.html").unlink()
    done = subprocess.run(
        [sys.executable, "-c", AGAIN, elsewhere, tmp_path / "seven.png"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    predicted, metrics, evaluated_on, report = json.loads(done.stdout)
    assert predicted == digits.predict(tmp_path / "seven.png")
    assert (metrics, evaluated_on) == (digits.metrics, "test")
    assert Path(report).stat().st_size > 10_000


def test_a_loaded_run_answers_as_the_one_that_was_trained(digits: sonde.Run) -> None:
    opened = sonde.load(digits.folder)
    assert opened.predict(seven()) == digits.predict(seven())
    for name, value in digits.model.state_dict().items():
        assert torch.equal(opened.model.state_dict()[name], value)
    assert not opened.model.training
    assert opened.to("cpu") is opened


def test_the_best_checkpoint_answers_and_not_the_last(tmp_path: Path) -> None:
    """Labels without a rule can only be learnt by heart, and that shows on the validation rows."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 3)), rng.integers(0, 2, 80)
    settings = {"model": "mlp", "hidden": (64,), "lr": 0.05, "monitor": "loss", "epochs": 20, "batch_size": 16}
    run = sonde.train((x, y), out=tmp_path / "run", **{**QUIET, **settings})
    lines = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    seen = {line["step"]: line["metrics"]["loss"] for line in lines if line["kind"] == "evaluation"}
    assert min(seen.values()) < seen[max(seen)]
    assert run.result["best"]["step"] == min(seen, key=lambda step: seen[step])
    assert run.result["metrics"]["validation"]["loss"] == pytest.approx(min(seen.values()))
    assert sonde.load(run.folder).predict(x[:5]) == run.predict(x[:5])


def test_an_unfinished_run_says_how_to_go_on(digits: sonde.Run, tmp_path: Path) -> None:
    shutil.copytree(digits.folder, tmp_path / "run")
    (tmp_path / "run" / "result.json").unlink()
    run = sonde.load(tmp_path / "run")
    assert repr(run) == f"Run({str(tmp_path / 'run')!r}, unfinished)"
    with pytest.raises(RunFolderError, match="is not finished; resume with: sonde resume"):
        _ = run.metrics
    assert run.predict(seven()) == digits.predict(seven())  # with the best so far


def test_what_is_no_run(digits: sonde.Run, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="there is no run folder"):
        sonde.load(tmp_path / "nothing")
    with pytest.raises(RunFolderError, match="holds no run"):
        sonde.load(tmp_path)
    with pytest.raises(ConfigError, match="unknown split 'tset'; did you mean 'test'"):
        digits.evaluate("digits", split="tset")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match='device="cuda": torch .* sees no CUDA GPU'):
            digits.to("cuda")


def test_an_altered_best_checkpoint_is_named(digits: sonde.Run, tmp_path: Path) -> None:
    shutil.copytree(digits.folder, tmp_path / "run")
    weights = tmp_path / "run" / "checkpoints" / "best" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00")
    with pytest.raises(RunFolderError, match="best/weights.safetensors is truncated or was modified"):
        sonde.load(tmp_path / "run").predict(seven())


def test_a_network_from_a_file_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\ndef Net(in_dim, out_dim):\n    return nn.Sequential(nn.Flatten(), nn.Linear(in_dim, out_dim))\n"
    )
    monkeypatch.chdir(tmp_path)
    run = sonde.train("digits", model="net.py:Net", out="run", **QUIET)
    expected = run.predict(seven())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert sonde.load(tmp_path / "run").predict(seven()) == expected
    (tmp_path / "net.py").unlink()
    assert sonde.load(tmp_path / "run").predict(seven()) == expected, "by the run's own copy"
    (tmp_path / "run" / "code" / "net.py").unlink()
    with pytest.raises(ConfigError, match=r"cannot read .*/net.py"):
        sonde.load(tmp_path / "run").predict(seven())
