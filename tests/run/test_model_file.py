"""`--model file.py:Net`: a run's weights are used with the code that they were trained with."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import sonde
from sonde.core.errors import RunFolderError
from sonde.core.files import read_json, sha256

FILE = """import torch
from torch import nn
{imports}

class Net(nn.Module):
    def __init__(self, in_dim, out_dim):
        super().__init__()
        self.layer = nn.Linear(in_dim, out_dim)  # {comment}

    def forward(self, x):
        return {sign} self.layer(x.flatten(1))
"""
QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "epochs": 1}


def write(file: Path, *, sign: str = "", comment: str = "one", imports: str = "") -> None:
    file.write_text(FILE.format(sign=sign, comment=comment, imports=imports))


@pytest.fixture
def trained(tmp_path: Path) -> tuple[Path, sonde.Run]:
    file = tmp_path / "net.py"
    write(file)
    return file, sonde.train("digits", model=f"{file}:Net", out=str(tmp_path / "run"), **QUIET)


def answers(run: sonde.Run) -> list[Any]:
    images = torch.zeros(3, 8, 8, dtype=torch.uint8).numpy() + torch.arange(3, dtype=torch.uint8).numpy()[:, None, None]
    return [row["probability"] for row in run.predict(list(images))]


def test_a_copy_and_its_hash_are_kept(trained: tuple[Path, sonde.Run]) -> None:
    file, run = trained
    copy = run.folder / "code" / "net.py"
    assert copy.read_bytes() == file.read_bytes()
    assert read_json(run.folder / "data.json")["code"]["file"] == {"name": "net.py", "sha256": sha256(file)}


def test_prediction_and_evaluation_use_the_copy_and_say_so(
    trained: tuple[Path, sonde.Run], capsys: pytest.CaptureFixture[str]
) -> None:
    file, run = trained
    expected, scores = answers(sonde.load(run.folder)), sonde.load(run.folder).evaluate("digits")
    assert capsys.readouterr().err == ""
    write(file, sign="-")
    assert answers(sonde.load(run.folder)) == expected
    said = capsys.readouterr().err
    assert said.startswith(
        f"sonde: warning: {file} has changed since {run.folder} was trained; its weights are used with the"
    )
    assert sonde.load(run.folder).evaluate("digits") == scores
    file.unlink()
    capsys.readouterr()
    assert answers(sonde.load(run.folder)) == expected
    assert capsys.readouterr().err == ""


def test_comments_change_nothing(trained: tuple[Path, sonde.Run], capsys: pytest.CaptureFixture[str]) -> None:
    file, run = trained
    write(file, comment="two")
    answers(sonde.load(run.folder))
    assert capsys.readouterr().err == ""
    assert sonde.resume(run.folder, epochs=2, quiet=True).result["epochs"] == 2


def test_a_changed_file_is_not_trained_further(trained: tuple[Path, sonde.Run]) -> None:
    file, run = trained
    write(file, sign="-")
    said = rf"net\.py has changed since .*run was started; restore the copy to continue \({run.folder}/code/net\.py\), give out="
    with pytest.raises(RunFolderError, match=said):
        sonde.resume(run.folder, epochs=2, quiet=True)
    with pytest.raises(RunFolderError, match=said):
        sonde.train("digits", model=f"{file}:Net", out=str(run.folder), **QUIET)
    shutil.copyfile(run.folder / "code" / "net.py", file)
    assert sonde.resume(run.folder, epochs=2, quiet=True).result["epochs"] == 2
    write(file, sign="-")
    sonde.train("digits", model=f"{file}:Net", out=str(run.folder), fresh=True, **QUIET)
    assert "- self.layer" in (run.folder / "code" / "net.py").read_text()


def test_a_copy_finds_what_stands_beside_its_file(tmp_path: Path) -> None:
    (tmp_path / "beside_net_file.py").write_text("SIGN = 1\n")
    write(tmp_path / "net.py", imports="from beside_net_file import SIGN", sign="SIGN *")
    run = sonde.train("digits", model=f"{tmp_path / 'net.py'}:Net", out=str(tmp_path / "run"), **QUIET)
    (tmp_path / "net.py").unlink()
    assert len(answers(sonde.load(run.folder))) == 3


def test_other_files_in_the_folder_code_stay(tmp_path: Path) -> None:
    write(tmp_path / "net.py")
    train = {"model": f"{tmp_path / 'net.py'}:Net", "out": str(tmp_path / "run"), **QUIET}
    run = sonde.train("digits", **train)
    (run.folder / "code" / "mine.txt").write_text("mine")
    sonde.train("digits", **train, fresh=True)
    assert (run.folder / "code" / "mine.txt").read_text() == "mine"
