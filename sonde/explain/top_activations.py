"""The image patches with the highest activations of a network's channels: edges in early layers, parts of things in late ones.

Source: Zeiler and Fergus 2014, arXiv:1311.2901, section 4; the size of what a place sees: Luo et al. 2016, arXiv:1701.04128
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from sonde.explain.hooks import as_used, hooked, places

CHANNELS = 6  # shown of each layer
PATCHES = 6  # shown of each channel, each of another image
AT_ONCE = 16  # images
TRACED = 3  # images by which a layer's sight is measured
MASS = 0.9  # share of the influence on a place that lies inside its reported receptive field
FEWEST = 24  # rows, of which the six with the highest activation say something

# R rows, C channels, H, W of the image, h, w of a map

Read = Callable[[Sequence[int]], Tensor]
"""Numbers of rows -> (B, C, H, W) as the network is fed."""


class TooSlow(Exception):
    """The network is too slow for the time there is."""


@dataclass(frozen=True, kw_only=True)
class Channel:
    """rows: numbers of those with the highest activation, highest first;  boxes: left, top, right, bottom of the part of each."""

    number: int
    rows: tuple[int, ...]
    boxes: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """channels: how many there are;  side: pixels of the square that one place of it sees, roughly."""

    name: str
    channels: int
    side: int
    shown: tuple[Channel, ...]


@dataclass(frozen=True, kw_only=True)
class Peaks:
    """Where each channel's activation is highest in each row. value: (R, C); place: (R, C) flat; size: (h, w) of the map."""

    value: np.ndarray
    place: np.ndarray
    size: tuple[int, int]


def top_activations(
    model: nn.Module,
    layers: Mapping[str, Sequence[nn.Module]],
    read: Read,
    rows: Sequence[int],
    *,
    seconds: float,
) -> tuple[list[Layer], int]:
    """An early, a middle and a late layer with top activations of their most selective channels, and the number of rows used.

    layers: name of the module with matrices -> it, and those that follow it
    rows: to process, from the first on as far as the time allows
    Raises: TooSlow
    """
    with as_used(model):
        first = read(rows[:1])
        hooked_modules = places(model, layers, first)
        if not hooked_modules:
            return [], 0
        rows = sorted(rows[: _affordable(model, read, rows, seconds)])  # which is quicker to read
        peaks = _peaks(model, hooked_modules, read, rows)
        found = []
        for name, module in hooked_modules.items():
            chosen = selective(peaks[name].value)
            side = _side(model, module, read, rows, peaks[name], chosen) if chosen else 0
            shown = tuple(
                _channel(number, peaks[name], rows, side, (first.shape[2], first.shape[3])) for number in chosen
            )
            found.append(Layer(name=name, channels=peaks[name].value.shape[1], side=side, shown=shown))
        return [layer for layer in found if layer.shown], len(rows)


def selective(value: np.ndarray) -> list[int]:
    """Channels that a few rows excite far more than the others do: at most `CHANNELS`, the most selective first.

    value: (R, C), the largest answer to each row. Those that less than `PATCHES` rows excite at all are passed over, and so are
    those whose strongest row another one has already, as long as there are enough.
    """
    several = min(PATCHES, len(value))
    ordered = np.sort(value, axis=0)[::-1]
    spread = ordered.std(axis=0)
    alive = (ordered[several - 1] > 0) & (spread > 0)
    score = np.where(alive, (ordered[:several].mean(0) - ordered.mean(0)) / np.where(spread > 0, spread, 1), -np.inf)
    order = [int(number) for number in np.argsort(-score, kind="stable") if alive[number]]
    strongest = value.argmax(axis=0)
    fresh = [number for place, number in enumerate(order) if strongest[number] not in strongest[order[:place]]]
    again = [number for number in order if number not in fresh]
    return (fresh + again)[:CHANNELS]


def sight(influence: np.ndarray) -> int:
    """Side of the square around its middle of mass that holds `MASS` of an influence (H, W); 0 where there is none."""
    total = influence.sum()
    if not total > 0:
        return 0
    height, width = influence.shape
    down, across = np.arange(height), np.arange(width)
    middle = (influence.sum(1) @ down / total, influence.sum(0) @ across / total)
    distance = np.maximum(abs(down - middle[0])[:, None], abs(across - middle[1])[None]).ravel()
    order = distance.argsort(kind="stable")
    inside = np.searchsorted(influence.ravel()[order].cumsum(), MASS * total * (1 - 1e-6))
    return 2 * round(float(distance[order[inside]])) + 1


