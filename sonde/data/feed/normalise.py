"""Raw fields -> what a network is fed: one way for training, evaluation and prediction, and back again for pictures."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from sonde.core.batch import VIEWS
from sonde.core.dataset import InputSpec


class Normalise:
    """Moves fields to the device; images (channels, height, width) and clips, which have frames before those axes, become
    normalised float32, all else stays as it is.

    uint8 images count as 0..255, float images as 0..1. Output (B, …, C, H, W) float32 = (x - mean) / std per channel.
    """

    def __init__(self, spec: InputSpec, device: torch.device, *, channels_last: bool = False) -> None:
        self.device = device
        self.has_pixels = spec.has_planes or spec.has_frames
        self.channels_last = channels_last and spec.has_planes
        channels = spec.shape[-3] if self.has_pixels else 1
        mean = torch.tensor(spec.mean or (0.0,) * channels, dtype=torch.float64)
        std = torch.tensor(spec.std or (1.0,) * channels, dtype=torch.float64)
        std = torch.where(std > 0, std, 1.0)  # a channel that never varies
        self._mean, self._std = mean, std
        self._offset = _factor(-mean / std, device)
        self._of_bytes = _factor(1 / (255 * std), device)
        self._of_floats = _factor(1 / std, device)

    def __call__(self, fields: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same fields on the device, `input` and views of it prepared."""
        if self.device.type == "cpu":
            ready = dict(fields)
        else:
            ready = {name: field.to(self.device, non_blocking=True) for name, field in fields.items()}
        if self.has_pixels:
            ready |= {name: self.image(ready[name]) for name in ("input", *VIEWS) if name in ready}
        return ready

    def image(self, image: Tensor) -> Tensor:
        """(B, …, C, H, W) uint8 or float on the device -> normalised float32, always a new tensor."""
        is_bytes = image.dtype == torch.uint8
        scaled = image.float().mul_(self._of_bytes) if is_bytes else image.float() * self._of_floats
        scaled.add_(self._offset)
        # to float first: torch 2.13 needs three times as long to reorder and convert in one call
        return scaled.contiguous(memory_format=torch.channels_last if self.channels_last else torch.contiguous_format)

    def picture(self, image: Tensor) -> np.ndarray:
        """Prepared (…, C, H, W) -> (…, H, W, C) uint8, to be looked at."""
        shape = (-1, 1, 1)
        pixels = image.detach().cpu().double() * self._std.view(shape) + self._mean.view(shape)
        return (pixels * 255).round().clamp(0, 255).to(torch.uint8).movedim(-3, -1).contiguous().numpy()


def _factor(values: Tensor, device: torch.device) -> Tensor | float:
    """(C, 1, 1) on the device; a plain number where one does for all channels, which torch applies faster."""
    if bool((values == values[0]).all()):
        return float(values[0])
    return values.float().view(-1, 1, 1).to(device)
