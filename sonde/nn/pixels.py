"""Pixels as numbers."""

import torch
from torch import Tensor


def as_logged(seen: Tensor) -> Tensor:
    """Observations of a log that are no inputs, such as what followed: bytes of pixels, which batches hold as whole numbers, are
    bytes again."""
    return seen if seen.is_floating_point() else seen.to(torch.uint8)


def as_shares(seen: Tensor) -> Tensor:
    """Bytes as shares of white, from 0 to 1; of (B, C, H, W) with channels innermost, in which order convolutions of few channels
    are quicker on a CPU. Other numbers stay as they are."""
    order = torch.channels_last if seen.ndim == 4 else torch.contiguous_format
    if seen.dtype == torch.uint8:
        return seen.to(torch.float32, memory_format=order).div_(255)
    return seen.contiguous(memory_format=order)
