"""The record of task segmentation."""

from collections.abc import Mapping

from sonde.core.units import share
from sonde.tasks.segmentation.config import SegmentationConfig
from sonde.tasks.spec import Answer, TaskSpec

MOST_CLASSES = 3  # on a terminal


def _covers(shares: Mapping[str, float]) -> dict[str, str]:
    """The classes that cover most of an image."""
    common = sorted((name for name in shares if shares[name] > 0), key=lambda name: -shares[name])[:MOST_CLASSES]
    return {"covers": ", ".join(f"{name} {share(shares[name], 1)}" for name in common)}


SEGMENTATION = TaskSpec(
    name="segmentation",
    summary="the class of every pixel of an image (semantic segmentation)",
    task="sonde.tasks.segmentation.task:Segmentation",
    config=SegmentationConfig,
    answers=Answer("map", "an output per pixel"),
    targets=("mask",),
    suggests={"mask": "every pixel has a class"},
    exclusive="masks",
    model=("unet-small", "semantic segmentation, with few enough channels for a CPU"),
    settings="sonde.tasks.segmentation.recipe:settings",
    samples=True,
    figures="sonde.tasks.segmentation.figures:additions",
    shorten={"shares": _covers},
    units={"accuracy": "share of the pixels"},
)
