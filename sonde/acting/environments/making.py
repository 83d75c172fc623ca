"""How environments are made, again and again: in this process and in others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sonde.acting.environments.checked import Checked
from sonde.acting.environments.watchdog import watch


@dataclass(frozen=True, kw_only=True)
class Making:
    """How a checked environment is made, again and again.

    make: the environment itself;  encode, shape, name, timeout, longest: as of `Checked`;  dtype: of what it shows
    """

    make: Callable[[], Any]
    encode: Callable[[Any], np.ndarray]
    shape: tuple[int, ...]
    name: str
    dtype: str = "float32"
    timeout: float = 0.0
    longest: int | None = None

    def __call__(self) -> Checked:
        return self.of(self.make())

    def of(self, env: Any) -> Checked:
        """One that was made already."""
        checked = Checked(
            env, self.encode, shape=self.shape, name=self.name, timeout=self.timeout, longest=self.longest
        )
        watch(checked)
        return checked


def as_shown(seen: np.ndarray) -> np.ndarray:
    """What a checked environment shows is encoded already."""
    return seen
