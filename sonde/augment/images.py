"""Changes of where pixels stand: (B, C, H, W) in, the same shape out, every image with its own parameters.

Whole-pixel moves keep the type and are one gather; turning and zooming interpolate and give float32 in 0..1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Padding = Literal["reflect", "zero"]

# B images, C channels, H height, W width


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which pixel of its image each output pixel shows. rows: (B, H) int64, columns: (B, W) int64; may lie outside."""

    rows: Tensor
    columns: Tensor


def whole(images: Tensor) -> Window:
    """The window that changes nothing. It is the host's, where parameters are drawn."""
    count, _, height, width = images.shape
    return Window(rows=torch.arange(height).expand(count, -1), columns=torch.arange(width).expand(count, -1))


def flipped(window: Window, *, across: Tensor, upside: Tensor) -> Window:
    """Mirrored left to right where `across` (B,) bool, top to bottom where `upside` (B,) bool."""
    return Window(
        rows=torch.where(upside[:, None], window.rows.flip(1), window.rows),
        columns=torch.where(across[:, None], window.columns.flip(1), window.columns),
    )


def shifted(window: Window, down: Tensor, right: Tensor) -> Window:
    """Moved over the image by (B,) whole pixels."""
    return Window(rows=window.rows + down[:, None], columns=window.columns + right[:, None])


def seen_through(images: Tensor, window: Window, padding: Padding = "reflect") -> Tensor:
    """The pixels a window shows; beyond the edge the image mirrored (without repeating the edge), or zeros."""
    count, channels, height, width = images.shape
    rows, columns = window.rows, window.columns
    places = _inside(rows, height)[:, :, None] * width + _inside(columns, width)[:, None, :]  # (B, H, W)
    places = places.view(count, 1, height * width).expand(-1, channels, -1).to(images.device, non_blocking=True)
    seen = images.reshape(count, channels, -1).gather(2, places).view_as(images)
    if padding == "zero":
        seen *= _covered(window, height, width)[:, None].to(images.device, non_blocking=True)
    return seen


def labels_seen_through(labels: Tensor, window: Window, *, beyond: int) -> Tensor:
    """`seen_through` for whole numbers that stand for what a pixel shows, (B, H, W); `beyond` past the edge."""
    seen = seen_through(labels[:, None], window)[:, 0]
    covered = _covered(window, *labels.shape[1:]).to(labels.device, non_blocking=True)
    return torch.where(covered, seen, beyond)


def _covered(window: Window, height: int, width: int) -> Tensor:
    """(B, H, W) bool: the pixels of a window that lie on the image."""
    rows, columns = window.rows, window.columns
    return ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]


def _inside(places: Tensor, length: int) -> Tensor:
    """Places beyond either edge mirrored back: -1 -> 1, length -> length - 2."""
    if length == 1:
        return torch.zeros_like(places)
    period = 2 * (length - 1)
    places = places.remainder(period)
    return torch.minimum(places, period - places)


def rotation(degrees: Tensor, height: int, width: int) -> Tensor:
    """(B, 2, 3) maps for `warped` that turn images counter-clockwise by (B,) degrees about their centre."""
    angle = torch.deg2rad(degrees)
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    return _maps([[cos, -sin * height / width, zero], [sin * width / height, cos, zero]])


