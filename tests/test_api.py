"""`sonde.train` from Python: every kind of data, the same names as the flags, one line for every mistake."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
import yaml
from PIL import Image
from torch import nn
from torch.utils.data import Dataset, TensorDataset

import sonde
from sonde.cli.main import main
from sonde.core.errors import ConfigError, DataError, RunFolderError
from sonde.core.files import read_json
from sonde.core.overrides import Overrides
from sonde.screen.screen import Screen

QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "epochs": 1, "model": "mlp", "hidden": (8,), "batch_size": 16}

X = np.random.default_rng(0).normal(size=(80, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)
FRAME = pd.DataFrame({**{f"x{n}": X[:, n] for n in range(4)}, "side": np.where(Y, "right", "left")})


class Pairs(Dataset[Any]):
    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"x": torch.from_numpy(X[index]), "label": int(Y[index])}


def net(out_dim: int = 1, in_dim: int = 4) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(in_dim, out_dim))


def picture(number: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    FRAME.to_csv("rows.csv", index=False)
    np.savez("rows.npz", x=X, y=Y)
    return tmp_path


ARRAYS: dict[str, Callable[[], tuple[Any, dict[str, Any]]]] = {
    "tuple": lambda: ((X, Y), {}),
    "tensors": lambda: ((torch.from_numpy(X), torch.from_numpy(Y)), {}),
    "target=": lambda: (X, {"target": Y}),
    "lists": lambda: ((X.tolist(), Y.tolist()), {}),
    "tensor dataset": lambda: (TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), {}),
    "own dataset": lambda: (Pairs(), {}),
    "path": lambda: ("rows.npz", {}),
    "Path": lambda: (Path("rows.npz"), {}),
}
TABLES: dict[str, Callable[[], tuple[Any, dict[str, Any]]]] = {
    "frame": lambda: (FRAME, {"target": "side"}),
    "a list of one target": lambda: (FRAME, {"target": ["side"]}),
    "dict of lists": lambda: (FRAME.to_dict("list"), {"target": "side"}),
    "dict of arrays": lambda: ({str(name): FRAME[name].to_numpy() for name in FRAME}, {"target": "side"}),
    "arrow": lambda: (pa.Table.from_pandas(FRAME), {"target": "side"}),
    "frame and its target": lambda: (FRAME.drop(columns="side"), {"target": FRAME["side"]}),
    "csv": lambda: ("rows.csv", {"target": "side"}),
}


@pytest.mark.parametrize("forms", [ARRAYS, TABLES], ids=["arrays", "tables"])
def test_the_same_rows_give_the_same_run_however_they_come(forms: dict[str, Any], place: Path) -> None:
    found = {}
    for number, (name, form) in enumerate(forms.items()):
        data, more = form()
        run = sonde.train(data, out=f"run{number}", **QUIET, **more)
        found[name] = run.metrics["loss"]
        assert run.evaluated_on == "test"
        assert (place / f"run{number}" / "report.html").exists()
    assert len(set(found.values())) == 1, found


def test_pictures_in_a_list(place: Path) -> None:
    run = sonde.train(([picture(n) for n in range(40)], ["cat", "dog"] * 20), out="run", **QUIET)
    assert run.schema.input.shape == (3, 8, 8)
    assert run.predict(picture(3))[0]["prediction"] in ("cat", "dog")


def test_parts_of_ones_own_making(place: Path) -> None:
    run = sonde.train(
        {"train": (X[:50], Y[:50]), "val": (X[50:60], Y[50:60]), "test": (X[60:], Y[60:])}, out="a", **QUIET
    )
    assert read_json(place / "a" / "data.json")["splits"] == {"train": 50, "validation": 10, "test": 20}
    assert run.result["metrics"].keys() == {"train", "validation", "test"}
    run = sonde.train((X, Y), out="b", validation=0, test=0, **QUIET)
    assert (run.evaluated_on, run.metrics.keys()) == ("train", {"loss"})
    run = sonde.train((X, Y), out="c", test=0, **QUIET)
    assert run.evaluated_on == "validation"


def test_a_module_is_trained_in_place(place: Path) -> None:
    module = net()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    run = sonde.train((X, Y), model=module, out="run", threads=1, quiet=True, epochs=1, lr=0.1)
    assert run.model is module
    assert all(not torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert len(run.predict(X[:3])) == 3
    assert run.result["steps"] == 1  # 58 rows are fewer than a batch usually has


def test_a_network_from_a_file(place: Path) -> None:
    Path("nets.py").write_text(
        "from torch import nn\n\ndef Net(in_dim, out_dim):\n    return nn.Linear(in_dim, out_dim)\n"
    )
    run = sonde.train((X, Y), model="nets.py:Net", threads=1, quiet=True, epochs=1)
    assert run.folder == Path("runs/arrays-nets.py-Net-1")
    assert sonde.load(run.folder).predict(X[:3]) == run.predict(X[:3])


def test_settings_are_the_flags(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same run from Python and from the command line, bit for bit, with the same account of what was asked."""
    sonde.train("rows.csv", target="side", model="mlp", hidden=[8, 4], lr=np.float64(0.01), epochs=np.int64(1), out="a",  # pyright: ignore[reportArgumentType]
                threads=1, class_weights="balanced", quiet=True)  # fmt: skip
    words = "train rows.csv --target side --model mlp --hidden 8 4 --lr 0.01 --epochs 1 --out b --threads 1 --quiet"
    assert main([*words.split(), "--class-weights", "balanced"]) == 0
    one, two = (yaml.safe_load((place / run / "config.yaml").read_text()) for run in "ab")
    assert one["settings"].pop("out") != two["settings"].pop("out")
    assert one == two
    assert sonde.load("a").metrics == sonde.load("b").metrics


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"epoch": 3}, ConfigError, "unknown setting 'epoch'; did you mean 'epochs'?"),
        ({"hiden": 3}, ConfigError, "unknown setting 'hiden'; did you mean 'hidden'?"),
        ({"model": "resnt18", "hidden": None}, ConfigError, "unknown model 'resnt18'; did you mean 'resnet18'"),
        ({"task": "regresion"}, ConfigError, "unknown task 'regresion'; did you mean 'regression'?"),
        ({"lr": "fast"}, ConfigError, "lr= expects a number or auto, got 'fast'"),
        ({"epochs": 0}, ConfigError, "epochs= must be above 0, got 0"),
        ({"batch_size": 1000}, ConfigError, "batch_size=1000 is larger than the 58 training rows; give at most 58"),
        ({"monitor": "acuracy"}, ConfigError, "unknown metric to monitor 'acuracy'; did you mean 'accuracy'"),
        ({"model": nn.Linear, "hidden": None}, ConfigError, "model=Linear is a class; give an instance: "
         "model=Linear(in_features=..., out_features=...)"),
        ({"model": nn.Identity, "hidden": None}, ConfigError, "model=Identity is a class; give an instance: model=Identity()"),
        ({"model": 3, "hidden": None}, ConfigError, "model takes a name, \"file.py:Net\" or a torch.nn.Module, not a int"),
        ({"model": net(3), "hidden": None}, ConfigError, "Sequential must return (rows, 1) for this data; an input of shape "
         "(2, 4) gave (2, 3): make its last layer 1 wide"),
        ({"model": net(1, 9), "hidden": None}, ConfigError, "Sequential failed on an input of shape (2, 4): RuntimeError: mat1"),
        ({"time_limit": "soon"}, ConfigError, "time_limit: 'soon' is not a duration; write it like 90s, 10m or 1h30m"),
        ({"out": "rows.csv"}, RunFolderError, "rows.csv is a file; out= takes a folder"),
        ({"out": "."}, RunFolderError, ". is not empty and holds no run; give out= another folder"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_leaves_no_run(given: dict[str, Any], error: type, told: str, place: Path) -> None:
    settings = {name: value for name, value in {**QUIET, **given}.items() if value is not None}
    with pytest.raises(error) as caught:
        sonde.train((X, Y), **settings)
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)
    assert not Path("runs").exists() or not list(Path("runs").iterdir())


