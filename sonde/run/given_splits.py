"""Data that come as a dict of splits, such as Hugging Face's DatasetDict: which part is trained on, which is evaluated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from sonde.core.errors import ConfigError
from sonde.data.hugging_face import is_hub_set, is_streaming_set
from sonde.data.splits import SPLITS_OF_A_DICT, refuse_twice


@dataclass(frozen=True, kw_only=True)
class GivenSplits:
    """What is trained on and evaluated, as `sonde.fit` takes each; said: how a dict was understood, "" where there was none."""

    train: Any
    validation: Any
    test: Any
    said: str = ""
    left_out: tuple[str, ...] = ()


def given_splits(train: Any, validation: Any, test: Any) -> GivenSplits:
    """The parts of a dict of splits; other data as they are.

    A dict is one of splits where each of its values is a whole set (a Dataset, a DataLoader, a set of Hugging Face's, or a tuple)
    and "train" is among their names.
    Raises: ConfigError for a split that is given twice
    """
    if not isinstance(train, Mapping) or not train or not all(map(_is_whole, train.values())):
        return GivenSplits(train=train, validation=validation, test=test)
    named = {SPLITS_OF_A_DICT.get(str(name).lower(), ""): name for name in train}
    refuse_twice(train)
    if "train" not in named:
        if all(map(is_hub_set, train.values())):
            raise ConfigError(
                f"there is no split called train, only {', '.join(map(str, train))}; give the one to train on"
            )
        return GivenSplits(train=train, validation=validation, test=test)
    parts = {split: train[name] for split, name in named.items() if split}
    for split, given in (("validation", validation), ("test", test)):
        if split in parts and given is not None:
            raise ConfigError(f"{split} is given twice, in the dict and as {split}=; leave one of the two out")
    uses = {"train": "is trained on", "validation": "chooses the weights", "test": "is evaluated once, at the end"}
    return GivenSplits(
        train=parts["train"],
        validation=parts.get("validation", validation),
        test=parts.get("test", test),
        said=", ".join(f"{named[split]} {use}" for split, use in uses.items() if split in parts),
        left_out=tuple(str(name) for name in train if str(name).lower() not in SPLITS_OF_A_DICT),
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, TorchDataset | DataLoader | tuple) or is_hub_set(value) or is_streaming_set(value)
