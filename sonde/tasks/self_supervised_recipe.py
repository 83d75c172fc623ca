"""Defaults for learning without labels, each with its reason."""

from typing import Any

import torch

from sonde.core.dataset import Dataset
from sonde.core.errors import ConfigError
from sonde.optim.build import product_dtype

Settings = dict[str, tuple[Any, str]]


def settings(dataset: Dataset, task: str) -> Settings:
    """Leaf settings for a dataset of images, whose labels are not used. Raises: ConfigError for another kind of data."""
    spec = dataset.schema.input
    if spec.kind != "image":
        raise ConfigError(
            f"task {task} learns from images, and this data is of kind {spec.kind!r}; leave --task {task} out"
        )
    why = "as networks are usually trained without labels: AdamW, a warm-up and a cosine"
    chosen: Settings = {
        "optimizer": ("adamw", why),
        "lr": (1e-3, why),
        "schedule": ("cosine", why),
        "warmup": (0.1, why),
        "batch_size": (256, "other images to be told from" if task == "simclr" else why),
        "epochs": (40, "labels would be learnt in fewer; what there is to learn here does not run out"),
        "evaluate_every": (2.0, "judging shows how far it is, and chooses little"),
    }
    if task == "simclr":
        chosen["weight_decay"] = (1e-4, why)
        chosen["augment"] = _views(colour=spec.shape[0] == 3)
    else:
        chosen["weight_decay"] = (0.05, "as masked autoencoders are trained (He et al. 2021, appendix A.1)")
        chosen["beta2"] = (0.95, "as masked autoencoders are trained (He et al. 2021, appendix A.1)")
        chosen["augment"] = _shown(colour=spec.shape[0] == 3)
    if product_dtype("cuda" if torch.cuda.is_available() else "cpu") == torch.bfloat16:
        chosen["precision"] = ("bf16", "this machine has bf16 units")
    return chosen


def _views(*, colour: bool) -> tuple[str, str]:
    if colour:
        return (
            "resized-crop=0.2,flip,colour=0.5,grey=0.2",
            "without changes of colour two crops are told to belong together by their colours alone (Chen et al. 2020)",
        )
    return "resized-crop=0.4,rotate=15,colour=0.5", "mirrored symbols are others"


def _shown(*, colour: bool) -> tuple[str, str]:
    if colour:
        return "resized-crop=0.2,flip", "crops alone serve best where patches are hidden (He et al. 2021, table 1)"
    return "resized-crop=0.4", "mirrored symbols are others"
