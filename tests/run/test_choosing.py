"""Which weights a run of one's own keeps: metrics and their directions, through `sonde.fit`."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

import sonde
from sonde.core.config_file import read_config
from sonde.core.errors import ConfigError, RunFolderError

QUIET: dict[str, Any] = {"threads": 1, "quiet": True}


def mae(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).abs().mean()


def auroc(output: Tensor, target: Tensor) -> float:
    return float(roc_auc_score(target, output.softmax(1)[:, 1]))


def line(rows: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 4, generator=generator)
    return x, x.sum(1, keepdim=True) + 0.3 * torch.randn(rows, 1, generator=generator)


def rare(rows: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 4, generator=generator)
    return x, (x[:, 0] + 0.8 * torch.randn(rows, generator=generator) > 1.5).long()


def fitted(tmp_path: Path, **how: Any) -> sonde.Run:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    given = {"loss": mse_loss, "epochs": 6, "lr": 0.05, "out": tmp_path / "run", **QUIET, **how}
    return sonde.fit(net, line(200, 0), validation=line(300, 1), **given)


def findings(run: sonde.Run) -> list[dict[str, Any]]:
    return [json.loads(text) for text in (run.folder / "findings.jsonl").read_text().splitlines()]


def history(run: sonde.Run, name: str) -> list[float]:
    lines = [json.loads(text) for text in (run.folder / "metrics.jsonl").read_text().splitlines()]
    return [line["metrics"][name] for line in lines if line["kind"] == "evaluation"]


def test_an_error_is_made_smaller(tmp_path: Path) -> None:
    run = fitted(tmp_path, metrics={"mae": mae})
    seen = history(run, "mae")
    assert run.result["objective"] == {"metric": "mae", "mode": "min"}
    assert run.result["best"]["value"] == min(seen) < seen[0]
    x, y = line(300, 1)
    with torch.no_grad():
        assert float(mae(run.model(x), y)) == pytest.approx(min(seen), rel=1e-6) == pytest.approx(run.metrics["mae"])


def test_patience_waits_for_the_smaller(tmp_path: Path) -> None:
    run = fitted(tmp_path, metrics={"mae": mae}, patience=3, epochs=40)
    seen = history(run, "mae")
    assert run.result["status"] == "stopped early"
    assert seen.index(min(seen)) == len(seen) - 4


def test_monitor_and_mode_decide(tmp_path: Path) -> None:
    given = {"metrics": {"mae": mae, "spread": lambda output, target: output.std()}}
    run = fitted(tmp_path, **given, monitor="spread", mode="max")
    assert run.result["objective"] == {"metric": "spread", "mode": "max"}
    assert run.result["best"]["value"] == max(history(run, "spread"))
    assert "mode: max" in (run.folder / "config.yaml").read_text()
    own = read_config(run.folder).own
    assert own["loss"] == "torch.nn.functional.mse_loss"
    assert own["metrics"]["mae"] == f"{__name__}.mae"
    again = fitted(tmp_path, **given, monitor="spread", mode="max", epochs=7)  # which rewrites it
    assert read_config(again.folder).own == own
    with pytest.raises(RunFolderError, match='holds a run with mode="max", and now it is min'):
        fitted(tmp_path, **given, monitor="spread", mode="min", epochs=7)
    assert [each for each in findings(run) if each["check"] == "metric without direction"] == []


def test_an_unknown_direction_is_said_and_does_not_choose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = fitted(tmp_path, metrics={"foo": mae}, quiet=False)
    assert run.result["objective"] == {"metric": "loss", "mode": "min"}
    assert run.result["best"]["value"] == min(history(run, "loss"))
    said = capsys.readouterr().out
    assert "best checkpoint: lowest validation loss" in said
    assert "metric 'foo': it is not known whether higher is better, so the validation loss chooses" in said
    found = next(each for each in findings(run) if each["check"] == "metric without direction")
    assert found["severity"] == "note"
    assert "monitor='foo' with mode='max' or 'min'" in found["action"]


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"metrics": {"foo": mae}, "monitor": "foo"}, "monitor='foo': it is not known whether higher is better"),
        ({"metrics": {"mae": mae}, "monitor": "acc"}, "monitor='acc': there is no such metric; there are mae, loss"),
        ({"metrics": {"mae": mae}, "mode": "min"}, "mode= says which values of the metric in monitor= are best"),
        ({"metrics": {"mae": mae}, "monitor": "mae", "mode": "least"}, "mode= expects one of min, max, got 'least'"),
        ({"metrics": {"loss": mae}}, "a metric cannot be called 'loss'"),
        ({"metrics": {"bug": sonde.Metric(lambda o, t: o.nonsense, whole=True)}}, "metric 'bug' failed on all 128 rows"),
        ({"metrics": {"vector": lambda o, t: o}}, r"metric 'vector' is a tensor of shape \(128, 1\)"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_before_the_first_step(how: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        fitted(tmp_path, **how)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_task_keeps_its_own_choice() -> None:
    from sample_tasks import Supervised, mlp

    task = Supervised(mlp(4, 2))
    with pytest.raises(ConfigError, match=r"mode='max': Supervised has the objective 'loss', 'min'"):
        sonde.fit(task, line(8, 0), monitor="loss", mode="max", **QUIET)
    with pytest.raises(ConfigError, match="metrics= is for a plain module: Supervised reports what its meter computes"):
        sonde.fit(task, line(8, 0), metrics={"mae": mae}, **QUIET)


def test_a_task_without_an_objective_is_chosen_by_what_is_monitored(tmp_path: Path) -> None:
    class Line(sonde.Task):
        def __init__(self) -> None:
            self.net = nn.Linear(4, 1)

        def loss(self, batch: sonde.Batch) -> Tensor:
            return mse_loss(self.net(batch["input"]), batch["target"])

        def evaluate(self, batch: sonde.Batch) -> dict[str, Tensor]:
            output = self.net(batch["input"])
            return {"size": output.abs().mean(), "mae": mae(output, batch["target"])}

    def fit(out: str, **how: Any) -> sonde.Run:
        return sonde.fit(
            Line(), line(200, 0), validation=line(300, 1), epochs=4, lr=0.3, out=tmp_path / out, **QUIET, **how
        )

    assert fit("last").result["objective"] is None
    run = fit("mae", monitor="mae", patience=3)
    assert run.result["objective"] == {"metric": "mae", "mode": "min"}
    assert run.result["best"]["value"] == min(history(run, "mae"))
    run = fit("size", monitor="size", mode="max")
    assert run.result["best"]["value"] == max(history(run, "size"))
    with pytest.raises(ConfigError, match="monitor='size': it is not known whether higher is better"):
        fit("none", monitor="size")
    with pytest.raises(
        ConfigError, match="the task's objective is 'acc', which its meter does not report; it reports size, mae"
    ):
        fit("none", monitor="acc")


def test_a_part_of_the_loss_may_be_monitored(tmp_path: Path) -> None:
    def loss(output: Tensor, target: Tensor) -> dict[str, Tensor]:
        return {"loss": mse_loss(output, target), "size": output.abs().mean()}

    run = fitted(tmp_path, loss=loss, monitor="size", mode="min")
    assert run.result["best"]["value"] == min(history(run, "size"))
    with pytest.raises(ConfigError, match="monitor='sizes': there is no such metric; there are loss, size"):
        fitted(tmp_path / "none", loss=loss, monitor="sizes", mode="min")


def test_metrics_without_data_compute_nothing_and_that_is_said(tmp_path: Path) -> None:
    net = nn.Linear(4, 1)
    run = sonde.fit(net, line(64, 0), loss=mse_loss, metrics={"mae": mae}, epochs=1, out=tmp_path / "run", **QUIET)
    assert [each["check"] for each in findings(run) if not each["name"]] == ["metrics without data"]


def test_a_metric_of_the_whole_set_is_scikit_learns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    net, held_back = nn.Linear(4, 2), rare(600, 1)
    metrics = {"area": sonde.Metric(auroc, higher_is_better=True, whole=True), "auroc": auroc, "by_name": "auroc"}
    run = sonde.fit(
        net,
        rare(400, 0),
        validation=held_back,
        loss=cross_entropy,
        metrics=metrics,
        epochs=3,
        lr=0.02,
        threads=1,
        out=tmp_path,
    )
    with torch.no_grad():
        exact = auroc(net(held_back[0]), held_back[1])
    assert run.metrics["area"] == pytest.approx(exact)
    assert run.metrics["by_name"] == pytest.approx(exact)
    assert abs(run.metrics["auroc"] - exact) > 1e-4
    assert run.result["batch_means"] == ["auroc"]
    assert [each["check"] for each in findings(run) if not each["name"]] == ["mean of batches"]
    said = capsys.readouterr().out
    assert "(mean of batches)" in said
    assert "AUROC (mean of batches)" in (run.folder / "report.html").read_text()
    assert "area (mean of batches)" not in said


def test_a_metric_that_is_never_a_number_is_a_finding(tmp_path: Path) -> None:
    run = fitted(tmp_path, metrics={"mae": mae, "hole": lambda output, target: float("nan")}, epochs=3)
    assert [each["evidence"] for each in findings(run) if each["severity"] == "warning"] == [
        "metric 'hole' was NaN or infinite in all 3 evaluations"
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_where_the_one_that_chooses_never_is_the_last_weights_are_kept(value: float, tmp_path: Path) -> None:
    run = fitted(tmp_path, metrics={"mae": lambda output, target: value}, epochs=3)
    found = next(each for each in findings(run) if each["severity"] == "warning")
    assert found["evidence"].endswith("so it could not choose the best checkpoint: the last weights are kept")
    assert run.result["best"] == {"epoch": None, "step": 12, "metric": None, "value": None}
    assert run.metrics["loss"] == history(run, "loss")[-1]


def test_an_object_is_copied_and_a_trial_leaves_nothing_in_it(tmp_path: Path) -> None:
    class Mean:
        higher_is_better = False

        def __init__(self) -> None:
            self.rows, self.total = 0, torch.zeros(())

        def update(self, output: Tensor, target: Tensor) -> None:
            self.rows, self.total = self.rows + len(output), self.total + (output - target).abs().sum()

        def compute(self) -> Tensor:
            return self.total / self.rows

    one = Mean()
    run = fitted(tmp_path, metrics=[one, mae])
    assert one.rows == 0
    assert run.result["objective"] == {"metric": "Mean", "mode": "min"}
    assert history(run, "Mean") == pytest.approx(history(run, "mae"), rel=1e-6)


def test_numbers_in_a_dict_choose_also_when_resumed(tmp_path: Path) -> None:
    def compute_metrics(output: Tensor, target: Tensor) -> dict[str, float]:
        return {"size": float(output.abs().mean()), "mae": float(mae(output, target))}

    given = {"metrics": sonde.Metric(compute_metrics, whole=True)}
    run = fitted(tmp_path, **given, epochs=2)
    assert run.result["objective"] == {"metric": "mae", "mode": "min"}
    run = fitted(tmp_path, **given, epochs=5)
    assert run.result["objective"] == {"metric": "mae", "mode": "min"}
    assert run.result["best"]["value"] == min(history(run, "mae"))
