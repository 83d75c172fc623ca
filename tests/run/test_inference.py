"""What a network is fed, the probabilities it gives, and predictions as a table."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import sonde
from sonde.core.errors import ConfigError

QUIET: dict[str, Any] = {"threads": 1, "quiet": True, "epochs": 1}
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(300, 4)).astype(np.float32)
THREE = np.array(["a", "b", "c"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 1)]
FRAME = pd.DataFrame(X, columns=pd.Index(["p", "q", "r", "s"]), index=pd.Index([f"id{i}" for i in range(300)]))


def train(out: Path, data: Any, **settings: Any) -> sonde.Run:
    return sonde.train(data, out=out, **dict(QUIET, **{"model": "mlp", "hidden": 8, **settings}))


def test_logits_of_what_is_preprocessed_are_the_probabilities(tmp_path: Path) -> None:
    run = train(tmp_path / "run", FRAME.assign(kind=THREE), target="kind")
    inputs = run.preprocess(FRAME)
    assert isinstance(inputs, torch.Tensor)
    train_rows = run.schema.input.columns[0]
    assert inputs[:, 0].numpy() == pytest.approx((X[:, 0] - train_rows.mean) / train_rows.std, abs=1e-5)
    given = run.predict_proba(FRAME)
    assert (given.shape, given.dtype, run.classes) == ((300, 3), np.float64, ["a", "b", "c"])
    assert run.model(inputs).softmax(1).detach().numpy() == pytest.approx(given, abs=1e-6)
    assert given.sum(1) == pytest.approx(1)
    rows = run.predict(FRAME)
    assert [[row["probabilities"][name] for name in run.classes] for row in rows] == given.tolist()
    assert [row["prediction"] for row in rows] == [run.classes[place] for place in given.argmax(1)]
    assert sonde.load(run.folder).predict_proba(FRAME) == pytest.approx(given, abs=1e-7)


def test_gradients_flow_through_what_is_preprocessed(tmp_path: Path) -> None:
    run = train(tmp_path / "run", (X, THREE))
    inputs = run.preprocess(X)
    assert isinstance(inputs, torch.Tensor)
    run.model(inputs.requires_grad_()).sum().backward()
    assert inputs.grad is not None


def test_two_classes_and_labels(tmp_path: Path) -> None:
    run = train(tmp_path / "two", (X, X[:, 0] > 0))
    chance = run.model(run.preprocess(X)).sigmoid().detach().numpy()
    assert run.predict_proba(X) == pytest.approx(np.hstack([1 - chance, chance]), abs=1e-6)
    assert run.classes == ["false", "true"]
    labels = train(tmp_path / "labels", (X, (X[:, :2] > 0).astype(int)))
    inputs = labels.preprocess(X)
    assert labels.predict_proba(X) == pytest.approx(labels.model(inputs).sigmoid().detach().numpy(), abs=1e-6)


def test_sequences_are_padded_alike_whatever_batch_they_came_in(tmp_path: Path) -> None:
    texts = [" ".join(DRAW.choice(["good", "bad", "film", "plot"], int(DRAW.integers(1, 40)))) for _ in range(400)]
    data = {"text": texts, "label": [text.split()[0] for text in texts]}
    run = sonde.train(data, target="label", model="text-cnn", out=tmp_path / "run", **QUIET)
    inputs = run.preprocess(texts)
    assert isinstance(inputs, torch.Tensor)
    assert inputs.shape == (400, max(len(text.split()) for text in texts))
    assert run.model(inputs).softmax(1).detach().numpy() == pytest.approx(run.predict_proba(texts), abs=1e-6)


def test_a_frame_of_predictions(tmp_path: Path) -> None:
    run = train(tmp_path / "run", FRAME.assign(kind=THREE), target="kind")
    found = run.predict(FRAME, frame=True)
    assert list(found.columns) == ["prediction", "probability", "probability_a", "probability_b", "probability_c"]
    assert list(found.index) == list(FRAME.index)
    assert (
        found[["probability_a", "probability_b", "probability_c"]].to_numpy().tolist()
        == run.predict_proba(FRAME).tolist()
    )
    assert list(found["prediction"]) == [row["prediction"] for row in run.predict(FRAME)]
    arrays = train(tmp_path / "arrays", (X, X[:, 0] * 2))
    values = arrays.predict(X[:3], frame=True)
    assert list(values.index) == ["row 0", "row 1", "row 2"]
    assert list(values["value"]) == [row["value"] for row in arrays.predict(X[:3])]


def test_without_probabilities_it_is_one_line(tmp_path: Path) -> None:
    values = train(tmp_path / "values", (X, X[:, 0] * 2))
    with pytest.raises(ConfigError, match="values has no classes: it was trained on task regression"):
        values.predict_proba(X)
    scores = train(tmp_path / "scores", (X, THREE), loss="perceptron")
    with pytest.raises(ConfigError, match="scores gives no probability of each class for a whole input; use predict"):
        scores.predict_proba(X)
    x, y = torch.tensor(X), torch.tensor(X[:, :1])
    custom = sonde.fit(nn.Linear(4, 1), (x, y), loss=nn.functional.mse_loss, out=tmp_path / "custom", **QUIET)
    assert torch.equal(custom.preprocess(X), x)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigError, match=r"of a network of your own: run\.model\(x\)\.softmax\(1\)"):
        custom.predict_proba(X)


class Two(sonde.Task):
    """Two networks, of which none is the model."""

    def __init__(self) -> None:
        self.modules = nn.ModuleDict({"first": nn.Linear(4, 1), "second": nn.Linear(1, 1)})

    def loss(self, batch: sonde.Batch) -> torch.Tensor:
        return self.modules["second"](self.modules["first"](batch["input"])).square().mean()


def test_several_networks_are_named(tmp_path: Path) -> None:
    run = sonde.fit(Two(), {"input": torch.tensor(X)}, out=tmp_path / "run", **QUIET)
    with pytest.raises(
        ConfigError, match=r"run has several networks, first, second; take one: run.task.modules\['first'\]"
    ):
        _ = run.model
