"""Settings by name in the signatures: for type checkers and editors from a file, for help() and notebooks at run time."""

import inspect
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import sonde
from sonde.core.config import GROUPS, MAY_DIFFER
from sonde.modalities.settings import groups
from sonde.models.mlp import MLPConfig
from sonde.run.settings_file import FILE, written
from sonde.settings import FitKeywords, ResumeKeywords, StepsKeywords, TrainKeywords
from sonde.tasks.classification.config import ClassificationConfig

USER = """
import torch
from torch import nn
import sonde

net, rows = nn.Linear(4, 2), (torch.randn(10, 4), torch.zeros(10, dtype=torch.long))
run = sonde.train("digits", epochs=3, lr="auto", hidden=[64, 32], loss="focal", out="runs/mine", task="classification")
reveal_type(run.metrics)
sonde.train("digits", loss=nn.functional.cross_entropy, metrics=["f1"], monitor="f1", mode="max")
sonde.train("digits", loss=nn.functional.cross_entropy, device=torch.device("cpu"))
sonde.train("digits", epohcs=3)
sonde.train("digits", epochs="three")
sonde.train("digits", optimizer="adamm")
sonde.fit(net, rows, loss=nn.functional.cross_entropy, epochs=2, batch_size=4, threads=1)
sonde.fit(net, rows, loss=nn.functional.cross_entropy, image_size=8)
for record in sonde.steps(net, rows, loss=nn.functional.cross_entropy, total=3, weight_decay=0.1):
    reveal_type(record.step)
sonde.steps(net, rows, total=3, patience=2)
sonde.resume("runs/mine", epochs=4, device=torch.device("cpu"))
sonde.resume("runs/mine", lr=1e-3)
"""


def names(settings: type) -> set[str]:
    return set(settings.__annotations__)


def test_the_file_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == written(), "run `make settings`"


def test_every_setting_of_a_run_is_there_and_none_that_a_call_names_itself() -> None:
    general = {entry.name for kind in GROUPS.values() for entry in fields(kind) if entry.init} - {"given"}
    kinds = {entry.name for title, kind in groups().items() if title not in GROUPS for entry in fields(kind)}
    own = {entry.name for kind in (MLPConfig, ClassificationConfig) for entry in fields(kind)}
    assert (general | kinds | own) - {"target"} <= names(TrainKeywords)
    assert not kinds & names(FitKeywords)
    assert names(ResumeKeywords) == set(MAY_DIFFER)
    for function, settings in (
        (sonde.train, TrainKeywords),
        (sonde.fit, FitKeywords),
        (sonde.steps, StepsKeywords),
        (sonde.resume, ResumeKeywords),
    ):
        assert names(settings) <= set(inspect.signature(function).parameters)


def test_help_lists_them() -> None:
    assert "epochs: float | None = ..." in str(inspect.signature(sonde.train))


def test_a_type_checker_sees_mistakes(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER)
    root = Path(sonde.__file__).parents[1]
    config = f'{{"extraPaths": ["{root}"], "include": ["user.py"], "reportPrivateImportUsage": false}}'
    (tmp_path / "pyrightconfig.json").write_text(config)
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "-p", str(tmp_path)],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    if "user.py" not in done.stdout:
        pytest.skip(f"pyright does not run here: {done.stdout or done.stderr}")
    lines = USER.splitlines()
    found = re.findall(r"user\.py:(\d+):\d+ - error: (.*)", done.stdout)
    told = {lines[int(line) - 1]: message for line, message in found}
    assert {
        'sonde.train("digits", epohcs=3)': 'No parameter named "epohcs" (reportCallIssue)',
        "sonde.fit(net, rows, loss=nn.functional.cross_entropy, image_size=8)": (
            'No parameter named "image_size" (reportCallIssue)'
        ),
        "sonde.steps(net, rows, total=3, patience=2)": 'No parameter named "patience" (reportCallIssue)',
        'sonde.resume("runs/mine", lr=1e-3)': 'No parameter named "lr" (reportCallIssue)',
    }.items() <= told.items()
    assert "Argument of type \"Literal['three']\"" in told['sonde.train("digits", epochs="three")']
    assert "Argument of type \"Literal['adamm']\"" in told['sonde.train("digits", optimizer="adamm")']
    assert len(told) == 6
    assert 'Type of "run.metrics" is "dict[str, float]"' in done.stdout
    assert 'Type of "record.step" is "int"' in done.stdout
