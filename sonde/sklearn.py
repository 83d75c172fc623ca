"""Tables for scikit-learn: `Classifier` and `Regressor` train as `sonde.train` does and fit into pipelines and searches.

Numbers are columns of numbers, whatever they look like; columns of a data frame that hold anything else are read as
`sonde.train` reads them (categories, dates, texts), so that no encoder is needed before. NaN is a missing cell.

>>> x = np.random.default_rng(0).normal(size=(60, 2))
>>> Classifier(epochs=5).fit(x, x[:, 0] > 0).predict(x[:3]).shape
(3,)
"""

import copy
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_array, check_is_fitted, validate_data
from torch import nn

from sonde.api import train
from sonde.core.batch import Batch
from sonde.core.config import FeedConfig
from sonde.core.config_file import SavedConfig, read_config
from sonde.core.dataset import Schema
from sonde.core.errors import SondeError
from sonde.core.run_folder import TEMPORARY, RunFolder
from sonde.core.seams import Task, extras_of
from sonde.data.feed.build import build_source
from sonde.modalities.feeding import activations_per_value
from sonde.modalities.inputs import rows_for
from sonde.modalities.table.read import frame_table
from sonde.models.build import build as build_model
from sonde.run.resolve import settled
from sonde.screen.screen import Screen
from sonde.tasks.table import build as build_task
from sonde.tasks.table import spec

TARGET = "sonde target"  # columns of targets, beside inputs of any name
PASSED = (
    "dropout",
    "epochs",
    "lr",
    "batch_size",
    "weight_decay",
    "optimizer",
    "validation",
    "patience",
    "device",
    "threads",
)
"""Parameters that are settings of a run by the same name."""
ROWS = 256  # a batch


