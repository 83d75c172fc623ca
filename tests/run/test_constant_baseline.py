"""The trivial baseline of `sonde.fit`, against scikit-learn's dummies."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, mean_squared_error
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import sonde
from sonde.core.files import read_json
from sonde.data.feed.loader import LoaderSource
from sonde.report.folder import read_folder
from sonde.report.verdict import verdict
from sonde.run.some_rows import some_rows

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(260, 4)).astype(np.float32)
VALUES = np.exp(X[:, 0] + 0.2 * DRAW.normal(size=260)).astype(np.float32)
CLASSES = (X[:, 0] > -0.5).astype(np.int64) + (X[:, 1] > 1.2)


def fitted(folder: Path, loss: Any, target: np.ndarray, *, outputs: int = 1, **how: Any) -> dict[str, Any]:
    """baseline of a run on 200 rows that is judged on 60 others."""
    module = nn.Linear(4, outputs) if outputs > 1 else nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))
    data = {"data": (X[:200], target[:200]), "validation": (X[200:], target[200:])} | how.pop("sets", {})
    sonde.fit(module, data.pop("data"), loss=loss, out=folder, epochs=2, threads=1, quiet=True, **data, **how)
    return read_json(folder / "result.json")["baseline"]


@pytest.mark.parametrize(("loss", "strategy"), [(nn.MSELoss(), "mean"), (nn.L1Loss(), "median")])
def test_numbers_have_the_mean_or_the_median_of_the_training_rows(
    tmp_path: Path, loss: nn.Module, strategy: str
) -> None:
    found = fitted(tmp_path / "run", loss, VALUES)
    known = DummyRegressor(strategy=strategy).fit(X[:200], VALUES[:200]).predict(X[200:])
    score = mean_squared_error if strategy == "mean" else mean_absolute_error
    assert found["loss"] == pytest.approx(score(VALUES[200:], known), rel=1e-5)
    assert found["what"] == f"always predicting the {strategy}, {known[0]:.4g}"


def test_the_first_metric_chooses_what_is_hardest_to_beat_and_the_verdict_says_it(tmp_path: Path) -> None:
    found = fitted(tmp_path / "run", nn.MSELoss(), VALUES, metrics=["mae"])
    known = DummyRegressor(strategy="median").fit(X[:200], VALUES[:200]).predict(X[200:])
    assert found["mae"] == pytest.approx(mean_absolute_error(VALUES[200:], known), rel=1e-5)
    (how_well, text), *_ = verdict(read_folder(tmp_path / "run")).lines
    assert how_well == "How well"
    assert f"baseline (always predicting the median, {known[0]:.4g})" in text


def test_classes_have_the_commonest_one_by_the_callers_metrics(tmp_path: Path) -> None:
    def share_right(output: Tensor, target: Tensor) -> Tensor:
        return (output.argmax(1) == target).float().mean()

    found = fitted(tmp_path / "run", nn.CrossEntropyLoss(), CLASSES, outputs=3, metrics={"right": share_right})
    known = DummyClassifier(strategy="prior").fit(X[:200], CLASSES[:200])
    assert found["right"] == pytest.approx(accuracy_score(CLASSES[200:], known.predict(X[200:])))
    assert found["loss"] == pytest.approx(log_loss(CLASSES[200:], known.predict_proba(X[200:])), rel=1e-4)
    assert found["what"] == f"guessing by the class frequencies, most often class {known.predict(X[:1])[0]}"


def test_a_share_that_is_held_out_is_no_training_row(tmp_path: Path) -> None:
    target = np.arange(260, dtype=np.float32)
    found = fitted(tmp_path / "run", nn.MSELoss(), target, sets={"data": (X, target), "validation": 0.25})
    trained = read_json(tmp_path / "run" / "data.json")["splits"]["train"]
    assert trained == 195
    mean = float(found["what"].removeprefix("always predicting the mean, ").replace(",", ""))
    assert mean != pytest.approx(129.5, rel=1e-3)  # of all rows


class Changed(Dataset[tuple[Tensor, Tensor]]):
    """Rows that may be anything each time they are read."""

    def __len__(self) -> int:
        return 200

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(X[place]), torch.tensor(VALUES[place]) + torch.rand(())


def of_loader(*, changes: bool) -> DataLoader[Any]:
    rows = TensorDataset(torch.from_numpy(X[:200]), torch.from_numpy(VALUES[:200]))
    return DataLoader(Changed() if changes else rows, batch_size=32, shuffle=True)


def test_a_loader_of_tensors_has_one_and_rows_that_may_change_have_none(tmp_path: Path) -> None:
    plain = fitted(tmp_path / "a", nn.MSELoss(), VALUES, sets={"data": of_loader(changes=False)})
    assert plain["loss"] == pytest.approx(np.square(VALUES[200:] - VALUES[:200].mean()).mean(), rel=1e-5)
    assert fitted(tmp_path / "b", nn.MSELoss(), VALUES, sets={"data": of_loader(changes=True)}) == {}


class Numbered(Dataset[tuple[Tensor, int]]):
    """Rows read by their number, with inputs that are changed at random."""

    classes = ("near", "far", "high")

    def __init__(self) -> None:
        self.draw = torch.Generator().manual_seed(0)

    def __len__(self) -> int:
        return 200

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        return torch.from_numpy(X[place]) + torch.rand((), generator=self.draw), int(CLASSES[place])


@pytest.mark.parametrize("share", [None, 0.3])
def test_a_set_that_is_read_row_by_row_has_one(tmp_path: Path, share: float | None) -> None:
    sets = {"data": Numbered()} | ({} if share is None else {"validation": share})
    found = fitted(tmp_path / "run", nn.CrossEntropyLoss(), CLASSES, outputs=3, sets=sets, metrics=["accuracy"])
    usual = np.bincount(CLASSES[:200]).argmax()
    assert found["what"].endswith(f" class {usual}")
    split = tmp_path / "run" / "evaluation" / "validation"
    assert read_json(split / "per_class.json")["names"] == list(Numbered.classes)
    if share is None:
        assert found["accuracy"] == pytest.approx((CLASSES[200:] == usual).mean())


def test_reading_them_leaves_random_streams_as_they_were() -> None:
    rows = Numbered()
    source = LoaderSource(DataLoader(rows, batch_size=8), device=torch.device("cpu"), seed=0)
    before, ours = rows.draw.get_state(), torch.get_rng_state()
    found = some_rows(source)
    assert list(found) == ["target"]  # the inputs differ
    assert found["target"].tolist() == CLASSES[:200].tolist()
    assert torch.equal(rows.draw.get_state(), before)
    assert torch.equal(torch.get_rng_state(), ours)
    joined = DataLoader(rows, batch_size=8, collate_fn=lambda several: several)
    assert some_rows(LoaderSource(joined, device=torch.device("cpu"), seed=0)) == {}


def test_where_outputs_are_not_known_to_be_targets_there_is_none(tmp_path: Path) -> None:
    assert fitted(tmp_path / "run", nn.PoissonNLLLoss(), VALUES) == {}


def test_a_metric_that_fails_on_one_answer_to_all_leaves_it_out(tmp_path: Path) -> None:
    def spread(output: Tensor, target: Tensor) -> Tensor:
        if bool((output == output[0]).all()):
            raise ValueError("all outputs are equal")
        return output.std() / target.std()

    assert fitted(tmp_path / "run", nn.MSELoss(), VALUES, metrics=[spread]) == {}
