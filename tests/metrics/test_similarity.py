import numpy as np
import torch
from scipy.ndimage import uniform_filter

from sonde.metrics.similarity import psnr, ssim


def published(image: np.ndarray, other: np.ndarray) -> float:
    """scikit-image's structural_similarity of images (H, W) with data_range=1, by its definition: means of windows of 7x7 by
    scipy's filter, unbiased variances, a border of 3 pixels left out."""
    norm = 49 / 48
    ux, uy = uniform_filter(image, 7), uniform_filter(other, 7)
    vx = norm * (uniform_filter(image * image, 7) - ux * ux)
    vy = norm * (uniform_filter(other * other, 7) - uy * uy)
    vxy = norm * (uniform_filter(image * other, 7) - ux * uy)
    c1, c2 = 0.01**2, 0.03**2
    found = (2 * ux * uy + c1) * (2 * vxy + c2) / ((ux**2 + uy**2 + c1) * (vx + vy + c2))
    return float(found[3:-3, 3:-3].mean())


def test_ssim_is_that_of_scikit_image() -> None:
    generator = np.random.default_rng(0)
    image = generator.random((2, 3, 20, 16))
    other = np.clip(image + 0.2 * generator.standard_normal(image.shape), 0, 1)
    found = ssim(torch.from_numpy(image).float(), torch.from_numpy(other).float())
    expected = [
        np.mean([published(a, b) for a, b in zip(*pair, strict=True)]) for pair in zip(image, other, strict=True)
    ]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_an_image_is_like_itself() -> None:
    image = torch.rand(2, 1, 9, 9)
    torch.testing.assert_close(ssim(image, image), torch.ones(2))
    assert psnr(image, image).tolist() == [100.0, 100.0]


def test_psnr_of_a_known_error() -> None:
    image = torch.zeros(1, 1, 4, 4)
    torch.testing.assert_close(psnr(image, image + 0.1), torch.tensor([20.0]))


def test_images_smaller_than_a_window_are_one_window() -> None:
    assert ssim(torch.rand(1, 1, 4, 4), torch.rand(1, 1, 4, 4)).isfinite().all()
