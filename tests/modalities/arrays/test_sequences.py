from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sonde
from sonde.core.errors import ConfigError


def bumps(rows: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Sequences (rows, 20, 2) in which either the first value has its bump before the second, or the other way round."""
    draw = np.random.default_rng(0)
    x, y = 5 + 0.1 * draw.normal(size=(rows, 20, 2)), draw.integers(0, 2, rows)
    for row in range(rows):
        first, second = sorted(draw.choice(18, 2, replace=False))
        x[row, first, y[row]] += 3
        x[row, second, 1 - y[row]] += 3
    return x, y


@pytest.fixture
def file(tmp_path: Path) -> Path:
    x, y = bumps()
    np.savez(tmp_path / "bumps.npz", x=x, y=y)
    return tmp_path / "bumps.npz"


def trained(data: Any, tmp_path: Path, **settings: Any) -> sonde.Run:
    return sonde.train(data, out=tmp_path / "run", threads=1, quiet=True, **settings)


def test_arrays_with_time_are_sequences_scaled_by_value_and_say_so(file: Path, tmp_path: Path) -> None:
    run = trained(file, tmp_path, epochs=1, layers=1, width=8, embedding=8)
    assert run.result["model"] == "tcn"
    spec = run.schema.input
    assert spec.shape == (20, 2)
    x, _ = bumps()
    fed = run.preprocess(x)
    assert isinstance(fed, torch.Tensor)
    held = fed.numpy() * [c.std for c in spec.columns] + [c.mean for c in spec.columns]
    np.testing.assert_allclose(held, x, atol=1e-4)
    assert all(5 < column.mean < 5.4 for column in spec.columns)
    said = (tmp_path / "run" / "findings.jsonl").read_text()
    assert "axis 1 is read as time, 20 steps of 2 values" in said
    assert [row["prediction"] for row in run.predict(x.transpose(0, 2, 1)[:5])] == [
        row["prediction"] for row in run.predict(x[:5])
    ]
    assert len(run.predict(x[0])) == 1


@pytest.mark.parametrize("model", ["lstm", "gru", "text-transformer", "mlp"])
def test_networks_for_sequences_and_flat_ones_read_them(file: Path, tmp_path: Path, model: str) -> None:
    small = {"mlp": {"hidden": (8,)}, "text-transformer": {"width": 8, "heads": 2, "layers": 1}}
    run = trained(file, tmp_path, model=model, epochs=1, **small.get(model, {"width": 8, "embedding": 8}))
    assert len(run.predict(file)) == 120


def test_which_bump_comes_first_is_learned_from_their_order(tmp_path: Path) -> None:
    run = trained(bumps(300), tmp_path, model="gru", embedding=16, width=16, epochs=25, lr=1e-2)
    assert run.result["metrics"]["test"]["accuracy"] > 0.9


def test_values_are_predicted_and_flat_rows_are_read_step_by_step(tmp_path: Path) -> None:
    x, _ = bumps()
    run = trained((x, x[..., 0].sum(1)), tmp_path, model="gru", width=8, embedding=8, epochs=1)
    assert run.result["task"] == "regression"
    flat = sonde.train(
        (x[..., 0], bumps()[1]), out=tmp_path / "flat", model="lstm", width=8, embedding=8, epochs=1, quiet=True
    )
    assert flat.schema.input.shape == (20,)
    assert len(flat.predict(x[:3, :, 0])) == 3


def test_a_model_of_columns_refuses_them(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="reads rows of columns, and these data are sequences; use tcn, lstm"):
        trained(file, tmp_path, model="tabular")
