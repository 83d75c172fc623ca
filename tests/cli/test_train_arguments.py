"""What `sonde train`'s words come to: general settings, a model's own, a config file's."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import sonde
from sonde.cli.main import main
from sonde.cli.train_arguments import Request, parse_rest, read_request
from sonde.core.config_file import read_config, write_config
from sonde.core.errors import ConfigError


def asked(text: str) -> Request:
    return read_request(shlex.split(text))


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        asked(text)
    return str(caught.value)


def saved(tmp_path: Path, settings: dict[str, Any], **origin: str) -> Path:
    path = tmp_path / "config.yaml"
    everything = {"model": "mlp", "task": "classification", **settings}
    origins = {name: origin.get(name, "typed") for name in settings}
    write_config(path, data="digits", settings=everything, origin=origins, reasons={})
    return path


def test_only_what_was_typed_is_asked() -> None:
    request = asked("digits --epochs 3 --no-compile --target a,b")
    assert request.data == "digits"
    assert request.overrides.values == {"epochs": 3.0, "compile": False, "target": ("a", "b")}
    assert request.overrides.origin == dict.fromkeys(("epochs", "compile", "target"), "typed")
    assert (request.overrides.model, request.overrides.task, request.overrides.leftover, request.notes) == (
        None,
        None,
        (),
        (),
    )


def test_general_flags_need_no_torch() -> None:
    code = (
        "import sys; from sonde.cli.train_arguments import read_request;"
        "read_request(['digits', '--lr', 'auto', '--epochs', '3']);"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_a_models_own_flags_wait_for_the_second_pass() -> None:
    for text in ("digits --model mlp --hidden 256 128 --lr 1", "--model mlp --lr 1 --hidden 256,128 digits"):
        request = asked(text)
        assert (request.data, request.overrides.model, request.overrides.values) == ("digits", "mlp", {"lr": 1.0})
        assert request.overrides.origin == {"lr": "typed", "model": "typed"}
        assert parse_rest("mlp", "classification", request.overrides.leftover) == {"hidden": (256, 128)}


def test_own_flags_are_known_before_the_model_is() -> None:
    request = asked("--hidden 3 4 digits --activation tanh")
    assert (request.data, request.overrides.model) == ("digits", None)
    assert parse_rest("mlp", "classification", request.overrides.leftover) == {"hidden": (3, 4), "activation": "tanh"}


def test_a_flag_of_another_model_names_its_owner() -> None:
    request = asked("digits --members 8")
    with pytest.raises(ConfigError) as caught:
        parse_rest("mlp", "classification", request.overrides.leftover)
    assert str(caught.value) == "--members is a setting of model tabular, not of model mlp or task classification"


def test_what_a_task_does_by_itself_is_said_where_it_is_asked_for() -> None:
    for written in ("--scale-observations", "--no-scale-observations"):
        with pytest.raises(
            ConfigError, match="not of .*task cql; numbers of observations are scaled by their mean and"
        ):
            parse_rest("policy-mlp", "cql", [written])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("digits --epoch 3", "unknown flag --epoch; did you mean --epochs?"),
        ("digits --hiden 3", "unknown flag --hiden; did you mean --hidden?"),
        ("digits --model lstm --units 8", "--units is called --width now"),
        ("digits --filters 8", "--filters is called --width now"),
        ("digits --model tcn --blocks 3", "--blocks is called --layers now"),
        ("digits --model mlp --members 8", "--members is a setting of model tabular, not of model mlp"),
        ("digits --model resnet81", "unknown model 'resnet81'; did you mean 'resnet18'"),
        ("digits --task clasification", "unknown task 'clasification'; did you mean 'classification'?"),
        ("digits --epochs 0", "--epochs must be above 0, got 0"),
        ("digits --lr -1", "--lr must be above 0, got -1"),
        ("digits --lr nan", "--lr must be above 0, got nan"),
        ("digits --epochs 3 --steps 0", "--steps must be at least 1, got 0"),
        (
            "digits --evaluate-every 3ducks",
            "--evaluate-every: '3ducks' is not a duration; write it like 2 epochs, 500 steps, 90s",
        ),
        ("digits --time-limit 2epochs", "--time-limit takes a duration such as 90s, 10m or 1h30m, got '2epochs'"),
        (
            "digits --checkpoint-steps 4",
            '--checkpoint-steps is now --checkpoint-every; write --checkpoint-every "500 steps"',
        ),
        ("digits --time-limit soon", "--time-limit: 'soon' is not a duration; write it like 90s, 10m or 1h30m"),
        ("--epochs 3", "sonde train needs DATA"),
        ("digits --config nowhere.yaml", "there is no config file nowhere.yaml"),
    ],
)
def test_mistakes_are_met_before_the_data_are_opened(text: str, message: str) -> None:
    assert refusal(text).startswith(message)


def test_a_value_that_does_not_fit_a_models_flag() -> None:
    assert refusal("digits --model mlp --hidden 3 x") == "--hidden expects whole numbers, got 'x'"
    assert refusal("digits --model mlp --dropout 1.5") == "--dropout must be at least 0 and below 1, got 1.5"
    with pytest.raises(ConfigError, match="--hidden expects whole numbers, got 'x'"):
        parse_rest("mlp", "classification", asked("digits --hidden 3 x").overrides.leftover)


def test_a_config_file_gives_what_was_asked_of_that_run(tmp_path: Path) -> None:
    settings = {"lr": 0.5, "hidden": [7], "epochs": 4, "clip": 0.0, "target": ["a"], "monitor": None, "augment": "flip"}
    file = saved(tmp_path, settings, epochs="recipe", clip="default", augment="file")
    request = asked(f"--config {file}")
    assert request.data == "digits"
    assert request.overrides.values == {"lr": 0.5, "hidden": (7,), "target": ("a",), "augment": "flip"}
    assert request.overrides.origin == dict.fromkeys(("lr", "hidden", "target", "augment", "model", "task"), "file")
    assert (request.overrides.model, request.overrides.task) == ("mlp", "classification")
    assert asked(f"--config {tmp_path}") == request  # the run's folder stands for its file


def test_a_config_file_of_an_earlier_version_is_read_by_todays_names(tmp_path: Path) -> None:
    file = saved(tmp_path, {"model": "tabular", "depth": 5, "embedding_dim": 4})
    assert asked(f"--config {file}").overrides.values == {"layers": 5, "embedding": 4}


def test_the_line_wins_over_the_file(tmp_path: Path) -> None:
    file = saved(tmp_path, {"lr": 0.5, "hidden": [7], "epochs": 4})
    request = asked(f"mnist --config {file} --lr 0.1 --hidden 9 8 --time-limit 5m")
    assert request.data == "mnist"
    assert request.overrides.values == {"lr": 0.1, "time_limit": "5m"}  # the file's epochs are taken back as well
    assert request.overrides.origin["lr"] == "typed"
    assert parse_rest("mlp", "classification", request.overrides.leftover) == {"hidden": (9, 8)}


def test_a_list_on_the_line_keeps_its_last_word_where_the_file_has_the_data(tmp_path: Path) -> None:
    request = asked(f"--config {saved(tmp_path, {})} --target a b")
    assert (request.data, request.overrides.values) == ("digits", {"target": ("a", "b")})


def test_where_that_run_was_written_is_not_asked_again(tmp_path: Path) -> None:
    request = asked(f"--config {saved(tmp_path, {'out': 'runs/old', 'fresh': True, 'quiet': True, 'lr': 0.5})}")
    assert request.overrides.values == {"lr": 0.5}


def test_settings_of_another_model_are_left_out_aloud(tmp_path: Path) -> None:
    file = saved(tmp_path, {"lr": 0.5, "hidden": [7]})
    request = asked(f"--config {file} --model lenet5")
    assert (request.overrides.model, request.overrides.values) == ("lenet5", {"lr": 0.5})
    assert request.notes == (f"{file}: ignored --hidden, a setting of model mlp",)
    assert request.overrides.origin["model"] == "typed"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr": "fast"}, "--lr expects a number or auto, got 'fast'"),
        ({"hidden": 7}, "hidden expects a list of whole numbers, got 7"),
        ({"hiden": [7]}, "unknown setting 'hiden'; did you mean 'hidden'?"),
        ({"balanced": "no"}, "balanced expects true or false, got 'no'"),
    ],
)
def test_a_config_file_written_by_hand_is_checked(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    file = saved(tmp_path, settings)
    assert refusal(f"--config {file}") == f"{file}: {message}"


def test_values_out_of_range_are_met_in_files_too(tmp_path: Path) -> None:
    assert refusal(f"--config {saved(tmp_path, {'lr': -1.0})}") == "--lr must be above 0, got -1"


NET = """
from torch import nn
class Net(nn.Module):
    def __init__(self, in_dim, out_dim, hidden: int = 8, dropout: float = 0):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(in_dim, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, out_dim)
        )
    def forward(self, x):
        return self.layers(x)
