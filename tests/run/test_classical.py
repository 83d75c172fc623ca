"""A classical model beside the network: its scores are those of the same rows, and the setting leaves it out."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

import sonde
from sonde.modalities.open import open_data
from sonde.modalities.settings import data_config
from sonde.modalities.table.classical import predicted
from sonde.run.classical import allowed_s

QUICK: dict[str, Any] = {"epochs": 1, "threads": 1, "quiet": True}


def table(folder: Path, target: str) -> Path:
    draw = random.Random(0)
    lines = ["a,b,kind,y"]
    for _ in range(300):
        a, b, kind = draw.random(), draw.random(), draw.choice(["x", "z"])
        value = 100 * a + (50 if kind == "x" else 0)
        told = f"{value:.3f}" if target == "value" else "yes" if value > 75 else "no"
        lines.append(f"{a:.4f},{b:.4f},{kind},{told}")
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    return folder / "t.csv"


def result(run: sonde.Run) -> dict[str, Any]:
    return json.loads((run.folder / "result.json").read_text())


def test_trees_on_a_table(tmp_path: Path) -> None:
    run = sonde.train(table(tmp_path, "class"), target="y", model="mlp", hidden=(4,), out=tmp_path / "run", **QUICK)
    found = result(run)["classical"]
    assert found["what"] == "gradient-boosted trees (scikit-learn)"
    assert 0.9 < found["accuracy"] <= 1.0
    low, high = found["difference"]  # of a network after one epoch, which is worse
    assert low <= run.metrics["accuracy"] - found["accuracy"] <= high < 0
    page = (run.folder / "report.html").read_text()
    assert "gradient-boosted trees (scikit-learn): " in page
    assert "better than the network by more than chance" in page


def test_values_are_scored_in_their_own_units(tmp_path: Path) -> None:
    run = sonde.train(table(tmp_path, "value"), target="y", model="mlp", hidden=(4,), out=tmp_path / "run", **QUICK)
    found = result(run)["classical"]
    assert 1 < found["rmse"] < 15  # the targets lie between 0 and 150
    assert found["mae"] < found["rmse"]
    assert 0.9 < found["r2"] < 1
    assert result(run)["baseline"]["rmse"] > 30


def test_texts(tmp_path: Path) -> None:
    draw = random.Random(0)
    words = {"good": ["fine", "great", "lovely"], "bad": ["poor", "dull", "awful"]}
    lines = [
        f"{' '.join(draw.choice([*words[label], 'the', 'film', 'was']) for _ in range(6))}\t{label}"
        for label in draw.choices(["good", "bad"], k=300)
    ]
    (tmp_path / "t.tsv").write_text("text\tlabel\n" + "\n".join(lines) + "\n")
    run = sonde.train(tmp_path / "t.tsv", target="label", out=tmp_path / "run", **QUICK)
    found = result(run)["classical"]
    assert found["what"] == "logistic regression on TF-IDF (scikit-learn)"
    assert found["accuracy"] > 0.9


@pytest.mark.parametrize("given", [{"classical": False}, {"overfit_batches": 1}])
def test_it_is_left_out(given: dict[str, Any], tmp_path: Path) -> None:
    run = sonde.train(
        table(tmp_path, "class"), target="y", model="mlp", hidden=(4,), out=tmp_path / "run", **QUICK, **given
    )
    assert "classical" not in result(run)


def test_a_time_limit_leaves_it_a_twentieth() -> None:
    assert (allowed_s(None), allowed_s(600.0), allowed_s(10.0)) == (3.0, 3.0, 0.5)


def test_what_would_take_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rounds: list[int] = []
    fit = HistGradientBoostingClassifier.fit

    def counted(self: Any, *given: Any) -> Any:
        rounds.append(self.max_iter)
        return fit(self, *given)

    monkeypatch.setattr(HistGradientBoostingClassifier, "fit", counted)
    data = open_data(str(table(tmp_path, "class")), data_config({"target": ("y",)}))
    train = data.splits["train"]
    assert predicted(data.schema, train, train, 0.0) is None
    assert rounds == [20]
    assert predicted(data.schema, train, train, 60.0) is not None
    assert rounds[1:] == [20, 40, 60, 80, 100]
