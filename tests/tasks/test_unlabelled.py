import pytest
import torch

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Objective
from sonde.tasks.unlabelled import meter_for, numbered, probed, unlabelled_objective

CLASSES = TargetSpec(kind="class", names=("a", "b"))
VALUES = TargetSpec(kind="value", names=("x",), mean=(0.0,), std=(1.0,))
LABELS = TargetSpec(kind="labels", names=("a", "b"))


def test_the_loss_chooses_unless_neighbours_are_asked_for() -> None:
    assert unlabelled_objective(CLASSES, None) == unlabelled_objective(VALUES, None) == Objective("loss", "min")
    assert unlabelled_objective(CLASSES, "knn_accuracy") == Objective("knn_accuracy", "max")
    with pytest.raises(ConfigError, match="unknown metric to monitor 'knn_accuracy'; .*loss"):
        unlabelled_objective(LABELS, "knn_accuracy")


@pytest.mark.parametrize(
    ("target", "names"), [(CLASSES, {"knn_accuracy", "loss"}), (VALUES, {"loss"}), (LABELS, {"loss"})]
)
def test_rows_are_probed_where_they_have_a_class(target: TargetSpec, names: set[str]) -> None:
    batch = Batch({"input": torch.zeros(4, 1), "target": torch.tensor([0, 1, 0, 1])}, torch.arange(4))
    meter = meter_for(target)
    features = torch.tensor([[1.0, 0], [0, 1], [1, 0], [0, 1]], dtype=torch.bfloat16)
    meter.update(probed(batch, target, features, torch.ones(4)), batch.index)
    assert meter.compute().keys() == names
    assert meter.compute().get("knn_accuracy", 1.0) == 1.0


def test_features_are_numbered() -> None:
    found = numbered({"features": torch.tensor([[0.5, -1.0]], dtype=torch.bfloat16)})
    assert found == [{"features": {"0": 0.5, "1": -1.0}}]
