"""A dict of splits is the same call with its parts, and Hugging Face sets are trained on as tensors are."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import sonde
from sonde.core.errors import ConfigError
from sonde.core.files import read_json
from sonde.run.given_splits import given_splits

QUIET: dict[str, Any] = {
    "epochs": 2,
    "threads": 1,
    "quiet": True,
    "batch_size": 16,
    "loss": nn.functional.cross_entropy,
}
X = torch.randn(120, 3, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()
PARTS = {"train": slice(0, 80), "validation": slice(80, 100), "test": slice(100, 120)}
SETS = {name: TensorDataset(X[part], Y[part]) for name, part in PARTS.items()}


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(3, 2)


def test_its_parts_are_trained_on_and_evaluated(tmp_path: Path) -> None:
    run = sonde.fit(net(), SETS, out=tmp_path / "a", **QUIET)
    plain = sonde.fit(
        net(), SETS["train"], validation=SETS["validation"], test=SETS["test"], out=tmp_path / "b", **QUIET
    )
    assert run.metrics == plain.metrics
    assert run.evaluated_on == "test"
    lines = read_json(run.folder / "plan.json")["lines"]
    assert "train is trained on, validation chooses the weights, test is evaluated once, at the end" in lines


def test_a_dict_of_fields_is_no_dict_of_splits() -> None:
    fields = {"train": X, "test": Y}
    assert given_splits(fields, None, None).train is fields
    with pytest.raises(ConfigError, match="test is given twice, in the dict and as test="):
        given_splits(SETS, None, SETS["test"])
    named = given_splits({"training": SETS["train"], "dev": SETS["test"], "extra": SETS["test"]}, None, None)
    assert (named.train, named.validation, named.test) == (SETS["train"], SETS["test"], None)
    assert named.left_out == ("extra",)


@pytest.mark.filterwarnings("ignore")
def test_hugging_face_sets(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="Hugging Face's datasets is not installed")
    whole = datasets.DatasetDict(
        {
            name: datasets.Dataset.from_dict({"x": X[part].tolist(), "y": Y[part].tolist()})
            for name, part in PARTS.items()
        }
    )
    plain = sonde.fit(
        net(), SETS["train"], validation=SETS["validation"], test=SETS["test"], out=tmp_path / "b", **QUIET
    )
    for name, data in (("plain", whole), ("torch", whole.with_format("torch"))):
        run = sonde.fit(net(), data, out=tmp_path / name, **QUIET)
        assert run.metrics == plain.metrics
        assert all(torch.equal(a, b) for a, b in zip(run.model.parameters(), plain.model.parameters(), strict=True))
    left = sonde.fit(
        net(), datasets.DatasetDict({**whole, "unsupervised": whole["test"]}), out=tmp_path / "more", **QUIET
    )
    assert "left out the split unsupervised" in (left.folder / "findings.jsonl").read_text()
    with pytest.raises(ConfigError, match="there is no split called train, only a"):
        sonde.fit(net(), datasets.DatasetDict({"a": whole["test"]}), out=tmp_path / "no", **QUIET)
