"""Numbers that stay on the device until they are read, all at once."""

import torch
from torch import Tensor


class Readings:
    """Scalars on devices, read together and late."""

    def __init__(self) -> None:
        self._kept: list[Tensor] = []  # each of any shape
        self._read: list[float] | None = None
        self._count = 0

    def keep(self, value: Tensor) -> int:
        """The place of a scalar among those that are read."""
        self._kept.append(value.detach().reshape(1))
        self._count += 1
        return self._count - 1

    def keep_all(self, values: Tensor) -> int:
        """The place of the first of several (n,) that are read, which stand one after the other."""
        self._kept.append(values.detach())
        self._count += len(values)
        return self._count - len(values)

    def __getitem__(self, place: int) -> float:
        if self._read is None:
            self._read, self._kept = _read(self._kept), []
        return self._read[place]


def _read(kept: list[Tensor]) -> list[float]:
    """All numbers in their order, with one copy from each device."""
    devices = {each.device for each in kept}
    if len(devices) > 1:
        kept = [each.cpu() for each in kept]
    return torch.cat([each.float() for each in kept]).tolist() if kept else []


def in_words(trouble: Exception) -> str:
    """An exception in one line, without its last stop."""
    first = str(trouble).strip().split("\n")[0].rstrip(".")
    return f"{type(trouble).__name__}: {first}" if first else type(trouble).__name__
