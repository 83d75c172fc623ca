"""Messages in the spelling of a Python call."""

import traceback
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

import sonde
from sonde.cli.main import main
from sonde.core.errors import ConfigError, DataError, Interrupted, RunFolderError, SondeError
from sonde.core.run_folder import open_run
from sonde.run.keywords import Keywords, in_keywords

X = torch.randn(80, 3, generator=torch.Generator().manual_seed(0))
Y = X.sum(1, keepdim=True)


@pytest.mark.parametrize(
    ("flags", "keywords"),
    [
        ("lower --lr, or add --clip 1", "lower lr=, or add clip=1"),
        ("--lr 3e-4 is high", "lr=3e-4 is high"),
        (
            "give --environment (gym:NAME, env:MODULE:CLASS) or none",
            "give environment= (gym:NAME, env:MODULE:CLASS) or none",
        ),
        ("--lr auto needs steps; give --lr 1", 'lr="auto" needs steps; give lr=1'),
        ("--batch-size 1,024 is more than there are", "batch_size=1024 is more than there are"),
        ("or give --time-limit 10m.", 'or give time_limit="10m".'),
        ("give --hidden 256 128 to all", "give hidden=(256, 128) to all"),
        ("give --hidden 256, 128 rows", "give hidden=256, 128 rows"),
        ("or --silence overfitting", 'or silence="overfitting"'),
        ("--split-at 2020-01-01 2021-01-01 are", 'split_at=("2020-01-01", "2021-01-01") are'),
        ("start over with --fresh", "start over with fresh=True"),
        ("with --no-bucket all is read", "with bucket=False all is read"),
        ("--balanced False, and now it is True", "balanced=False, and now it is True"),
        ("holds a run with --steps unset, and", "holds a run with steps=None, and"),
        ("take --optimizer sgd or --optimizer plain", 'take optimizer="sgd" or optimizer= plain'),
        ("take --model transformer-small, or another --model", 'take model="transformer-small", or another model='),
        ("--model mlp suits; --task regression reads it", 'model="mlp" suits; task="regression" reads it'),
        ("give --out another folder", "give out= another folder"),
        ("Use --target 'label', or --target COLUMN", "Use target='label', or target=COLUMN"),
        ('(--evaluate-every "500 steps")', '(evaluate_every="500 steps")'),
        ("--augment flip,crop=4: no", 'augment="flip,crop=4": no'),
        ("--group speaker", 'group="speaker"'),
        ("--pretrained: cannot read /a/b", "pretrained: cannot read /a/b"),
        ("--pretrained runs/a/best.pth: gone", 'pretrained="runs/a/best.pth": gone'),
        ("--my-width expects a whole number", "my_width= expects a whole number"),
        (
            "further: sonde resume runs/a --epochs N, or --fresh",
            "further: sonde resume runs/a --epochs N, or fresh=True",
        ),
        ("`sonde train --config x` and --lr", "`sonde train --config x` and lr="),
        ("column '--lr 1' of runs/x--lr/--steps.csv", "column '--lr 1' of runs/x--lr/--steps.csv"),
        ("the task's --lr of 'a b'", "the task's lr= of 'a b'"),
        ("a word --unheard-of is left alone", "a word --unheard-of is left alone"),
        ("10--20 steps -- and no flag", "10--20 steps -- and no flag"),
    ],
)
def test_flags_become_keywords(flags: str, keywords: str) -> None:
    assert in_keywords(flags) == keywords
    assert in_keywords(keywords) == keywords


def test_an_error_keeps_the_spelling_of_the_command_line_and_all_else() -> None:
    with pytest.raises(Interrupted) as told, Keywords(), Keywords():
        raise Interrupted("resume without --fresh", signal_number=2)
    assert str(told.value) == "resume without fresh=True"
    assert told.value.command_line == "resume without --fresh"
    assert told.value.exit_code == 130
    assert SondeError("--lr").command_line == "--lr"
    with pytest.raises(ValueError, match="^--lr$"), Keywords():  # an error of somebody else's
        raise ValueError("--lr")


