"""Whether things in clips move as they do in others, and whether frames stand in an order: without a network.

Clips are (N, T, H, W) or (N, T, H, W, C), of any range of values.
"""

import torch
from torch import Tensor

FAINT = 0.25
"""Of the largest difference from a clip's ground, below which a pixel does not count as part of a thing: traces of noise
would draw the centre to the middle. A quarter leaves a digit's strokes whole, which lie above a half."""
SHUFFLES = 0  # seed of the order that frames are shuffled in

# N clips, T frames


def centres(clips: Tensor) -> Tensor:
    """(N, T, 2) float64: the centre (y, x) in pixels of what stands out of the clip's ground, its median."""
    grey = clips.double() if clips.ndim == 4 else clips.double().mean(-1)
    apart = (grey - grey.flatten(1).median(1).values[:, None, None, None]).abs()
    most = apart.flatten(1).amax(1)[:, None, None, None]
    weight = (apart - FAINT * most).clamp(min=0)
    total = weight.sum((2, 3))
    height, width = grey.shape[2:]
    down = (weight.sum(3) * torch.arange(height).double()).sum(2)
    along = (weight.sum(2) * torch.arange(width).double()).sum(2)
    found = torch.stack([down, along], 2) / total.clamp(min=1e-12)[..., None]
    middle = torch.tensor([(height - 1) / 2, (width - 1) / 2], dtype=torch.float64)
    return torch.where(total[..., None] > 0, found, middle)  # an empty frame has no other


def speeds(clips: Tensor) -> Tensor:
    """(N, T - 1) pixels that the centre moves from each frame to the next; of several things, what they move together."""
    return centres(clips).diff(dim=1).norm(dim=2)


def unsteadiness(clips: Tensor) -> Tensor:
    """(N, T - 2) pixels by which one move of the centre differs from the one before: 0 of what moves evenly."""
    return centres(clips).diff(n=2, dim=1).norm(dim=2)


def time_order(clips: Tensor) -> Tensor:
    """(N,) mean squared difference of frames that follow one another, in that of all pairs of frames.

    Of frames in any order it is 1 in the mean over all orders, exactly; below 1 where what is near in time is alike. 1 of a
    clip that stands still.
    """
    rows = clips.double().flatten(2)
    pairs = torch.cdist(rows, rows).square()
    frames = rows.shape[1]
    every = pairs.sum((1, 2)) / (frames * (frames - 1))
    following = pairs.diagonal(offset=1, dim1=1, dim2=2).mean(1)
    return torch.where(every > 0, following / every.clamp(min=1e-12), 1.0)


def shuffled(clips: Tensor, *, seed: int = SHUFFLES) -> Tensor:
    """The frames of each clip in an order of its own, drawn at random."""
    drawn = torch.Generator().manual_seed(seed)
    orders = torch.stack([torch.randperm(clips.shape[1], generator=drawn) for _ in range(len(clips))])
    return clips[torch.arange(len(clips))[:, None], orders]


def told_from_shuffled(clips: Tensor) -> float:
    """Share of clips whose `time_order` is below that of the same frames shuffled, ties as a half: 1/2 without order."""
    own, other = time_order(clips), time_order(shuffled(clips))
    return float(((own < other).double() + (own == other).double() / 2).mean())


def apart(first: Tensor, second: Tensor) -> float:
    """Wasserstein distance between the distributions of values of any number, in their own unit: the area between their steps."""
    one, two = first.double().flatten().sort().values, second.double().flatten().sort().values
    every = torch.cat([one, two]).sort().values
    below = [torch.searchsorted(each, every[:-1], right=True).double() / len(each) for each in (one, two)]
    return float(((below[0] - below[1]).abs() * every.diff()).sum())