class Classifier(ClassifierMixin, BaseEstimator):
    """Classes, or any number of labels (a y of 0 and 1 with several columns), from a table.

    model:    a name (`sonde models`), "file.py:Net" or a torch.nn.Module, which is copied; by default the recipe's for tables
    hidden:   units of each hidden layer, which makes the model an MLP where none is named
    epochs, lr, batch_size, weight_decay, dropout, optimizer: by default the recipe's, which looks at the number of rows
    validation: share of the rows that chooses the best weights and ends training with `patience`; by default all rows are
              trained on, and the last weights are kept
    random_state: an int, or a RandomState that one is drawn from; None is 0: a fit can always be repeated
    threads:  CPU threads per operation; with another number sums differ in the last digits
    out:      the run's folder, with its report; a fit replaces the run there. By default there is none afterwards
    settings: other settings of `sonde.train` by name, such as {"schedule": "cosine", "class_weights": "balanced"}

    Fitted: classes_ (n_classes,), n_features_in_, feature_names_in_, result_ (result.json), trained_
    """

    def __init__(  # noqa: PLR0913 - as scikit-learn wants them
        self,
        model: str | nn.Module | None = None,
        *,
        hidden: Any = None,
        dropout: float | None = None,
        epochs: float | None = None,
        lr: float | None = None,
        batch_size: int | None = None,
        weight_decay: float | None = None,
        optimizer: str | None = None,
        validation: float = 0.0,
        patience: int | str | None = None,
        random_state: Any = None,
        device: str = "auto",
        threads: int | None = 1,
        out: Any = None,
        verbose: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.hidden = hidden
        self.dropout = dropout
        self.epochs = epochs
        self.lr = lr
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.validation = validation
        self.patience = patience
        self.random_state = random_state
        self.device = device
        self.threads = threads
        self.out = out
        self.verbose = verbose
        self.settings = settings

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Train on (n, features) and (n,) classes or (n, labels). Raises: ValueError for what cannot be trained on"""
        columns, y = _checked(self, X, y)
        check_classification_targets(y)
        self._labels = type_of_target(y) == "multilabel-indicator"
        if self._labels:
            y = np.asarray(y)
            self.classes_ = np.arange(y.shape[1])
            targets = {f"{TARGET} {place}": column.astype(np.int64) for place, column in enumerate(y.T)}
        else:
            self.classes_, codes = np.unique(column_or_1d(y, warn=True), return_inverse=True)
            if len(self.classes_) < 2:
                raise ValueError(f"Classifier needs two classes or more; y has one class, {self.classes_[0]}")
            targets = {TARGET: codes}
            if self.verbose and any(str(name) != str(code) for code, name in enumerate(self.classes_)):
                named = ", ".join(f"{code} is {name}" for code, name in enumerate(self.classes_))
                Screen().say(f"classes   {named}")
        self.trained_ = _fitted(self, columns, targets, "classification")
        self.result_ = self.trained_.result
        return self

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """(n, classes) probabilities in the order of `classes_`; of labels (n, labels), each by itself."""
        check_is_fitted(self)
        found = self.trained_.outputs(_columns(self, X), "probs")
        if self._labels:
            return found
        where = np.argsort([int(name) for name in self.trained_.schema.target.names])
        return found[:, where]

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """(n,) classes; of labels (n, labels) of 0 and 1."""
        found = self.predict_proba(X)
        limits = np.array(self.trained_.state.get("thresholds", [0.5]))
        if self._labels:
            return (found >= limits).astype(np.int64)
        codes = (found[:, 1] >= limits[0]).astype(np.int64) if found.shape[1] == 2 else found.argmax(axis=1)
        return self.classes_[codes]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_label = True
        return tags


class Regressor(RegressorMixin, BaseEstimator):
    """One or several real numbers from a table. Its parameters are those of `Classifier`.

    Fitted: n_features_in_, feature_names_in_, result_ (result.json), trained_
    """

    def __init__(  # noqa: PLR0913 - as scikit-learn wants them
        self,
        model: str | nn.Module | None = None,
        *,
        hidden: Any = None,
        dropout: float | None = None,
        epochs: float | None = None,
        lr: float | None = None,
        batch_size: int | None = None,
        weight_decay: float | None = None,
        optimizer: str | None = None,
        validation: float = 0.0,
        patience: int | str | None = None,
        random_state: Any = None,
        device: str = "auto",
        threads: int | None = 1,
        out: Any = None,
        verbose: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.hidden = hidden
        self.dropout = dropout
        self.epochs = epochs
        self.lr = lr
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.validation = validation
        self.patience = patience
        self.random_state = random_state
        self.device = device
        self.threads = threads
        self.out = out
        self.verbose = verbose
        self.settings = settings

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Train on (n, features) and (n,) or (n, outputs) real numbers. Raises: ValueError for what cannot be trained on"""
        columns, y = _checked(self, X, y, numeric=True)
        self._outputs = y.ndim
        wide = y if y.ndim == 2 else y[:, None]
        names = [TARGET] if wide.shape[1] == 1 else [f"{TARGET} {place}" for place in range(wide.shape[1])]
        self.trained_ = _fitted(self, columns, dict(zip(names, wide.T, strict=True)), "regression")
        self.result_ = self.trained_.result
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """(n,) or (n, outputs), as y was."""
        check_is_fitted(self)
        found = self.trained_.outputs(_columns(self, X), "values")
        return found if self._outputs == 2 else found[:, 0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = True
        return tags


@dataclass
class Trained:
    """What a fit leaves: enough to build the network again in another process, without the run's folder.

    weights: of the network by name;  state: of the task (thresholds);  module: a network of the caller's own
    """

    saved: SavedConfig
    schema: Schema
    weights: Mapping[str, np.ndarray]
    state: Mapping[str, Any]
    result: Mapping[str, Any]
    module: nn.Module | None = None
    built: list[Task] = field(default_factory=list, compare=False)  # once it was needed; not part of a pickle

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "built": []}

    def outputs(self, columns: Mapping[str, Any], name: str) -> np.ndarray:
        """(n, …) of what the task predicts.

        In double precision: the answer for a row must not depend on the rows beside it, and sums of single precision do.
        """
        if not self.built:
            self.built.append(self._task())
        (task,) = self.built
        with _as_value_error():
            rows, _ = rows_for(dict(columns), self.schema)
            source = build_source(
                rows, self.schema, FeedConfig(batch_size=ROWS), training=False, seed=0, device=torch.device("cpu"),
                kind="resident", activations_per_value=activations_per_value(self.schema),
            )  # fmt: skip
            with torch.inference_mode():
                found = [(batch.index, task.predict(_doubled(batch))[name]) for batch in source]
        order = torch.argsort(torch.cat([index for index, _ in found]), stable=True)
        return torch.cat([each for _, each in found])[order].double().numpy()

    def _task(self) -> Task:
        target, name = self.schema.target, str(self.saved.settings["task"])
        if self.module is None:
            config = settled(self.saved)
            model = build_model(config.model, self.schema.input, target.out_dim, config.model_config)
            model.load_state_dict({name: torch.from_numpy(value) for name, value in self.weights.items()})
            task = build_task(name, model, target, config.task_config)
        else:
            task = build_task(name, copy.deepcopy(self.module), target, spec(name).config())
        extras_of(task).load_state_dict(self.state)
        task.modules.double().eval()
        return task


def _fitted(estimator: Any, columns: Mapping[str, Any], targets: Mapping[str, np.ndarray], task: str) -> Trained:
    """Train on columns of inputs and targets, in a folder that is gone afterwards where none is given."""
    settings = {name: getattr(estimator, name) for name in PASSED if getattr(estimator, name) is not None}
    settings |= {} if estimator.hidden is None else {"hidden": estimator.hidden}
    settings |= dict(estimator.settings or {})
    if settings.get("loss") == "perceptron":
        raise ValueError('loss="perceptron" gives scores, which are not probabilities; use sonde.train')
    model = estimator.model if isinstance(estimator.model, str | None) else copy.deepcopy(estimator.model)
    if model is None and estimator.hidden is not None:
        model = "mlp"
    with tempfile.TemporaryDirectory(prefix=TEMPORARY) as folder, _as_value_error():
        numbers = frozenset(name for name, values in columns.items() if isinstance(values, np.ndarray))
        data = replace(frame_table({**columns, **targets}, "table"), numbers=numbers)
        place = {
            "out": str(estimator.out or f"{folder}/run"),
            "fresh": True,
            "quiet": not estimator.verbose,
            "classical": False,
        }
        given: dict[str, Any] = {"test": 0.0, "seed": _seed(estimator.random_state), **place, **settings}
        run = train(data, target=list(targets), task=task, model=model, **given)
        saved = read_config(RunFolder(run.folder).config)
        result = run.result
    module = run.model.cpu()
    own = None if isinstance(model, str | None) else module
    weights = (
        {} if own is not None else {name: value.detach().numpy().copy() for name, value in module.state_dict().items()}
    )
    state = dict(extras_of(run.task).state_dict())
    return Trained(saved=saved, schema=run.schema, weights=weights, state=state, result=result, module=own)


def _checked(estimator: Any, x: Any, y: Any, *, numeric: bool = False) -> tuple[dict[str, Any], np.ndarray]:
    """Columns and targets of a fit. Raises: ValueError, TypeError in scikit-learn's words"""
    if not _is_mixed(x):
        array: Any
        array, y = validate_data(
            estimator, x, y, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2, multi_output=True,
            y_numeric=numeric,
        )  # fmt: skip
        return _named(estimator, array), y.astype(np.float64) if numeric else y
    kind: Any = np.float64 if numeric else None
    y = check_array(y, dtype=kind, ensure_2d=False, ensure_min_samples=2)
    check_consistent_length(x, y)
    return _columns(estimator, x, reset=True), y


def _columns(estimator: Any, x: Any, *, reset: bool = False) -> dict[str, Any]:
    """Name -> values of each column."""
    if not _is_mixed(x):
        array: Any = validate_data(estimator, x, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan")
        return _named(estimator, array)
    validate_data(estimator, x, reset=reset, skip_check_array=True)
    found = {str(name): x[name] for name in x.columns}
    return {name: _number(values) if _is_number(values) else values for name, values in found.items()}


def _named(estimator: Any, array: np.ndarray) -> dict[str, np.ndarray]:
    names = getattr(estimator, "feature_names_in_", None)
    names = [f"x{place}" for place in range(array.shape[1])] if names is None else names
    return dict(zip(map(str, names), array.T, strict=True))


def _is_mixed(x: Any) -> bool:
    """Whether it is a data frame with a column that holds no numbers."""
    return type(x).__name__ == "DataFrame" and not all(_is_number(x[name]) for name in x.columns)


def _is_number(values: Any) -> bool:
    return np.asarray(values[:0]).dtype.kind in "biuf"


def _number(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)


def _doubled(batch: Batch) -> Batch:
    fields = {name: value.double() if value.is_floating_point() else value for name, value in batch.fields.items()}
    return Batch(fields, batch.index)


def _seed(random_state: Any) -> int:
    if random_state is None:
        return 0
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


@contextmanager
def _as_value_error() -> Iterator[None]:
    """A mistake of the caller's as scikit-learn tells it."""
    try:
        yield
    except SondeError as error:
        raise ValueError(str(error)) from error