@pytest.mark.parametrize("data", [None, 3, X, [1, 2, 3], {"a": [1]}, {}, "", "digts"])
def test_what_cannot_be_trained_on(data: Any, place: Path) -> None:
    with pytest.raises((DataError, ConfigError)) as caught:
        sonde.train(data, **QUIET)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) > 10


def test_a_folder_that_cannot_be_used_is_said_before_the_data_are_read(place: Path) -> None:
    with pytest.raises(RunFolderError, match="is a file; out= takes a folder"):
        sonde.train("no-such-data", out="rows.csv")


def test_the_callers_random_streams_and_threads_are_left_alone(place: Path) -> None:
    torch.manual_seed(7)
    np.random.seed(7)
    torch.set_num_threads(1)
    before = torch.get_rng_state()
    sonde.train((X, Y), out="run", **dict(QUIET, threads=2))
    assert torch.equal(torch.get_rng_state(), before)
    assert np.random.random() == np.random.RandomState(7).random()
    assert torch.get_num_threads() == 1


def test_leftover_words_belong_to_the_command_line() -> None:
    from sonde.run.data_job import Caller, data_job

    with pytest.raises(ConfigError, match="unknown settings: --odd 3"):
        data_job((X, Y), Overrides(leftover=("--odd", "3")), Caller(screen=Screen(quiet=True)))


def test_train_says_what_it_did(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sonde.train((X, Y), out="run", **dict(QUIET, quiet=False))
    text = capsys.readouterr().out
    for expected in ("2 classes", "task      classification", "model     mlp (typed)", "plan      1 thread (typed), fp32",
                     "run       run", "% test accuracy", "always predicting 0", "next      open run/report.html"):  # fmt: skip
        assert expected in text
    log = [json.loads(line) for line in (place / "run" / "metrics.jsonl").read_text().splitlines()]
    assert {line["kind"] for line in log} == {"step", "evaluation"}


def test_every_public_name_is_there_and_documented() -> None:
    """`sonde.Task` and its like are what a program of one's own is written against."""
    nouns = {"Batch", "Loss", "Meter", "Objective", "Observer", "Phase", "Run", "Source", "Stage", "Task"}
    assert nouns | {"train", "fit", "steps", "load", "resume"} <= set(sonde.__all__)
    assert set(sonde.__all__) <= set(dir(sonde))
    for name in sonde.__all__:
        assert getattr(sonde, name).__doc__, name
    with pytest.raises(AttributeError, match="module 'sonde' has no attribute 'Trainer'"):
        _ = sonde.Trainer  # type: ignore[attr-defined]


def test_nothing_to_compare_is_told_in_a_line() -> None:
    with pytest.raises(ConfigError, match="^name runs to compare, or a folder that holds runs$"):
        sonde.compare()
