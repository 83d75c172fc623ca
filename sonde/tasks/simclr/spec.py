"""The record of task simclr."""

from sonde.core.units import count
from sonde.tasks.simclr.config import SimCLRConfig
from sonde.tasks.spec import ROW, TaskSpec

SIMCLR = TaskSpec(
    name="simclr",
    summary="image features without labels (self-supervised): contrast augmented views of images",
    task="sonde.tasks.simclr.task:SimCLR",
    config=SimCLRConfig,
    answers=ROW,
    targets=(),
    suggests={"none": "there are no labels"},
    inputs={"image": "images"},
    labels=False,
    views=True,
    settings="sonde.tasks.simclr.recipe:settings",
    shorten={"features": lambda values: {"features": f"{count(len(values))} numbers"}},
)
