"""What acting takes of memory, reckoned before anything of it is taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch

from sonde.core.bounds import flag
from sonde.core.config import TrainConfig
from sonde.core.errors import ConfigError
from sonde.core.memory import free_bytes
from sonde.core.units import size

LEARNING = 4  # numbers for each of a network's: itself, its gradient and two of the optimiser; as many for a checkpoint of them


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of what is needed, which grows with a setting.

    what:    in words, for what;  nbytes: at the setting's value `number`
    setting: name of that; "" where nothing makes it smaller;  least: of it
    """

    what: str
    nbytes: int
    setting: str = ""
    number: int = 0
    least: int = 1

    def at(self, number: int) -> "Part":
        """The same at another value of its setting."""
        return Part(
            what=self.what,
            nbytes=-(-self.nbytes * number // self.number),
            setting=self.setting,
            number=number,
            least=self.least,
        )


def refuse_too_large(parts: Sequence[Part], called: str, otherwise: str, *, free: int) -> None:
    """Raises: ConfigError where the parts together would not fit, with smaller settings by which they would

    called: what needs them;  otherwise: what to take where no settings help;  free: bytes
    """
    if (total := sum(part.nbytes for part in parts)) <= free:
        return
    largest = sorted(parts, key=lambda part: -part.nbytes)[:3]
    told = ", ".join(f"{size(part.nbytes)} for {part.what}" for part in largest)
    found = fitting(parts, free)
    remedy = otherwise
    if found is not None:
        before = {part.setting: part.number for part in parts}
        changed = {part.setting: part.number for part in found if part.setting and part.number < before[part.setting]}
        remedy = "give " + " ".join(f"{flag(name)} {number}" for name, number in changed.items())
    raise ConfigError(f"{called} needs {size(total)} of memory, of which {size(free)} are free: {told}; {remedy}")


def fitting(parts: Sequence[Part], free: int) -> list[Part] | None:
    """The parts with the settings of the largest halved until all of them fit; None where they never do.

    >>> parts = [Part(what="a", nbytes=800, setting="rollout", number=128), Part(what="b", nbytes=300)]
    >>> [part.number for part in fitting(parts, 600) or []], fitting(parts, 300)
    ([32, 0], None)
    """
    found = list(parts)
    while sum(part.nbytes for part in found) > free:
        smaller = [part for part in found if part.setting and part.number > part.least]
        if not smaller:
            return None
        setting = max(smaller, key=lambda part: part.nbytes).setting
        number = max(
            max(part.least for part in found if part.setting == setting),
            next(part.number for part in smaller if part.setting == setting) // 2,
        )
        found = [part.at(number) if part.setting == setting else part for part in found]
    return found


def observation_bytes(shape: Sequence[int], dtype: object) -> int:
    """Of one observation."""
    return prod(shape) * np.dtype(dtype).itemsize  # type: ignore[call-overload]


def learning_bytes(parameters: int) -> int:
    """Of a network while it learns, in single precision, and while a checkpoint of it is written."""
    return 2 * LEARNING * 4 * parameters


def written_at_most(config: TrainConfig, every: float, before: int) -> float:
    """How much is added to a store in a run, where its steps say so: `every` an update, after so many `before` the first."""
    loop = config.loop
    return float("inf") if loop.steps is None else before + loop.steps * every


def free_on(device: torch.device) -> int:
    """Bytes that are free where tensors of a device are."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return free_bytes()
