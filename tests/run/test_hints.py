"""Habits of Keras, Lightning, the Trainer and scikit-learn get a line that says what to do here."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import sonde
from sonde.core.errors import ConfigError, DataError, SondeError

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(200, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)
FRAME = pd.DataFrame(X, columns=["a", "b", "d"]).assign(c=np.where(Y, "yes", "no"))
QUIET: dict[str, Any] = {"epochs": 1, "quiet": True, "threads": 1}


def fit(out: Path, **how: Any) -> sonde.Run:
    given: dict[str, Any] = {"loss": cross_entropy, **QUIET, **how}
    return sonde.fit(nn.Linear(3, 2), (torch.tensor(X), torch.tensor(Y)), out=out, **given)


def refused(trouble: type[SondeError], says: str, call: Any, *data: Any, **how: Any) -> None:
    with pytest.raises(trouble, match=says) as caught:
        call(*data, **how)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("given", [FRAME, (X, Y), X], ids=["frame", "pair", "array"])
@pytest.mark.parametrize("split", ["validation", "test"])
def test_data_in_place_of_a_share_are_refused_and_the_remedy_works(given: Any, split: str, tmp_path: Path) -> None:
    says = re.escape(
        f'{split}= is the share of the rows to keep; give data of their own in a dict: sonde.train({{"train"'
    )
    refused(ConfigError, says, sonde.train, FRAME, target="c", out=tmp_path / "run", **{split: given}, **QUIET)
    run = sonde.train(
        {"train": FRAME[:150], split: FRAME[150:]}, target="c", model="mlp", out=tmp_path / "run", **QUIET
    )
    held_out = run.result["metrics"][split]
    assert held_out["accuracy"] == pytest.approx(run.evaluate(FRAME[150:], target=("c",))["accuracy"])


def test_targets_in_place_of_names_are_refused_without_being_printed(tmp_path: Path) -> None:
    says = r"target= takes names of columns; give targets beside the inputs, \(x, y\)"
    refused(ConfigError, says, sonde.fit, nn.Linear(3, 2), X, target=Y, loss=cross_entropy, out=tmp_path / "run")


@pytest.mark.parametrize(
    ("habit", "says"),
    [
        ("eval_steps", "'evaluate_every'"),
        ("logging_steps", "'log_every'"),
        ("shuffle", "are shuffled; for another order give a DataLoader"),
        ("class_weight", "sonde.train it is class_weights=; in sonde.fit give them to the loss"),
        ("verbose", "quiet=True"),
        ("compute_metrics", "give metrics="),
        ("per_device_train_batch_size", "'batch_size'"),
        ("validation_split", "'validation'"),
        ("accelerator", "'device'"),
        ("devices", "device='cuda:0'"),
        ("collate_fn", "give a DataLoader with it"),
    ],
)
def test_settings_of_other_libraries(habit: str, says: str, tmp_path: Path) -> None:
    refused(ConfigError, says, fit, tmp_path / "run", **{habit: 1})
    refused(ConfigError, says, sonde.train, FRAME, target="c", out=tmp_path / "run", **{habit: 1})


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"monitor": "val_loss"}, "monitor='val_loss': it is called 'loss' here"),
        ({"monitor": "val_accuracy"}, "it is called 'accuracy' here; those of the validation rows are monitored"),
        ({"metrics": ["acc"]}, "metric 'acc' is called 'accuracy' here"),
        ({"metrics": ["AUC"]}, "metric 'AUC' is called 'auroc' here"),
        ({"loss": "cross_entropy"}, "give the function torch.nn.functional.cross_entropy"),
        ({"loss": "mse"}, "give the function torch.nn.functional.mse_loss"),
        ({"loss": "binary_crossentropy"}, "torch.nn.functional.binary_cross_entropy_with_logits"),
        ({"precision": "bf16-mixed"}, "did you mean bf16"),
        ({"precision": "16-mixed"}, "did you mean bf16 or fp16"),
        ({"precision": 32}, "did you mean fp32"),
    ],
)
def test_names_of_other_libraries(how: dict[str, Any], says: str, tmp_path: Path) -> None:
    refused(ConfigError, says, fit, tmp_path / "run", **{"validation": 0.2, "metrics": ["accuracy"], **how})


def test_a_metric_that_the_task_reports_anyway_may_be_named(tmp_path: Path) -> None:
    plain = sonde.train(FRAME, target="c", model="mlp", out=tmp_path / "a", **QUIET)
    named = sonde.train(
        FRAME, target="c", model="mlp", metrics=["auroc", "accuracy"], monitor="auroc", out=tmp_path / "b", **QUIET
    )
    assert named.metrics == plain.metrics
    assert named.result["objective"] == {"metric": "auroc", "mode": "max"}


def test_class_weights_by_name_are_told_how_they_go(tmp_path: Path) -> None:
    says = r"class_weights= takes 'balanced', or a number for each class in the order of run.classes.* such as \[1.0, 5.0\]"
    weights: Any = {"no": 1.0, "yes": 5.0}
    refused(ConfigError, says, sonde.train, FRAME, target="c", class_weights=weights, out=tmp_path / "run", **QUIET)
    run = sonde.train(FRAME, target="c", model="mlp", class_weights=[1.0, 5.0], out=tmp_path / "run", **QUIET)
    assert run.classes == ["no", "yes"]


def test_probabilities_of_a_network_of_ones_own(tmp_path: Path) -> None:
    run = fit(tmp_path / "run")
    refused(ConfigError, r"of a network of your own: run.model\(x\).softmax\(1\)", run.predict_proba, torch.tensor(X))


@pytest.mark.parametrize("split", ["test", "validation"])
def test_a_frame_without_the_target_is_refused_and_not_replaced(split: str, tmp_path: Path) -> None:
    frames = {"train": FRAME[:150], split: FRAME[150:].drop(columns="c")}
    says = f"the {split} table has no column 'c', so that nothing can be evaluated on it; leave it out of the dict"
    refused(DataError, says, sonde.train, frames, target="c", out=tmp_path / "run", **QUIET)


def test_a_split_called_eval_is_validation_data(tmp_path: Path) -> None:
    run = sonde.train(
        {"train": FRAME[:150], "eval": FRAME[150:]}, target="c", model="mlp", test=0, out=tmp_path / "a", **QUIET
    )
    expected = run.evaluate(FRAME[150:], target=("c",))
    assert run.result["metrics"]["validation"] == pytest.approx(expected)
    sets = {name: torch.utils.data.TensorDataset(torch.tensor(X[part]), torch.tensor(Y[part]))
            for name, part in (("train", slice(150)), ("eval", slice(150, 200)))}  # fmt: skip
    own = sonde.fit(nn.Linear(3, 2), sets, loss=cross_entropy, out=tmp_path / "b", **QUIET)
    assert own.evaluated_on == "validation"
    both = {"train": FRAME[:150], "eval": FRAME[150:], "validation": FRAME[150:]}
    refused(DataError, "'eval' and 'validation' are both validation data; leave one", sonde.train, both, target="c")
