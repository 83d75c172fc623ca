"""The record of task classification."""

from sonde.tasks.classification.config import ClassificationConfig
from sonde.tasks.spec import ROW, TaskSpec

CLASSIFICATION = TaskSpec(
    name="classification",
    summary="the class of each row (binary or multi-class), or any number of labels (multi-label)",
    task="sonde.tasks.classification.task:Classification",
    config=ClassificationConfig,
    answers=ROW,
    own_loss=True,
    targets=("class", "labels"),
    suggests={"class": "each row has one of several classes", "labels": "each row has any number of labels"},
    class_counts=True,
    units={"loss": "nats a row"},
)
