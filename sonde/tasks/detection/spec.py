"""The record of task detection."""

from sonde.tasks.detection.config import DetectionConfig
from sonde.tasks.spec import Answer, TaskSpec

DETECTION = TaskSpec(
    name="detection",
    summary="bounding boxes and classes of the objects in each image",
    task="sonde.tasks.detection.task:Detection",
    config=DetectionConfig,
    answers=Answer("boxes", "boxes"),
    targets=("boxes",),
    suggests={"boxes": "objects are annotated with boxes"},
    exclusive="boxes",
    model=("detector-tiny", "object detection in images"),
    settings="sonde.tasks.detection.recipe:settings",
    samples=True,
    figures="sonde.tasks.detection.figures:additions",
)
