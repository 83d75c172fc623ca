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
from sonde.models.autoencoder_cnn import AutoencoderCNN, AutoencoderCNNConfig
from sonde.models.autoencoder_mlp import AutoencoderMLP, AutoencoderMLPConfig
from sonde.tasks.anomaly.config import AnomalyConfig
from sonde.tasks.anomaly.normal import trained_on
from sonde.tasks.anomaly.recipe import settings
from sonde.tasks.anomaly.task import Anomaly

CLASSES = TargetSpec(kind="class", names=("good", "scratch", "dent"))
NONE = TargetSpec(kind="none", names=("row",))
ROWS = InputSpec(kind="array", shape=(4,))
IMAGE = InputSpec(kind="image", shape=(1, 8, 8), mean=(0.3,), std=(0.4,))
KNOWN = torch.randn(20, 4, generator=torch.Generator().manual_seed(2))


def task(target: TargetSpec = CLASSES, **settings: Any) -> Anomaly:
    torch.manual_seed(0)
    model = AutoencoderMLP(ROWS, 0, AutoencoderMLPConfig(hidden=(8,)))
    return Anomaly(model, target, AnomalyConfig(**settings), input=ROWS)


def knowing(target: TargetSpec = CLASSES, **settings: Any) -> Anomaly:
    made = task(target, **settings)
    made.known.know(lambda: iter([Batch({"input": KNOWN}, torch.arange(len(KNOWN)))]))  # type: ignore[union-attr]
    return made


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
    made, given = knowing(normal=("good",), false_alarms=0.3), batch()
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
    assert other.promised == made.promised == pytest.approx(0.25)  # 1 - 3 / 4
    (told,) = made.told()
    assert "25.0 % score higher" not in told
    assert "30.0 % score higher at most, on average" in told
    assert "false_alarm_rate" in meter.compute()


def test_a_row_scores_its_distance_to_the_nearest_three() -> None:
    made, given = knowing(NONE), batch(5)
    found = made.evaluate(given)
    nearest = torch.cdist(given["input"], KNOWN).sort(1).values[:, :3]
    torch.testing.assert_close(found["score"], nearest.mean(1))
    torch.testing.assert_close(found["loss"], made.anomaly(given)["error"].mean(1))
    again = task(NONE)
    with pytest.raises(ConfigError, match="task anomaly knows no normal rows to compare with"):
        again.predict(given)
    again.load_state_dict(made.state_dict())
    assert again.predict(given)["score"].equal(found["score"])


def images(contrast: float) -> Anomaly:
    torch.manual_seed(0)
    model = AutoencoderCNN(IMAGE, 0, AutoencoderCNNConfig(widths=(8,)))
    made = Anomaly(model, NONE, AnomalyConfig(latent=4, contrast=contrast), input=IMAGE)
    rows = Batch({"input": torch.randn(30, 1, 8, 8, generator=torch.Generator().manual_seed(3))}, torch.arange(30))
    made.known.know(lambda: iter([rows]))  # type: ignore[union-attr]
    return made


def test_of_images_a_learned_distance_stands_beside_the_fixed_one() -> None:
    given = Batch({"input": torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(4))}, torch.arange(6))
    made, plain = images(1.0), images(0.0)
    assert (list(made.across_rows), list(plain.across_rows)) == (["NT-Xent"], [])
    fixed = plain.evaluate(given)["score"]
    score = made.evaluate(given)["score"].detach()
    learned = made.known.embedded.distance(made.known._embedding(given["input"]))  # type: ignore[union-attr]
    torch.testing.assert_close(score, (fixed * learned.sqrt()).detach())
    assert made.loss(given).parts.keys() == {"reconstruction_error", "contrast"}
    meter = made.meter()
    meter.update(made.evaluate(given), given.index)
    assert "loss" not in meter.compute()  # of which it is a part only
    assert made.objective[:2] == ("reconstruction_error", "min")
    made.net.model.encoder[0].weight.data += 0.5  # type: ignore[union-attr, operator, index]
    assert not made.evaluate(given)["score"].equal(score)  # since the loss told that weights change
    again = images(1.0)
    again.load_state_dict(made.state_dict())
    again.modules.load_state_dict(made.modules.state_dict())
    assert again.predict(given)["score"].equal(made.predict(given)["score"])


def test_errors_lie_where_values_are_not_given_back() -> None:
    made, given = task(NONE, score="reconstruction"), batch(2)
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


@pytest.mark.parametrize("given", [{}, {"normal": ("good",)}])
def test_rows_of_one_class_are_normal(given: dict[str, Any]) -> None:
    one = TargetSpec(kind="class", names=("good",))
    assert trained_on(np.zeros(3, int), one, AnomalyConfig(**given)).tolist() == [True] * 3
    assert task(one, **given).normal == (True,)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"false_alarms": 0.0}, "--false-alarms must lie between 0 and 1, got 0"),
        ({"contrast": -1.0}, "--contrast must be 0 or more, got -1"),
        ({"stretch": -1}, "--stretch must be 0 or more, got -1"),
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
