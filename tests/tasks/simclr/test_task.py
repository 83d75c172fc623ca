from typing import Any

import pytest
import torch
from sample_tasks import stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Meter, Objective, Task
from sonde.diagnose.before import accumulation
from sonde.losses.contrastive import nt_xent
from sonde.tasks.simclr.config import SimCLRConfig
from sonde.tasks.simclr.task import SimCLR

CLASSES = TargetSpec(kind="class", names=("a", "b", "c"))


def batch(rows: int = 12) -> Batch:
    generator = torch.Generator().manual_seed(0)
    input = torch.randn(rows, 4, generator=generator)
    one, two = input + 0.1 * torch.randn(2, rows, 4, generator=generator)
    return Batch({"input": input, "view": one, "other_view": two, "target": torch.arange(rows) % 3}, torch.arange(rows))


def task(target: TargetSpec = CLASSES, monitor: str | None = None, **settings: Any) -> SimCLR:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    return SimCLR(model, target, SimCLRConfig(projection=5, **settings), monitor=monitor)


def projected(made: SimCLR, view: Tensor) -> Tensor:
    return made.modules["projection"](made.modules["model"](view))


def test_it_fits_the_seams() -> None:
    made = task()
    assert isinstance(made, Task)
    assert isinstance(made.meter(), Meter)
    assert made.objective == Objective("loss", "min")
    assert task(monitor="knn_accuracy").objective == Objective("knn_accuracy", "max")


def test_the_loss_compares_the_projections_of_both_views() -> None:
    made, given = task(temperature=0.2), batch()
    loss = made.loss(given)
    expected = nt_xent(projected(made, given["view"]), projected(made, given["other_view"]), temperature=0.2).mean()
    torch.testing.assert_close(loss.value, expected)
    assert loss.weight == 12
    targets = Batch({**given.fields, "target": torch.zeros(12, dtype=torch.long)}, given.index)
    assert torch.equal(made.loss(targets).value, loss.value)  # labels are not looked at


def test_batch_norm_sees_both_views_at_once() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(4, momentum=1.0)
    made = SimCLR(nn.Sequential(norm, nn.Linear(4, 3)), CLASSES, SimCLRConfig())
    given = batch()
    made.loss(given)
    torch.testing.assert_close(norm.running_mean, torch.cat([given["view"], given["other_view"]]).mean(0))


def test_every_parameter_learns_and_views_come_closer() -> None:
    made, given = task(), batch()
    made.loss(given).value.backward()
    assert [name for name, p in made.modules.named_parameters() if p.grad is None or not p.grad.any()] == []
    step = stepper(made, lr=0.01)
    losses = [float(step(given, step=n, epoch=0).losses["model/loss"]) for n in range(1, 101)]
    assert losses[-1] < 0.6 * losses[0]


def test_judging_and_predicting_read_the_unchanged_image() -> None:
    made, given = task(), batch()
    outputs = made.evaluate(given)
    known = made.modules["model"](given["input"])
    assert torch.equal(outputs["features"], known)
    assert outputs["loss"].shape == (12,)
    assert torch.equal(outputs["target"], given["target"])
    assert "target" not in task(TargetSpec(kind="value", names=("x",), mean=(0.0,), std=(1.0,))).evaluate(given)
    row = made.format_predictions(made.predict(given))[2]["features"]
    assert list(row.values()) == pytest.approx(known[2].tolist())
    assert list(row) == [str(place) for place in range(8)]


def test_pieces_of_a_batch_are_a_finding() -> None:
    assert any("'NT-Xent' compares rows" in finding.evidence for finding in accumulation(task(), 2))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0.0}, "--temperature must be above 0, got 0"),
        ({"projection": 0}, "--projection must be at least 1, got 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SimCLRConfig(**settings)


def test_an_unknown_metric_is_met_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown metric to monitor 'knn_acuracy'; did you mean 'knn_accuracy'"):
        task(monitor="knn_acuracy")
