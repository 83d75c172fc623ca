"""A loss and metrics of the caller's own for Sonde's own tasks."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, f1_score, mean_absolute_error, roc_auc_score
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, huber_loss, l1_loss

import sonde
from sonde.core.config_file import read_config
from sonde.core.errors import ConfigError

RUN: dict[str, Any] = {"threads": 1, "quiet": True, "epochs": 3}


def f1(output: Tensor, target: Tensor) -> float:
    return float(f1_score(target, output.argmax(1), average="macro"))


def table(rows: int = 300, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(rows, 4)).astype(np.float32)
    return x, (x[:, :classes] + draw.normal(size=(rows, classes))).argmax(1)


def values(rows: int = 300) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(1)
    x = draw.normal(size=(rows, 4)).astype(np.float32)
    return x, (50 + 20 * x[:, 0] + draw.normal(size=rows)).astype(np.float32)


def trained(data: Any, folder: Path, **how: Any) -> sonde.Run:
    return sonde.train(data, model="mlp", out=folder, **{**RUN, **how})


def scores(run: sonde.Run) -> list[dict[str, float]]:
    lines = [json.loads(text) for text in (run.folder / "metrics.jsonl").read_text().splitlines()]
    return [line["metrics"] for line in lines if line["kind"] == "evaluation"]


@pytest.mark.parametrize("classes", [2, 3])
def test_functions_of_logits_and_classes_stand_beside_the_tasks_own(classes: int, tmp_path: Path) -> None:
    def log_loss_again(output: Tensor, target: Tensor) -> Tensor:
        assert output.shape[1] == classes
        return cross_entropy(output, target)

    metrics = {"f1_again": sonde.Metric(f1, whole=True), "log_loss_again": log_loss_again}
    plain = trained(table(classes=classes), tmp_path / "plain")
    run = trained(table(classes=classes), tmp_path / "run", metrics=metrics)
    assert run.metrics == plain.metrics | {name: run.metrics[name] for name in metrics}
    assert run.metrics["f1_again"] == pytest.approx(run.metrics["macro_f1"], rel=1e-5)
    assert run.metrics["log_loss_again"] == pytest.approx(run.metrics["log_loss"], rel=1e-5)
    assert run.result["objective"] == plain.result["objective"]
    assert "f1 again" in (run.folder / "report.html").read_text().replace("F1", "f1")
    assert read_config(run.folder).own["metrics"] == {
        "f1_again": f"{__name__}.f1",
        "log_loss_again": f"{__name__}.{log_loss_again.__qualname__}",
    }
    assert read_config(plain.folder).own == {}


def test_one_of_them_may_choose(tmp_path: Path) -> None:
    run = trained(
        table(), tmp_path / "run", metrics={"spread": lambda output, target: output.std()}, monitor="spread", mode="min"
    )
    assert run.result["objective"] == {"metric": "spread", "mode": "min"}
    assert run.result["best"]["value"] == min(each["spread"] for each in scores(run))
    assert run.result["headline"] == "accuracy"


def test_of_regression_they_are_in_the_targets_units(tmp_path: Path) -> None:
    def far_off(output: Tensor, target: Tensor) -> float:
        assert abs(float(target.mean()) - 50) < 10
        return float(mean_absolute_error(target, output))

    run = trained(values(), tmp_path / "run", metrics=[sonde.Metric(far_off, whole=True), "mse"])
    assert run.metrics["far_off"] == pytest.approx(run.metrics["mae"], rel=1e-5)
    assert run.metrics["mse"] == pytest.approx(run.metrics["rmse"] ** 2, rel=1e-5)


def test_a_loss_of_ones_own_is_trained_by(tmp_path: Path) -> None:
    def cross(output: Tensor, target: Tensor) -> Tensor:
        return cross_entropy(output, target)

    for classes in (2, 3):  # of two, the model has one logit
        data = table(classes=classes)
        run, plain = trained(data, tmp_path / f"{classes}", loss=cross), trained(data, tmp_path / f"{classes} plain")
        assert run.metrics == pytest.approx(plain.metrics, abs=1e-5)
        assert read_config(run.folder).own["loss"] == f"{__name__}.{cross.__qualname__}"
    found = [trained(values(), tmp_path / name, loss=loss) for name, loss in (("own", l1_loss), ("named", "mae"))]
    assert found[0].metrics == pytest.approx(found[1].metrics, rel=1e-4)
    assert found[0].metrics != pytest.approx(trained(values(), tmp_path / "mse").metrics, rel=1e-3)
    assert sonde.load(tmp_path / "own").predict(values()[0][:3]) == found[0].predict(values()[0][:3])


def test_the_worst_rows_are_found_though_a_loss_of_ones_own_is_a_mean(tmp_path: Path) -> None:
    x, y = values()
    y[7] += 900  # wherever it lands
    run = trained((x, y), tmp_path / "run", loss=huber_loss, validation=0.4, test=0.4)
    worst = [
        json.loads((run.folder / "evaluation" / split / "worst.json").read_text()) for split in ("validation", "test")
    ]
    assert all(each[0]["loss"] > each[-1]["loss"] for each in worst)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (
            {"metrics": {"accuracy": f1}},
            "metric 'accuracy' is reported by the task itself; leave it out, or give yours another name",
        ),
        ({"metrics": {"foo": f1}, "monitor": "foo"}, "monitor='foo': it is not known whether higher is better"),
        ({"metrics": {"foo": f1}, "monitor": "bar"}, "unknown metric to monitor 'bar'"),
        ({"monitor": "accuracy", "mode": "min"}, 'mode="min" contradicts monitor= accuracy, for which higher is better'),
        ({"metrics": {"none": lambda o, t: None}}, "metric 'none' is None; it must be a scalar"),
        ({"metrics": {"more": lambda o, t, weight: 0.0}}, "metric 'more' takes 'weight', which is not a field of the batch"),
        ({"loss": cross_entropy, "label_smoothing": 0.1}, "label_smoothing= has no effect: loss= is a function of your own"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_leaves_no_folder(how: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        trained(table(), tmp_path / "run", **how)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_missing_targets_are_for_functions_that_take_the_mask(tmp_path: Path) -> None:
    x, y = values()
    several = np.stack([y, 2 * y], 1)
    several[::3, 1] = np.nan

    def counted(output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        return ((output - target).abs() * mask).sum() / mask.sum()

    with pytest.raises(
        ConfigError, match=r"metric 'off': some targets are missing, .*function\(output, target, mask\)"
    ):
        trained((x, several), tmp_path / "run", metrics={"off": lambda o, t: (o - t).abs().mean()})
    run = trained((x, several), tmp_path / "run", metrics={"off": sonde.Metric(counted, whole=True)})
    assert np.isfinite(run.metrics["off"])
    with pytest.raises(ConfigError, match="a function of your own, cannot leave out missing targets"):
        trained((x, several), tmp_path / "other", loss=l1_loss)


def test_only_the_program_that_has_them_resumes(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    given: dict[str, Any] = {"metrics": {"f1": f1}, "monitor": "f1", "loss": cross_entropy, "schedule": "constant"}
    whole = trained(table(), tmp_path / "whole", **given, epochs=4)
    trained(table(), folder, **given, epochs=2)
    with pytest.raises(
        ConfigError, match="was trained with loss= and metrics= of your own, which only your program can give"
    ):
        sonde.resume(folder, data=table(), epochs=4)
    run = trained(table(), folder, **given, epochs=4)
    assert scores(run) == scores(whole)
    assert read_config(folder).own == read_config(tmp_path / "whole").own
    assert run.result["best"] == whole.result["best"]


def test_other_tasks_say_that_they_take_none() -> None:
    from sonde.tasks.custom.metrics import Measures
    from sonde.tasks.custom.with_metrics import WithMetrics
    from sonde.tasks.table import build

    class Other:
        modules = nn.ModuleDict({"model": nn.Linear(1, 1)})
        phases, objective = (), sonde.Objective("loss", "min")

    with pytest.raises(
        ConfigError, match="metrics= is for tasks that answer with one output for each target, and Other does not"
    ):
        WithMetrics(Other(), Measures({"f1": f1}))  # type: ignore[arg-type]
    from sonde.core.dataset import TargetSpec

    with pytest.raises(
        ConfigError, match="task simclr takes no loss of your own, only classification and regression do"
    ):
        build("simclr", nn.Linear(1, 1), TargetSpec(kind="class", names=("a", "b")), loss=cross_entropy)


@pytest.mark.parametrize("rows", [16, 700])
@pytest.mark.parametrize("call", ["fit", "train"])
def test_a_metric_that_fails_on_all_rows_fails_before_the_first_step(call: str, rows: int, tmp_path: Path) -> None:
    x = torch.randn(5 * rows, 3, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0).long()
    steps = []

    def wrong(output: Tensor, target: Tensor) -> float:
        return float(average_precision_score(target, output))  # which takes (rows,), and is given (rows, 2)

    common: dict[str, Any] = {
        "metrics": {"wrong": sonde.Metric(wrong, whole=True)},
        "validation": 0.2,
        "epochs": 2,
        "observers": [steps.append],
        "out": tmp_path / "run",
        "quiet": True,
    }
    call_it: Any = partial(sonde.train, (x.numpy(), y.numpy()), model="mlp", test=0)
    if call == "fit":
        call_it = partial(sonde.fit, nn.Linear(3, 2), (x, y), loss=cross_entropy)
    with pytest.raises(ConfigError, match=rf"metric 'wrong' failed on all {rows} rows .*: ValueError"):
        call_it(**common)
    assert not [record for record in steps if isinstance(record, sonde.StepRecord)]


def test_a_metric_that_needs_more_rows_than_the_first_batch_is_computed(tmp_path: Path) -> None:
    """The first 256 rows are of one class: no precision is told from them, and of all rows there is one."""
    x = torch.randn(600, 3, generator=torch.Generator().manual_seed(0))
    y = torch.arange(600) // 300

    def auroc(output: Tensor, target: Tensor) -> float:
        if len(set(target.tolist())) < 2:
            raise ValueError("one class")
        return float(roc_auc_score(target, output[:, 1]))

    run = sonde.fit(
        nn.Linear(3, 2), (x, y), validation=(x, y), loss=cross_entropy, epochs=1, quiet=True,
        metrics={"auroc": sonde.Metric(auroc, whole=True)}, out=tmp_path / "run",
    )  # fmt: skip
    expected = roc_auc_score(y, run.model(x).detach()[:, 1])
    assert run.result["metrics"]["validation"]["auroc"] == pytest.approx(expected)
