"""What is given where rows or batches are wanted, and holds none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import nn

from sonde.core.acting import acted_in
from sonde.core.errors import ConfigError
from sonde.data.feed.loader import ONCE


def no_data(data: Any, what: str) -> ConfigError:
    """The error of what nothing can be read from. what: "training", "validation" or "test", that it is for"""
    if data is None:
        return ConfigError(
            f"there are no data to {_use(what)}, and steps count batches; a task that draws its own takes any that do not end, "
            "such as lambda: itertools.repeat(torch.zeros(64, 1)), with steps=1000"
        )
    if env := acted_in(data):
        return ConfigError(f"cannot {_use(what)} a {type(data).__name__}, {env}")
    return ConfigError(
        f"cannot {_use(what)} a {type(data).__name__}; give tensors (inputs, targets), a dict of tensors, a torch Dataset or "
        "DataLoader, an iterable of rows or batches or a function that makes one, or a Source"
    )


def check_iterable(data: Any, *, what: str) -> None:
    """Raises: ConfigError for what yields no rows, and an iterator to evaluate on again and again"""
    if isinstance(data, type) and (env := acted_in(data)):
        raise ConfigError(f"cannot {_use(what)} {data.__name__}, {env}")
    if isinstance(data, str | bytes | Path | type | nn.Module):
        found = "a path or name; give that to sonde.train" if isinstance(data, str | Path) else "no data"
        raise ConfigError(f"cannot {_use(what)} {data!r}, which is {found}")
    if what in ("validation", "test") and isinstance(data, Iterator):
        raise ConfigError(f"{what} data are read more than once, and {ONCE}")


def _use(what: str) -> str:
    return "train on" if what == "training" else "evaluate on"