def zoom(area: Tensor, ratio: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """(B, 2, 3) maps for `warped` that show a part of the image.

    area: share of the image in (0, 1]; ratio: width over height of the part, relative to the image's
    across, down: in [0, 1], where in the room that is left the part lies
    """
    width = (area * ratio).sqrt().clamp(max=1)
    height = (area / ratio).sqrt().clamp(max=1)
    zero = torch.zeros_like(area)
    return _maps([[width, zero, (2 * across - 1) * (1 - width)], [zero, height, (2 * down - 1) * (1 - height)]])


def shear(across: Tensor, down: Tensor) -> Tensor:
    """(B, 2, 3) maps: rows pushed sideways by `across` x their height above the centre, columns by `down`."""
    one, zero = torch.ones_like(across), torch.zeros_like(across)
    return _maps([[one, across, zero], [down, one, zero]])


def shift(across: Tensor, down: Tensor) -> Tensor:
    """(B, 2, 3) maps: moved by shares of the width and height."""
    one, zero = torch.ones_like(across), torch.zeros_like(across)
    return _maps([[one, zero, 2 * across], [zero, one, 2 * down]])


def _maps(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    return torch.stack([torch.stack(list(row), 1) for row in rows], 1)


def after(first: Tensor, second: Tensor) -> Tensor:
    """One map (B, 2, 3) that does what `first`, then `second`, would."""
    # maps take output places to input places, so the later change is applied to places first
    linear = first[:, :, :2] @ second[:, :, :2]
    offset = first[:, :, :2] @ second[:, :, 2:] + first[:, :, 2:]
    return torch.cat([linear, offset], 2)


def warped(images: Tensor, maps: Tensor) -> Tensor:
    """Float images at the places that (B, 2, 3) maps name, bilinear; beyond the edge the image mirrored.

    Coordinates run from -1 to 1 between the outer edges of the outer pixels (x first), as in F.grid_sample.
    """
    grid = _places(maps.to(images.device, images.dtype, non_blocking=True), *images.shape[2:])
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def labels_warped(labels: Tensor, maps: Tensor, *, beyond: int) -> Tensor:
    """`warped` for whole numbers that stand for what a pixel shows, (B, H, W): the nearest one; `beyond` past the edge."""
    grid = _places(maps.to(labels.device, non_blocking=True), *labels.shape[1:])
    shifted = (labels + 1.0)[:, None]  # so that 0, which stands past the edge, is no label
    found = F.grid_sample(shifted, grid, mode="nearest", padding_mode="zeros", align_corners=False)[:, 0]
    return torch.where(found > 0, found - 1, float(beyond)).to(labels.dtype)


def _places(maps: Tensor, height: int, width: int) -> Tensor:
    """(B, H, W, 2): where each output pixel looks, for `F.grid_sample`."""
    across = (torch.arange(width, device=maps.device) * 2 + 1) / width - 1
    down = (torch.arange(height, device=maps.device) * 2 + 1) / height - 1
    # F.affine_grid multiplies matrices of depth three, which costs more than the sampling itself
    grid = torch.empty(len(maps), height, width, 2, device=maps.device, dtype=maps.dtype)
    for axis in (0, 1):
        by_column = maps[:, axis, :1] * across  # (B, W)
        by_row = maps[:, axis, 1:2] * down + maps[:, axis, 2:]  # (B, H)
        torch.add(by_column[:, None, :], by_row[:, :, None], out=grid[..., axis])
    return grid


def cut_out(images: Tensor, top: Tensor, left: Tensor, size: int, fill: Tensor) -> Tensor:
    """Squares of `size` pixels filled with `fill` (C,), their corners at (B,) `top`, `left`, which may lie outside.

    Source: DeVries and Taylor 2017, arXiv:1708.04552
    """
    hole = box(images, top, left, top + size, left + size)
    return chosen(hole, fill.to(images.device, images.dtype).view(-1, 1, 1), images)


def chosen(where: Tensor, ours: Tensor, theirs: Tensor) -> Tensor:
    """`ours` where `where` is true, else `theirs`; of their type, uint8 too."""
    # torch.where with a mask that all channels share took four times as long on a CPU (torch 2.13)
    ours_count = where.to(theirs.dtype)
    return (theirs * (1 - ours_count)).add_(ours * ours_count)


def box(images: Tensor, top: Tensor, left: Tensor, bottom: Tensor, right: Tensor) -> Tensor:
    """(B, 1, H, W) bool, true from `top` to before `bottom` and `left` to before `right`, each (B,)."""
    rows, columns = torch.arange(images.shape[2]), torch.arange(images.shape[3])
    within = (rows >= top[:, None]) & (rows < bottom[:, None])
    beside = (columns >= left[:, None]) & (columns < right[:, None])
    return (within[:, None, :, None] & beside[:, None, None, :]).to(images.device, non_blocking=True)


def as_float(images: Tensor) -> Tensor:
    """uint8 0..255 -> float32 0..1; floats unchanged."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images
