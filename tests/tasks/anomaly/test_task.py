from typing import Any

import numpy as np
import pytest
import torch
from sample_tasks import pieces_give_the_gradient

from sonde.core.batch import Batch
from sonde.core.dataset import Dataset, InputSpec, Schema, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Meter, Task
from sonde.data.rows import ArrayInputs, InputRows
from sonde.models.autoencoder_mlp import AutoencoderMLP, AutoencoderMLPConfig
from sonde.tasks.anomaly.config import AnomalyConfig
from sonde.tasks.anomaly.normal import trained_on
from sonde.tasks.anomaly.recipe import settings
from sonde.tasks.anomaly.task import Anomaly

CLASSES = TargetSpec(kind="class", names=("good", "scratch", "dent"))
NONE = TargetSpec(kind="none", names=("row",))
ROWS = InputSpec(kind="array", shape=(4,))


def task(target: TargetSpec = CLASSES, **settings: Any) -> Anomaly:
    torch.manual_seed(0)
    model = AutoencoderMLP(ROWS, 0, AutoencoderMLPConfig(hidden=(8,)))
    return Anomaly(model, target, AnomalyConfig(**settings), input=ROWS)


def batch(rows: int = 9) -> Batch:
    input = torch.randn(rows, 4, generator=torch.Generator().manual_seed(1))
    return Batch({"input": input, "target": torch.arange(rows) % 3}, torch.arange(rows))


def test_it_fits_the_seams() -> None:
    made = task(normal=("good",))
    assert isinstance(made, Task)
    assert isinstance(made.meter(), Meter)
    pieces_give_the_gradient(made, batch())


@pytest.mark.parametrize("settings", [{"normal": ("good", "dent")}, {"anomalous": ("scratch",)}])
def test_rows_of_normal_classes_are_trained_on(settings: dict[str, Any]) -> None:
    found = trained_on(np.array([0, 1, 2, 1]), CLASSES, AnomalyConfig(**settings))
    assert found.tolist() == [True, False, True, False]
    assert task(**settings).normal == (True, False, True)


def test_a_validation_chooses_what_is_called_an_anomaly() -> None:
    made, given = task(normal=("good",), false_alarms=0.3), batch()
    made.modules.eval()
    with torch.no_grad():
        outputs = made.evaluate(given)
        meter = made.meter()
        meter.update(outputs, given.index)
        assert "prediction" not in made.format_predictions(made.predict(given))[0]
        made.tune_threshold(meter)
        called = made.format_predictions(made.predict(given))
    normal = outputs["score"][given["target"] == 0].sort().values
    assert made.threshold == pytest.approx(float(normal[2]))  # ceil(4 x 0.7) = 3rd of three
    assert [row["prediction"] == "anomaly" for row in called] == (outputs["score"] > normal[2]).tolist()
    other = task(normal=("good",))
    other.load_state_dict(made.state_dict())
    assert other.threshold == made.threshold
    assert "false_alarm_rate" in meter.compute()


def test_errors_lie_where_values_are_not_given_back() -> None:
    made, given = task(NONE), batch(2)
    found = made.anomaly(given)
    back = made.given_back(given)["reconstruction"]
    torch.testing.assert_close(found["error"], (back - given["input"]).square())
    torch.testing.assert_close(found["score"], found["error"].mean(1))
    assert made.evaluate(given).keys() == {"score", "loss"}


@pytest.mark.parametrize(
    ("settings", "target", "message"),
    [
        ({}, CLASSES, "which of the classes good, scratch, dent are normal\\? name them with --normal"),
        ({"normal": ("goood",)}, CLASSES, "unknown class 'goood'; did you mean"),
        (
            {"normal": CLASSES.names},
            CLASSES,
            "--normal names all classes of the data; leave out those that are anomalies",
        ),
        ({"normal": ("good",)}, NONE, "--normal names classes, and these data have none; leave it out"),
        ({"anomalous": ("good",)}, NONE, "--anomalous names classes, and these data have none"),
    ],
)
def test_what_is_unclear_is_refused(settings: dict[str, Any], target: TargetSpec, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        task(target, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"false_alarms": 0.0}, "--false-alarms must lie between 0 and 1, got 0"),
        ({"normal": ("a",), "anomalous": ("b",)}, "--normal and --anomalous both say which classes are normal"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AnomalyConfig(**settings)


def test_a_batch_fits_into_the_rows_of_one_class() -> None:
    rows = InputRows(ArrayInputs(np.zeros((120, 4), dtype=np.float32), "rows"))
    schema = Schema(input=ROWS, target=CLASSES)
    dataset = Dataset(name="t", source="t", form="arrays", schema=schema, splits={"train": rows}, facts=[])
    assert settings(dataset, "autoencoder-mlp")["batch_size"][0] == 20