def box(place: int, size: tuple[int, int], side: int, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the square of `side` that a place of a map of `size` looks at, moved into the image.

    Its middle is that of the place's share of the image; without padding in the network it lies a pixel or two beside.
    >>> box(0, (4, 4), 8, (16, 16)), box(5, (4, 4), 8, (16, 16))
    ((0, 0, 8, 8), (2, 2, 10, 10))
    """
    sides = []
    for index, length, whole in ((place % size[1], size[1], shape[1]), (place // size[1], size[0], shape[0])):
        wide = min(side, whole)
        middle = (index + 0.5) * whole / length
        start = min(max(round(middle - wide / 2), 0), whole - wide)
        sides.append((start, start + wide))
    (left, right), (top, bottom) = sides
    return left, top, right, bottom


def _affordable(model: nn.Module, read: Read, rows: Sequence[int], seconds: float) -> int:
    """How many rows can be processed. Raises: TooSlow where they would be too few to say anything."""
    few = rows[:2]
    begun = time.perf_counter()
    with torch.no_grad():
        answer = model(read(few))
        if isinstance(answer, Tensor):
            answer.flatten()[:1].cpu()  # waits for a GPU
    each = (time.perf_counter() - begun) / len(few)
    traced = 3 * 3 * TRACED  # of three layers, and a gradient costs twice the answer
    most = int(seconds / each) - traced
    if most < min(FEWEST, len(rows)):
        raise TooSlow(f"the network needs {each:.2g} s per image, too slow to process enough of them")
    return min(most, len(rows))


def _peaks(
    model: nn.Module, hooked_modules: Mapping[str, nn.Module], read: Read, rows: Sequence[int]
) -> dict[str, Peaks]:
    name_of = {module: name for name, module in hooked_modules.items()}
    found: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in hooked_modules}
    sizes: dict[str, tuple[int, int]] = {}

    def seen(module: nn.Module, maps: Tensor) -> None:
        value, place = maps.float().flatten(2).max(2)
        found[name_of[module]].append((value.cpu(), place.cpu()))
        sizes[name_of[module]] = (maps.shape[2], maps.shape[3])

    for start in range(0, len(rows), AT_ONCE):
        with torch.no_grad(), hooked(name_of, seen):
            model(read(rows[start : start + AT_ONCE]))
    return {
        name: Peaks(
            value=torch.cat([value for value, _ in parts]).numpy(),
            place=torch.cat([place for _, place in parts]).numpy(),
            size=sizes[name],
        )
        for name, parts in found.items()
    }


def _side(
    model: nn.Module, module: nn.Module, read: Read, rows: Sequence[int], peaks: Peaks, chosen: Sequence[int]
) -> int:
    """The median over a few images of what the gradient says a place sees; the whole image of a layer without places."""
    traced = list(chosen[:TRACED])
    strongest = [int(peaks.value[:, number].argmax()) for number in traced]
    input = read([rows[row] for row in strongest])
    if peaks.size == (1, 1):
        return max(input.shape[2:])
    channels = torch.tensor(traced, device=input.device)
    spots = torch.tensor([int(peaks.place[row, n]) for row, n in zip(strongest, traced, strict=True)]).to(input.device)
    answers: list[Tensor] = []

    def seen(module: nn.Module, maps: Tensor) -> None:
        answers.append(maps.flatten(2)[torch.arange(len(maps), device=maps.device), channels, spots].sum())

    with torch.inference_mode(False), torch.enable_grad(), hooked([module], seen):
        input = input.clone().requires_grad_()
        model(input)
        (gradient,) = torch.autograd.grad(answers[0], input)
    sides = [sight(one) for one in gradient.abs().sum(1).double().cpu().numpy()]
    whole = max(input.shape[2:])
    return min(int(np.median([side for side in sides if side] or [whole])), whole)


def _channel(number: int, peaks: Peaks, rows: Sequence[int], side: int, shape: tuple[int, int]) -> Channel:
    best = np.argsort(-peaks.value[:, number], kind="stable")[:PATCHES]
    boxes = tuple(box(int(peaks.place[row, number]), peaks.size, side, shape) for row in best)
    return Channel(number=number, rows=tuple(rows[row] for row in best), boxes=boxes)
