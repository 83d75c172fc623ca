"""The estimators as scikit-learn uses them: its own checks, pipelines, searches, pickles, and scores beside its own."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

import sonde
from sonde.sklearn import Classifier, Regressor

QUICK = {
    "check_classifier_data_not_an_array",
    "check_classifiers_classes",
    "check_classifiers_one_label",
    "check_dataframe_column_names_consistency",
    "check_dict_unchanged",
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_dont_overwrite_attributes",
    "check_estimator_cloneable",
    "check_estimator_get_tags_default_keys",
    "check_estimator_repr",
    "check_estimator_sparse_tag",
    "check_estimator_tags_renamed",
    "check_estimators_fit_returns_self",
    "check_estimators_pickle",
    "check_estimators_unfitted",
    "check_fit2d_1sample",
    "check_fit_idempotent",
    "check_get_params_invariance",
    "check_methods_subset_invariance",
    "check_n_features_in_after_fitting",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_regressors_int",
    "check_set_params",
    "check_supervised_y_2d",
    "check_valid_tag_types",
}
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(120, 3))
Y = np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", [Classifier(epochs=2), Regressor(epochs=2)])
def test_the_quick_ones_of_scikit_learns_checks(estimator: Any) -> None:
    done = set()
    check: Any
    for each, check in estimator_checks_generator(estimator):  # pyright: ignore[reportAssignmentType]
        name = check.func.__name__ if hasattr(check, "func") else check.__name__
        if name in QUICK:
            check(each)
            done.add(name)
    assert len(done) > 15


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", [Classifier(), Regressor()])
def test_all_of_scikit_learns_checks(estimator: Any) -> None:
    """None is expected to fail. About 30 s each: a few hundred fits."""
    found = check_estimator(estimator, on_fail=None, on_skip=None)
    assert [(each["check_name"], each["exception"]) for each in found if each["status"] == "failed"] == []
    assert sum(each["status"] == "passed" for each in found) > 45


def test_scores_are_those_of_its_own_models() -> None:
    """Within two points of a linear model on data that a linear model suits, by five-fold cross-validation."""
    cancer: Any = load_breast_cancer()
    linear = make_pipeline(StandardScaler(), LogisticRegression())
    ours, theirs = (cross_val_score(each, cancer.data, cancer.target, cv=3).mean() for each in (Classifier(), linear))
    assert ours > theirs - 0.02
    assert ours > 0.95
    sugar: Any = load_diabetes()
    ours, theirs = (cross_val_score(each, sugar.data, sugar.target, cv=3).mean() for each in (Regressor(), Ridge(0.1)))
    assert ours > theirs - 0.1


def test_probabilities_classes_and_predictions_agree() -> None:
    iris: Any = load_iris()
    names = np.array(["z", "a", "m"])[iris.target]
    model = Classifier(epochs=10).fit(iris.data, names)
    chance = model.predict_proba(iris.data)
    assert list(model.classes_) == ["a", "m", "z"]
    assert chance.sum(1) == pytest.approx(1)
    assert (model.classes_[chance.argmax(1)] == model.predict(iris.data)).all()
    assert model.score(iris.data, names) == (model.predict(iris.data) == names).mean() > 0.9
    assert model.result_["steps"] > 0
    many = Classifier(epochs=2).fit(np.repeat(X, 2, 0), np.arange(240) % 12 * 10)  # "10" stands before "2" as text
    assert list(many.classes_) == list(range(0, 120, 10))
    assert (many.classes_[many.predict_proba(X).argmax(1)] == many.predict(X)).all()


def test_it_is_the_run_that_train_makes(tmp_path: Path) -> None:
    model = Regressor(epochs=3, random_state=4, out=tmp_path / "run").fit(X, X[:, 0] * 5 + 2)
    table = {**{f"x{place}": X[:, place] for place in range(3)}, "sonde target": X[:, 0] * 5 + 2}
    run = sonde.train(
        table, target="sonde target", task="regression", epochs=3, seed=4, threads=1, validation=0, test=0, quiet=True,
        out=tmp_path / "again",
    )  # fmt: skip
    wanted = [row["sonde target"] for row in run.predict(table)]
    assert model.predict(X) == pytest.approx(wanted, abs=1e-5)
    assert (tmp_path / "run" / "report.html").exists()
    assert sonde.load(tmp_path / "run").metrics == run.metrics


def test_a_fit_can_be_repeated_and_a_clone_is_unfitted() -> None:
    one: Any = Classifier(epochs=3).fit(X, Y)
    before = one.predict_proba(X)
    assert np.array_equal(one.fit(X, Y).predict_proba(X), before)
    again: Any = clone(one)
    assert np.array_equal(again.fit(X, Y).predict_proba(X), before)
    assert not np.array_equal(Classifier(epochs=3, random_state=1).fit(X, Y).predict_proba(X), before)
    again = clone(one.set_params(lr=0.1))
    assert again.get_params()["lr"] == 0.1
    assert not hasattr(again, "trained_")


def test_it_pickles_without_a_folder(tmp_path: Path) -> None:
    model = Classifier(epochs=3).fit(pd.DataFrame(X, columns=pd.Index(list("abc"))), Y)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    code = (
        f"import pickle, pandas as pd; model = pickle.load(open({str(tmp_path / 'model.pkl')!r}, 'rb'));"
        f"print(list(model.predict_proba(pd.DataFrame({X[:2].tolist()!r}, columns=list('abc')))[:, 1]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    frame = pd.DataFrame(X[:2].tolist(), columns=pd.Index(list("abc")))
    assert done.stdout.strip() == str(list(model.predict_proba(frame)[:, 1]))


def test_pipelines_and_searches() -> None:
    pipe = make_pipeline(StandardScaler(), Classifier(epochs=2))
    search = GridSearchCV(pipe, {"classifier__hidden": [(4,), (8, 4)], "classifier__lr": [1e-3, 1e-2]}, cv=2).fit(X, Y)
    assert set(search.best_params_) == {"classifier__hidden", "classifier__lr"}
    assert search.predict(X[:4]).shape == (4,)


def test_frames_keep_categories_and_gaps() -> None:
    frame = pd.DataFrame({"size": X[:, 0], "kind": DRAW.choice(["a", "b", "c"], 120), "count": np.arange(120)})
    frame.loc[::10, "size"] = np.nan
    target = (frame["kind"] == "b").astype(int)
    model: Any = Classifier(epochs=15).fit(frame, target)
    assert list(model.feature_names_in_) == ["size", "kind", "count"]
    assert model.score(frame, target) == 1
    assert {column.source: column.kind for column in model.trained_.schema.input.columns} == {
        "size": "number", "kind": "category", "count": "number",
    }  # fmt: skip
    assert (
        Regressor(epochs=20).fit(np.arange(100)[:, None], np.arange(100)).score(np.arange(100)[:, None], np.arange(100))
        > 0.9
    )
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"kind": "sort"}))


def test_labels_and_several_outputs() -> None:
    labels = (X[:, :2] > 0).astype(int)
    model = Classifier(epochs=20).fit(X, labels)
    assert model.predict_proba(X).shape == (120, 2)
    assert (model.predict(X) == (model.predict_proba(X) >= 0.5)).all()
    assert (model.predict(X) == labels).mean() > 0.9
    values = Regressor(epochs=2).fit(X, X[:, :2])
    assert values.predict(X).shape == (120, 2)


def test_a_network_of_ones_own() -> None:
    from torch import nn

    net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    model = Classifier(net, epochs=20, lr=0.05).fit(X, Y)
    assert all((net.state_dict()[name] == value).all() for name, value in before.items())
    assert model.score(X, Y) > 0.9
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))


def test_mistakes_are_value_errors_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"lr= must be above 0|lr must be above 0"):
        Classifier(lr=-1).fit(X, Y)
    with pytest.raises(ValueError, match="Classifier needs two classes or more; y has one class, a"):
        Classifier().fit(X, np.full(120, "a"))
    with pytest.raises(ValueError, match="gives scores, which are not probabilities"):
        Classifier(settings={"loss": "perceptron"}).fit(X, Y)
    with pytest.raises(ValueError, match="there is no setting 'epohcs'|unknown setting"):
        Classifier(settings={"epohcs": 3}).fit(X, Y)


def test_what_is_shown_leads_to_no_folder_that_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    y = np.where(x[:, 0] > 0, "yes", "no")
    Classifier(epochs=1, verbose=True).fit(x, y)
    said = capsys.readouterr().out
    assert "classes   0 is no, 1 is yes" in said
    assert "report.html" not in said
    Classifier(epochs=1, verbose=True, out=tmp_path / "run").fit(x, y)
    assert f"open {tmp_path / 'run' / 'report.html'}" in capsys.readouterr().out.replace("\n", " ")