def _fit(tmp_path: Path, x: torch.Tensor = X, y: torch.Tensor = Y, **settings: object) -> sonde.Run:
    given: dict[str, Any] = {"loss": mse_loss, "steps": 2, "quiet": True, "out": str(tmp_path / "run"), **settings}
    return sonde.fit(nn.Linear(3, 1), (x, y), **given)


def test_python_is_told_of_keywords_by_every_door(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rate: dict[str, Any] = {"lr": 3.0}  # which their signatures refuse
    wide: dict[str, Any] = {"hidden": "wide"}
    run = _fit(tmp_path, lr=0.1)
    for call, said in [
        (lambda: _fit(tmp_path, lr=0.2), r"lr=0\.1, and now it is 0\.2; .* fresh=True, or give out= another folder$"),
        (
            lambda: _fit(tmp_path, x=X + 1, lr=0.1),
            "^the training inputs have changed since .* start over with fresh=True$",
        ),
        (lambda: _fit(tmp_path, y=Y + 1, lr=0.1), "^the training targets have changed since"),
        (lambda: _fit(tmp_path / "new", batch_size=100), r"^batch_size=100 is larger than the 80 training rows"),
        (
            lambda: sonde.resume(run.folder, **rate),
            "^lr= cannot be changed on resume; start a new run with another out=$",
        ),
        (lambda: next(sonde.steps(nn.Linear(3, 1), (X, Y), loss=mse_loss, lr=-1.0, total=2)), "^lr= must be above 0"),
        (lambda: sonde.train("digits", model="mlp", **wide), "^hidden= expects"),
    ]:
        with pytest.raises((ConfigError, DataError, RunFolderError), match=said):
            call()
    assert capsys.readouterr().out == ""
    assert main(["train", "digits", "--epochs", "-1"]) == 2
    assert "--epochs must" in capsys.readouterr().err
    digits = sonde.train("digits", model="perceptron", steps=2, threads=1, quiet=True, out=str(tmp_path / "digits"))
    assert main(["resume", str(digits.folder), "--epochs", "-1"]) == 2
    assert "--epochs must" in capsys.readouterr().err


def test_the_screen_of_a_program_and_the_command_line_each_have_their_spelling(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small: dict[str, Any] = {"model": "perceptron", "steps": 2, "threads": 1}
    sonde.train("digits", **small, overfit_batches=1, feed="resident", out=str(tmp_path / "a"))
    program = capsys.readouterr().out
    assert "(overfit_batches=" in program
    assert 'feed="resident"' in program
    words = "train digits --model perceptron --steps 2 --threads 1 --overfit-batches 1 --feed resident --out"
    assert main([*words.split(), str(tmp_path / "b")]) == 0
    command = capsys.readouterr().out
    assert "(--overfit-batches" in command
    assert "--feed resident" in command


def test_a_long_value_is_cut_to_a_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^batch_size= expects a whole number, got tensor\(\[\[.*…$") as told:
        _fit(tmp_path, batch_size=X)
    assert len(str(told.value)) < 120
    assert "\n" not in str(told.value)


def test_an_error_has_the_callers_frames_alone() -> None:
    def mine() -> None:
        open_run("/nowhere/at all")

    with pytest.raises(SondeError) as caught, Keywords():
        mine()
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names == ["test_an_error_has_the_callers_frames_alone", "mine"]
    with pytest.raises(ZeroDivisionError) as other, Keywords():
        Fraction(1, 0)
    assert len(traceback.extract_tb(other.value.__traceback__)) == 2  # what is no mistake of a caller's stays as it is


def test_the_calls_of_the_package_end_in_the_callers_line(tmp_path: Path) -> None:
    with pytest.raises(SondeError) as caught:
        sonde.doctor(tmp_path / "nothing", quiet=True)
    (frame,) = traceback.extract_tb(caught.value.__traceback__)
    assert frame.filename == __file__


def test_names_in_errors_turn_nothing_and_are_cut() -> None:
    with pytest.raises(ConfigError) as told, Keywords():
        raise ConfigError(f"no column '\u202eabc{'L' * 10_000}'; --lr 0.1")
    assert str(told.value) == f"no column '\\u202eabc{'L' * 70}…{'L' * 38}'; lr=0.1"
