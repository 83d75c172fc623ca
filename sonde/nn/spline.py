"""Increasing rational-quadratic splines, which can be undone in closed form.

Source: Durkan, Bekasov, Murray and Papamakarios 2019, Neural spline flows, arXiv:1906.04032, section 3.1
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

BOUND = 4.0  # the spline goes from -4 to 4 in both directions; beyond them nothing is changed
LEAST = 1e-3  # share of a bin in the whole, and slope
_FLAT = math.log(math.expm1(1 - LEAST))  # what gives slope 1


class Piece(NamedTuple):
    """The bin of each value: where it begins, its width and height, and the slopes at both ends."""

    x: Tensor
    y: Tensor
    width: Tensor
    height: Tensor
    low: Tensor
    high: Tensor


def spline(input: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
    """(…,) and (…, 3 K - 1) of any size -> (the same, bent; log of the slope there). All zeros bend nothing."""
    x_knots, y_knots, slopes = _knots(raw)
    inside = input.abs() < BOUND
    value = input.clamp(-BOUND, BOUND)
    piece = _piece(value, x_knots, x_knots, y_knots, slopes)
    share = ((value - piece.x) / piece.width).clamp(0, 1)
    rest, steep = share * (1 - share), piece.height / piece.width
    below = steep + (piece.low + piece.high - 2 * steep) * rest
    bent = piece.y + piece.height * (steep * share.square() + piece.low * rest) / below
    return torch.where(inside, bent, input), torch.where(inside, _log_slope(piece, share), 0)


def undone(output: Tensor, raw: Tensor) -> Tensor:
    """What `spline` bends to it."""
    x_knots, y_knots, slopes = _knots(raw)
    inside = output.abs() < BOUND
    value = output.clamp(-BOUND, BOUND)
    piece = _piece(value, y_knots, x_knots, y_knots, slopes)
    steep, above = piece.height / piece.width, value - piece.y
    bend = piece.low + piece.high - 2 * steep
    # equation 6 to 8 of the paper: the root of a quadratic that lies in the bin
    a = piece.height * (steep - piece.low) + above * bend
    b = piece.height * piece.low - above * bend
    c = -steep * above
    share = 2 * c / (-b - (b.square() - 4 * a * c).clamp(min=0).sqrt())
    return torch.where(inside, piece.x + share * piece.width, output)


def _knots(raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(…, K + 1) each: places, heights and slopes."""
    bins = (raw.shape[-1] + 1) // 3
    widths, heights, slopes = raw.split([bins, bins, bins - 1], -1)
    return _edges(widths), _edges(heights), F.pad(LEAST + F.softplus(slopes + _FLAT), (1, 1), value=1.0)


def _edges(raw: Tensor) -> Tensor:
    """(…, K) -> (…, K + 1) from -BOUND to BOUND."""
    shares = LEAST + (1 - LEAST * raw.shape[-1]) * raw.softmax(-1)
    inner = shares[..., :-1].cumsum(-1)
    return 2 * BOUND * F.pad(F.pad(inner, (1, 0), value=0.0), (0, 1), value=1.0) - BOUND


def _piece(value: Tensor, among: Tensor, x_knots: Tensor, y_knots: Tensor, slopes: Tensor) -> Piece:
    """The bin of each value among some knots."""
    bin = torch.searchsorted(among[..., 1:-1].detach().contiguous(), value.detach()[..., None].contiguous())

    def at(knots: Tensor, more: int = 0) -> Tensor:
        return knots.gather(-1, bin + more)[..., 0]

    x, y = at(x_knots), at(y_knots)
    return Piece(x, y, at(x_knots, 1) - x, at(y_knots, 1) - y, at(slopes), at(slopes, 1))


def _log_slope(piece: Piece, share: Tensor) -> Tensor:
    rest, steep = share * (1 - share), piece.height / piece.width
    below = steep + (piece.low + piece.high - 2 * steep) * rest
    above = piece.high * share.square() + 2 * steep * rest + piece.low * (1 - share).square()
    return 2 * steep.log() + above.log() - 2 * below.log()
