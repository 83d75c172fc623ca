import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from sonde.core.dataset import IGNORED
from sonde.losses.segmentation import gaps, pixel_cross_entropy, soft_dice


def drawn(classes: int, rows: int = 3, side: int = 5) -> tuple[Tensor, Tensor]:
    """Logits (rows, outputs, side, side) in float64 and a target with ignored pixels."""
    generator = torch.Generator().manual_seed(classes)
    outputs = 1 if classes == 2 else classes
    logits = torch.randn(rows, outputs, side, side, generator=generator, dtype=torch.float64, requires_grad=True)
    target = torch.randint(classes, (rows, side, side), generator=generator).to(torch.uint8)
    target[0, :2] = IGNORED
    return logits, target


@pytest.mark.parametrize("classes", [2, 4])
def test_cross_entropy_is_torchs_mean_over_the_pixels_that_count(classes: int) -> None:
    logits, target = drawn(classes)
    both = torch.cat([torch.zeros_like(logits), logits], 1) if classes == 2 else logits
    for row, value in enumerate(pixel_cross_entropy(logits, target)):
        expected = F.cross_entropy(both[row : row + 1], target[row : row + 1].long(), ignore_index=IGNORED)
        torch.testing.assert_close(value, expected)


@pytest.mark.parametrize("classes", [2, 4])
def test_class_weights_are_torchs(classes: int) -> None:
    logits, target = drawn(classes)
    weights = torch.arange(1.0, classes + 1, dtype=torch.float64)
    both = torch.cat([torch.zeros_like(logits), logits], 1) if classes == 2 else logits
    for row, value in enumerate(pixel_cross_entropy(logits, target, weights)):
        truth = target[row : row + 1].long()
        expected = F.cross_entropy(both[row : row + 1], truth, weight=weights, ignore_index=IGNORED)
        torch.testing.assert_close(value, expected)


def test_a_factor_on_a_pixel_is_that_many_pixels() -> None:
    logits, target = drawn(3, rows=1)
    extra = torch.ones(1, 5, 5, dtype=torch.float64)
    extra[0, 3, 3] = 4
    each = F.cross_entropy(logits, target.long(), reduction="none", ignore_index=IGNORED)
    expected = (each.sum() + 3 * each[0, 3, 3]) / (int((target != IGNORED).sum()) + 3)
    torch.testing.assert_close(pixel_cross_entropy(logits, target, None, extra)[0], expected)


def slow_dice(probs: np.ndarray, target: np.ndarray, classes: list[int]) -> float:
    """Milletari's fraction class by class, pixel by pixel, of (C, N) probabilities and (N,) classes."""
    found = []
    for place, number in enumerate(classes):
        both = sizes = 0.0
        for p, t in zip(probs[place], target, strict=True):
            if t != IGNORED:
                both += p * (t == number)
                sizes += p * p + (t == number)
        found.append((2 * both + 1) / (sizes + 1))
    return 1 - float(np.mean(found))


@pytest.mark.parametrize(("classes", "judged"), [(2, [1]), (4, [0, 1, 2, 3])])
def test_dice_is_the_papers_fraction(classes: int, judged: list[int]) -> None:
    logits, target = drawn(classes)
    probs = (logits.sigmoid() if classes == 2 else logits.softmax(1)).detach().numpy()
    each = soft_dice(logits, target)
    for row, value in enumerate(each.tolist()):
        assert value == pytest.approx(
            slow_dice(probs[row].reshape(len(judged), -1), target[row].numpy().ravel(), judged)
        )
    whole = probs.transpose(1, 0, 2, 3).reshape(len(judged), -1)
    together = soft_dice(logits, target, over_batch=True)
    assert together.shape == (1,)
    assert together.item() == pytest.approx(slow_dice(whole, target.numpy().ravel(), judged))


def test_what_is_right_and_sure_costs_nothing_and_what_is_ignored_moves_nothing() -> None:
    logits, target = drawn(3)
    known = torch.where(target == IGNORED, 0, target).long()
    sure = 200.0 * F.one_hot(known, 3).permute(0, 3, 1, 2).double()
    assert pixel_cross_entropy(sure, target).max().item() < 1e-12
    assert soft_dice(sure, target).abs().max().item() < 1e-12
    (pixel_cross_entropy(logits, target) + soft_dice(logits, target)).sum().backward()
    assert logits.grad is not None
    assert (logits.grad.abs().sum(1) > 0).equal(target != IGNORED)


def test_an_image_without_a_pixel_that_counts_is_no_number_that_spoils_the_others() -> None:
    target = torch.full((1, 4, 4), IGNORED, dtype=torch.uint8)
    logits = torch.randn(1, 1, 4, 4)
    assert pixel_cross_entropy(logits, target).item() == 0
    assert soft_dice(logits, target).item() == 0


def test_gaps_lie_where_two_objects_touch() -> None:
    objects = torch.zeros(1, 6, 8, dtype=torch.int32)
    objects[0, 1:4, 0:3] = 5
    objects[0, 2:5, 3:6] = 2
    objects[0, 5, 7] = 9  # beside nothing but background
    grown = [ndimage.binary_dilation(objects[0].numpy() == n, np.ones((3, 3))) for n in (2, 5, 9)]
    expected = (np.sum(grown, axis=0) > 1) & (objects[0].numpy() > 0)
    assert gaps(objects)[0].numpy().tolist() == expected.tolist()
    assert expected.sum() == 6
