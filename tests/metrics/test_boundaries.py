import numpy as np
import pytest
import torch
from scipy import ndimage

from sonde.core.dataset import IGNORED
from sonde.metrics.boundaries import Boundaries, near, outline


def maps(seed: int, rows: int = 4, side: int = 24, classes: int = 3) -> torch.Tensor:
    """Smooth areas of classes."""
    noise = np.random.default_rng(seed).normal(size=(classes, rows, side, side))
    smooth = np.stack([[ndimage.gaussian_filter(image, 3) for image in plane] for plane in noise])
    return torch.from_numpy(smooth.argmax(0).astype(np.uint8))


def slow_f1(prediction: np.ndarray, target: np.ndarray, number: int, tolerance: int) -> float | None:
    """By distance transforms; None where neither has an outline."""
    lines = []
    for classes in (prediction, target):
        inside = classes == number
        lines.append(inside & np.logical_not(ndimage.binary_erosion(inside, np.ones((3, 3)), border_value=1)))
    if not lines[0].any() and not lines[1].any():
        return None
    shares = []
    for line, other in (lines, lines[::-1]):
        far: np.ndarray = np.full(other.shape, 99)
        if other.any():
            far = np.asarray(ndimage.distance_transform_cdt(~other, metric="chessboard"))
        shares.append((far[line] <= tolerance).mean() if line.any() else 0.0)
    precision, recall = shares
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@pytest.mark.parametrize("tolerance", [0, 1, 3])
def test_agrees_with_distances(tolerance: int) -> None:
    prediction, target = maps(1), maps(2)
    prediction[0] = target[0]
    prediction[1] = target[1].roll(1, 1)
    prediction[2] = 0  # no outline at all
    judged = Boundaries([1, 2], tolerance=tolerance)
    judged.update(prediction[:3], target[:3])
    other = Boundaries([1, 2], tolerance=tolerance)
    other.update(prediction[3:], target[3:])
    judged.merge(other)
    found = [
        slow_f1(p, t, n, tolerance) for p, t in zip(prediction.numpy(), target.numpy(), strict=True) for n in (1, 2)
    ]
    assert judged.value() == pytest.approx(np.mean([value for value in found if value is not None]))


def test_the_images_edge_is_no_outline() -> None:
    mask = torch.zeros(1, 1, 5, 5, dtype=torch.bool)
    mask[..., :3] = True
    assert outline(mask)[0, 0].nonzero()[:, 1].tolist() == [2] * 5
    assert near(mask, 1)[0, 0].sum() == 20


def test_outlines_beside_ignored_pixels_are_not_judged() -> None:
    target = torch.zeros(1, 20, 20, dtype=torch.uint8)
    target[:, 4:12, 4:12] = 1
    prediction = target.clone()
    prediction[:, 14:17, 14:17] = 1  # wrong, but where nobody knows
    assert float(_value(prediction, target)) < 1
    target[:, 13:18, 13:18] = IGNORED
    assert float(_value(prediction, target)) == 1


def _value(prediction: torch.Tensor, target: torch.Tensor) -> float:
    judged = Boundaries([1], tolerance=1)
    judged.update(prediction, target)
    return judged.value()
