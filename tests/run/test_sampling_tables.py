"""Tables from a run: the shares of classes, the columns, one stream a sample, and the same again from the loaded run."""

from pathlib import Path

import numpy as np
import pytest
import torch

import sonde
from sonde.core.errors import ConfigError
from sonde.run.sampling import shares_of


def table(rows: int = 90) -> dict:
    generator = np.random.default_rng(0)
    kind = np.where(np.arange(rows) % 3 == 0, "left", "right")
    x = np.where(kind == "left", -2.0, 2.0) + 0.1 * generator.standard_normal(rows)
    return {
        "x": x.round(2).tolist(),
        "colour": np.where(x > 0, "red", "blue").tolist(),
        "count": generator.integers(0, 4, rows).tolist(),
        "kind": kind.tolist(),
    }


@pytest.mark.parametrize("task", ["diffusion", "flow-matching"])
def test_samples_have_the_columns_and_classes_of_the_table(task: str, tmp_path: Path) -> None:
    run = sonde.train(
        table(), task=task, target="kind", out=tmp_path / "run", steps=60, width=32, layers=1, threads=1, quiet=True
    )
    assert shares_of(run) == pytest.approx((1 / 3, 2 / 3), abs=0.05)
    found = run.sample(40, seed=1)
    assert found.column_names == ["x", "colour", "count", "kind"]
    assert set(found["colour"].to_pylist()) <= {"red", "blue", None}
    assert set(found["count"].to_pylist()) <= {0, 1, 2, 3}
    assert 3 < found["kind"].to_pylist().count("left") < 25
    assert sonde.load(run.folder).sample(40, seed=1).equals(found)
    assert set(run.sample(5, classes=["left"])["kind"].to_pylist()) == {"left"}
    before = torch.get_rng_state()
    run.sample(2)
    assert torch.equal(before, torch.get_rng_state())
    with pytest.raises(ConfigError, match="did you mean 'left'"):
        run.sample(2, classes=["lift"])


def test_a_table_without_a_target_is_learned_whole(tmp_path: Path) -> None:
    run = sonde.train(
        table(), task="diffusion", out=tmp_path / "run", steps=3, width=8, layers=1, threads=1, quiet=True
    )
    assert shares_of(run) == ()
    assert run.sample(3).column_names == ["x", "colour", "count", "kind"]
