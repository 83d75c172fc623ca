import numpy as np
import pytest
import torch
from torch import Tensor

from sonde.losses.patches import images_of, masked_error, normalised, patches_of, restored


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_patches_are_squares_of_the_image_row_by_row() -> None:
    images, patch = drawn(2, 3, 4, 6), 2
    found = patches_of(images, patch)
    assert found.shape == (2, 6, 12)
    for place in range(6):
        down, across = divmod(place, 3)
        square = images[:, :, 2 * down : 2 * down + 2, 2 * across : 2 * across + 2]
        assert torch.equal(found[:, place], square.flatten(1))


def test_patches_become_images_again() -> None:
    images = drawn(2, 3, 4, 6)
    assert torch.equal(images_of(patches_of(images, 2), 2, (2, 3)), images)


def test_normalised_patches_are_put_back() -> None:
    patches = 3 * drawn(2, 5, 48) + 7
    assert torch.allclose(restored(normalised(patches), patches), patches, atol=1e-4)


def test_patches_are_normalised_each_by_itself() -> None:
    patches = 3 * drawn(2, 5, 48) + 7
    by_numpy = patches.numpy()
    mean, std = by_numpy.mean(2, keepdims=True), by_numpy.std(2, ddof=1, keepdims=True)
    np.testing.assert_allclose(normalised(patches).numpy(), (by_numpy - mean) / std, atol=1e-5)
    assert normalised(torch.full((1, 1, 4), 0.3)).abs().max() < 1e-3  # one colour


def test_patches_that_were_seen_do_not_count() -> None:
    patches, hidden = drawn(2, 4, 8), torch.tensor([[1.0, 0, 0, 1], [0, 1, 1, 0]])
    predicted = normalised(patches).clone()
    predicted[hidden == 0] = 100.0
    assert masked_error(predicted, patches, hidden).tolist() == pytest.approx([0, 0], abs=1e-9)
    predicted[0, 0] += 2.0  # one of two hidden patches is off by two everywhere
    assert masked_error(predicted, patches, hidden).tolist() == pytest.approx([2, 0], abs=1e-5)
