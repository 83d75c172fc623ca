"""The record of task classification."""

from sonde.tasks.classification.config import ClassificationConfig
from sonde.tasks.spec import ROW, TaskSpec

CLASSIFICATION = TaskSpec(
    name="classification",
    summary="one of several classes per row, yes or no, or any number of labels",
    task="sonde.tasks.classification.task:Classification",
    config=ClassificationConfig,
    answers=ROW,
    targets=("class", "labels"),
    suggests={"class": "each row has one of several classes", "labels": "each row has any of several labels"},
    class_counts=True,
)
