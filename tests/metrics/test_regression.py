import math

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torch import Tensor

from sonde.core.errors import NonFinite
from sonde.metrics.regression import RegressionMeter


def drawn(rows: int = 300, columns: int = 2, masked: bool = False) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = torch.randn(rows, columns, generator=generator, dtype=torch.float64) * 3 + 1e4  # far from zero, on purpose
    values = target + torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    outputs = {"values": values, "target": target, "loss": (values - target).square().mean(1)}
    if masked:
        outputs["mask"] = (torch.rand(rows, columns, generator=generator) < 0.6).float()
        outputs["target"] = torch.where(outputs["mask"] > 0, target, torch.nan)
        outputs["weight"] = outputs["mask"].sum(1)
        outputs["loss"] = ((values - target).square() * outputs["mask"]).sum(1) / outputs["weight"].clamp(min=1)
    return outputs


def fed(outputs: dict[str, Tensor], order: Tensor | None = None, size: int = 64) -> RegressionMeter:
    meter = RegressionMeter(["price", "area"][: outputs["values"].shape[1]])
    rows = torch.arange(len(outputs["target"])) if order is None else order
    for part in rows.split(size):
        meter.update({name: value[part] for name, value in outputs.items()}, part)
    return meter


def test_metrics_are_scikit_learns_over_and_per_target() -> None:
    outputs = drawn()
    found, pair = fed(outputs).compute(), (outputs["target"].numpy(), outputs["values"].numpy())
    for name, function in {
        "rmse": sk.root_mean_squared_error,
        "mae": sk.mean_absolute_error,
        "r2": sk.r2_score,
    }.items():
        assert found[name] == pytest.approx(function(*pair), rel=1e-9), name
        each = function(*pair, multioutput="raw_values")
        assert [found[f"{name}/price"], found[f"{name}/area"]] == pytest.approx(each.tolist(), rel=1e-9), name
    assert found["loss"] == pytest.approx(outputs["loss"].mean().item())
    assert fed(drawn(columns=1)).compute().keys() == {"rmse", "mae", "r2", "pearson", "spearman", "loss"}


def test_masked_entries_are_left_out_of_everything() -> None:
    outputs = drawn(masked=True)
    meter = fed(outputs)
    found, kept = meter.compute(), outputs["mask"].numpy() > 0
    columns = [(outputs["target"].numpy()[kept[:, c], c], outputs["values"].numpy()[kept[:, c], c]) for c in range(2)]
    assert found["rmse"] == pytest.approx(np.mean([sk.root_mean_squared_error(*column) for column in columns]))
    assert found["r2/area"] == pytest.approx(sk.r2_score(*columns[1]), rel=1e-9)
    errors = np.concatenate([t - p for t, p in columns])
    assert found["loss"] == pytest.approx(float((errors**2).mean()))  # every unmasked entry counts alike
    assert [len(column) for column in meter.details()["scatter"]["target"]] == [len(t) for t, _ in columns]


def test_float32_targets_far_from_zero_keep_their_r2() -> None:
    outputs = {name: value.float() for name, value in drawn().items()}
    found = fed(outputs, size=10).compute()
    assert found["r2"] == pytest.approx(sk.r2_score(outputs["target"].double(), outputs["values"].double()), rel=1e-9)


@pytest.mark.parametrize("masked", [False, True])
def test_batches_do_not_matter_and_merged_is_one_pass(masked: bool) -> None:
    outputs = drawn(masked=masked, rows=1500)
    whole = fed(outputs)
    shuffled = torch.randperm(1500, generator=torch.Generator().manual_seed(2))
    one = fed(outputs, shuffled[:400], size=11)
    one.merge(fed(outputs, shuffled[400:], size=150))
    assert one.compute() == pytest.approx(whole.compute(), rel=1e-11)
    assert one.details() == whole.details()


def test_the_scatter_is_a_sample_and_the_worst_are_worst() -> None:
    outputs = drawn(rows=1500, columns=1)
    details = fed(outputs).details()
    pairs = set(zip(outputs["target"][:, 0].tolist(), outputs["values"][:, 0].tolist(), strict=True))
    shown = list(zip(details["scatter"]["target"][0], details["scatter"]["prediction"][0], strict=True))
    assert len(shown) == 1000
    assert set(shown) <= pairs
    order = outputs["loss"].argsort(descending=True)[:24]
    assert [entry["index"] for entry in details["worst"]] == order.tolist()
    first = details["worst"][0]
    assert (first["target"], first["prediction"]) == (
        outputs["target"][order[0]].item(),
        outputs["values"][order[0]].item(),
    )
    assert first["confidence"] is None


def test_worst_rows_of_several_targets_name_them() -> None:
    outputs = {"values": torch.tensor([[1.5, 2.0]]), "target": torch.tensor([[1.0, 0.0]]), "loss": torch.ones(1)}
    outputs["mask"] = torch.tensor([[1.0, 0.0]])
    entry = fed(outputs).details()["worst"][0]
    assert (entry["target"], entry["prediction"]) == ("price 1", "price 1.5, area 2")


def test_a_target_that_does_not_vary_has_no_r2() -> None:
    outputs = drawn(columns=1)
    outputs["target"] = torch.full_like(outputs["target"], 5.0)
    assert math.isnan(fed(outputs).compute()["r2"])


def test_nan_outputs_stop_the_judgement() -> None:
    outputs = drawn()
    outputs["values"][3, 1] = torch.nan
    with pytest.raises(NonFinite, match="first at row 3 of the split"):
        fed(outputs).compute()
