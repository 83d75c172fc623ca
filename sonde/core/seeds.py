"""Randomness has names: one seed gives independent streams, so adding an augmentation does not reshuffle the data."""

import zlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Stream = Literal["split", "shuffle", "augment", "init", "dropout", "sample"]


def derive(seed: int, stream: Stream, *keys: int | str) -> int:
    """A 32-bit seed for one purpose and place, such as (seed, "augment", epoch, step).

    32 bits, because torch's CPU generator uses only the low 32 bits of its seed; hashed, not shifted, because a shifted
    seed gives every seed the same stream.

    >>> derive(0, "shuffle", 1) != derive(1, "shuffle", 0)
    True
    """
    return zlib.crc32("/".join(map(str, (seed, stream, *keys))).encode())


def generator(seed: int, stream: Stream, *keys: int | str, device: "torch.device | str" = "cpu") -> "torch.Generator":
    """A generator on `device`, seeded by `derive`."""
    import torch

    return torch.Generator(device=device).manual_seed(derive(seed, stream, *keys))
