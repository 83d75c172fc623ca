import pytest
import torch
import torch.nn.functional as F

from sonde.nn.oriented_gradients import ORIENTATIONS, OrientedGradients

describe = OrientedGradients()


def bar(place: int, side: int = 28) -> torch.Tensor:
    image = torch.zeros(1, 1, side, side)
    image[:, :, 6:22, place : place + 3] = 1
    return image


def test_an_edge_counts_for_the_way_in_which_it_rises() -> None:
    image = torch.zeros(1, 1, 28, 28)
    image[..., 14:] = 1  # brighter to the right
    assert float(describe(image).square().norm()) == pytest.approx(1, abs=1e-5)
    assert describe(image).allclose(describe(3 * image + 1), atol=1e-4)
    found = describe(image).view(ORIENTATIONS, -1).square().sum(1)
    assert int(found.argmax()) == 0
    assert float(found[3:-2].sum()) < 1e-3 * float(found.sum())
    assert int(describe(image.mT).view(ORIENTATIONS, -1).square().sum(1).argmax()) == ORIENTATIONS // 4


def test_a_small_shift_changes_it_less_than_pixels() -> None:
    near, far = bar(12), bar(13)
    described = 1 - float(F.cosine_similarity(describe(near), describe(far)))
    pixels = 1 - float((near * far).sum() / near.norm() / far.norm())
    assert described < 0.3 * pixels


def test_images_without_edges_small_and_large_ones_have_one_too() -> None:
    assert describe(torch.ones(2, 3, 28, 28)).eq(0).all()
    assert describe(torch.rand(2, 3, 100, 300)).shape == describe(torch.rand(2, 1, 10, 32)).shape
    assert describe(torch.rand(1, 1, 4, 4)).isfinite().all()
