"""What `sonde.load` takes as the network of a run that only its program can build."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

import sonde
from sonde.core.errors import ConfigError


class Line(nn.Linear):
    def __init__(self, width: int) -> None:
        super().__init__(1, width)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (Line, r"model=Line is a class; give an instance: model=Line\(width=\.\.\.\)"),
        (len, "model= takes the network or task as it was given to the run, not a builtin_function_or_method"),
    ],
)
def test_what_is_no_network_is_one_line(given: Any, told: str, tmp_path: Path) -> None:
    x = torch.linspace(-1, 1, 8).unsqueeze(1)
    sonde.fit(Line(1), (x, x), loss=mse_loss, out=tmp_path / "run", steps=1, threads=1, quiet=True)
    with pytest.raises(ConfigError, match=told):
        sonde.load(tmp_path / "run", model=given)
    assert torch.equal(sonde.load(tmp_path / "run", model=(net := Line(1))).model.get_parameter("weight"), net.weight)


def test_the_doctor_says_the_same(tmp_path: Path) -> None:
    x = torch.linspace(-1, 1, 8).unsqueeze(1)
    sonde.fit(Line(1), (x, x), loss=mse_loss, out=tmp_path / "run", steps=1, threads=1, quiet=True)
    with pytest.raises(ConfigError, match="model=Line is a class; give an instance"):
        sonde.doctor(tmp_path / "run", model=Line, data=(x, x), loss=mse_loss)  # type: ignore[arg-type]