class Clash(Net):
    def __init__(self, in_dim, out_dim, lr=0.1):
        super().__init__(in_dim, out_dim)
class TaskClash(Net):
    def __init__(self, in_dim, out_dim, loss="mine"):
        super().__init__(in_dim, out_dim)
"""


def test_parameters_of_ones_own_network_are_flags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(NET)
    Path("t.csv").write_text("a,b,y\n" + "".join(f"{i % 7},{i % 5},{i % 7 > i % 5}\n" for i in range(60)))
    settings: dict[str, Any] = {"target": "y", "epochs": 1, "threads": 1, "quiet": True}
    words = "train t.csv --target y --epochs 1 --threads 1 --quiet --model net.py:Net"
    assert main(["train", "t.csv", "--model", "net.py:Net", "--help"]) == 0
    assert "--hidden INTEGER" in capsys.readouterr().out
    assert main([*words.split(), "--hidden", "3", "--dropout", "0.1", "--out", "a"]) == 0
    run = sonde.train("t.csv", model="net.py:Net", hidden=3, dropout=0.1, out="b", **settings)
    assert run.model.state_dict().keys() == sonde.load("a").model.state_dict().keys()
    assert all(
        torch.equal(x, y) for x, y in zip(run.model.parameters(), sonde.load("a").model.parameters(), strict=True)
    )
    assert run.model.get_submodule("layers.0").out_features == 3
    saved = read_config(Path("a")).settings
    assert (saved["hidden"], saved["dropout"]) == (3, 0.1)
    assert sonde.resume("a", epochs=2, quiet=True).result["epochs"] == 2
    assert main([*words.split(), "--dropout", "0.1", "--out", "b"]) == 2
    assert "b holds a run with --hidden 3, and now it is 8" in capsys.readouterr().err
    for more, told in (
        ("--hidden many", "--hidden expects a whole number, got 'many'"),
        ("--hiden 3", "unknown flag --hiden; did you mean --hidden?"),
    ):
        assert main([*words.split(), *more.split()]) == 2
        assert told in capsys.readouterr().err
    with pytest.raises(
        ConfigError, match="net.py:Clash has a setting 'lr', which every run has already; rename it there"
    ):
        sonde.train("t.csv", model="net.py:Clash", **settings)
    assert main(["train", "t.csv", "--model", "net.py:Clash", "--help"]) == 2
    with pytest.raises(
        ConfigError, match="TaskClash and task classification both have a setting 'loss'; rename the model's"
    ):
        sonde.train("t.csv", model="net.py:TaskClash", **settings)
