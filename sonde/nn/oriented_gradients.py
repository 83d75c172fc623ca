"""What edges an image has, and roughly where: a description that small shifts and strokes of other widths change little."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ORIENTATIONS = 12
SHARPNESS = 8  # power of the cosine between an edge and an orientation: an edge counts for two or three of them
SMOOTHED = 0.7  # pixels, before edges are looked for
POOLED = 2.0  # pixels, within which edges are counted together
STRIDE = 3  # pixels from one place to the next
MOST_SIDE = 32  # pixels of an image that is described: larger ones are made smaller

# B rows, C channels, P places


class OrientedGradients(nn.Module):
    """(B, C, H, W) -> (B, ORIENTATIONS * P): the root of how much edge of each orientation lies at each place. Contrast does not
    matter: their squares have length 1, or 0 where there are no edges.

    Nothing is learned. Source: Dalal and Triggs 2005, Histograms of oriented gradients for human detection, CVPR; the root of
    shares, whose distance is Hellinger's: Arandjelovic and Zisserman 2012, Three things everyone should know, CVPR
    """

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) of any float type -> (B, D) float32."""
        with torch.autocast(images.device.type, enabled=False):
            plane = _smaller(images.float()).mean(1, keepdim=True)
            maps = _edges(_blurred(plane, SMOOTHED))
            found = _blurred(maps, POOLED)[:, :, 1::STRIDE, 1::STRIDE].flatten(1)
            return (found / found.norm(dim=1, keepdim=True).clamp(min=1e-6)).clamp(min=0).sqrt()


def _smaller(images: Tensor) -> Tensor:
    height, width = images.shape[2:]
    longest = max(height, width)
    if longest <= MOST_SIDE:
        return images
    return F.adaptive_avg_pool2d(images, (max(2, height * MOST_SIDE // longest), max(2, width * MOST_SIDE // longest)))


def _edges(plane: Tensor) -> Tensor:
    """(B, 1, H, W) -> (B, ORIENTATIONS, H, W): the slope's size, shared among the orientations near its own."""
    wide = F.pad(plane, (1, 1, 1, 1), mode="replicate")
    across = (wide[:, :, 1:-1, 2:] - wide[:, :, 1:-1, :-2]) / 2
    down = (wide[:, :, 2:, 1:-1] - wide[:, :, :-2, 1:-1]) / 2
    size = (across.square() + down.square()).sqrt()
    turns = torch.arange(ORIENTATIONS, device=plane.device) * (2 * math.pi / ORIENTATIONS)
    cosine = (across * turns.cos().view(-1, 1, 1) + down * turns.sin().view(-1, 1, 1)) / size.clamp(min=1e-6)
    return cosine.clamp(min=0) ** SHARPNESS * size


def _blurred(maps: Tensor, deviation: float) -> Tensor:
    """(B, C, H, W) -> the same, each map by itself; beyond the edge lies what is at the edge."""
    reach = min(math.ceil(3 * deviation), min(maps.shape[2:]) - 1)
    places = torch.arange(-reach, reach + 1, device=maps.device, dtype=maps.dtype)
    kernel = (-(places**2) / (2 * deviation**2)).exp()
    kernel, rows = kernel / kernel.sum(), maps.flatten(0, 1)[:, None]
    rows = F.conv2d(F.pad(rows, (reach, reach, 0, 0), mode="replicate"), kernel.view(1, 1, 1, -1))
    rows = F.conv2d(F.pad(rows, (0, 0, reach, reach), mode="replicate"), kernel.view(1, 1, -1, 1))
    return rows.view_as(maps)
