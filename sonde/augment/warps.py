"""Images bent a little, each at random, all of a batch at once: what is drawn stays what it is."""

import torch
import torch.nn.functional as F
from torch import Tensor

TURN, STRETCH, SHEAR, SHIFT = (
    0.35,
    0.25,
    0.3,
    0.15,
)  # at most: radians, log of a factor, and shares of half an image's side
BEND, KNOTS = 0.06, 5  # deviation of where knots go, of 5 x 5 of them, as a share of half an image's side

# B rows


def warped(images: Tensor) -> Tensor:
    """(B, C, H, W) -> the same: turned, stretched, sheared, shifted and bent (elastically), each image in its own way.

    Draws from torch's own stream. Source: Simard, Steinkraus and Platt 2003, Best practices for convolutional neural networks
    applied to visual document analysis, ICDAR
    """
    rows = len(images)

    def drawn(most: float) -> Tensor:
        return (2 * torch.rand(rows, device=images.device, dtype=images.dtype) - 1) * most

    turn, across, down, shear = drawn(TURN), drawn(STRETCH).exp(), drawn(STRETCH).exp(), drawn(SHEAR)
    cosine, sine = turn.cos(), turn.sin()
    top = torch.stack([cosine * across, shear - sine * down, drawn(SHIFT)], 1)
    bottom = torch.stack([sine * across, cosine * down, drawn(SHIFT)], 1)
    places = F.affine_grid(torch.stack([top, bottom], 1), list(images.shape), align_corners=False)
    knots = BEND * torch.randn(rows, 2, KNOTS, KNOTS, device=images.device, dtype=images.dtype)
    bend = F.interpolate(knots, size=images.shape[2:], mode="bicubic", align_corners=False).movedim(1, -1)
    return F.grid_sample(images, places + bend, padding_mode="border", align_corners=False)
