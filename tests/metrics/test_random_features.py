import torch

from sonde.metrics.random_features import random_features


def test_features_of_images_are_the_same_in_every_run_and_row_by_row() -> None:
    images = torch.randn(5, 3, 28, 20, generator=torch.Generator().manual_seed(0))
    before = torch.get_rng_state()
    found = random_features((3, 28, 20))(images)
    assert torch.equal(torch.get_rng_state(), before)
    assert found.shape == (5, 3 * 64 + 4 * 64)
    torch.testing.assert_close(found, torch.cat([random_features((3, 28, 20))(image[None]) for image in images]))
    torch.testing.assert_close(found[:, 0], torch.nn.functional.adaptive_avg_pool2d(images, 8)[:, 0, 0, 0])


def test_features_tell_strokes_of_equal_brightness() -> None:
    flat = torch.full((1, 1, 16, 16), 0.5)
    stripes = torch.ones(1, 1, 16, 16) * (torch.arange(16) % 2)[:, None]
    one, other = random_features((1, 16, 16))(torch.cat([flat, stripes]))
    assert torch.equal(one[:64], other[:64])
    assert (one[64:] - other[64:]).abs().max() > 0.1


def test_small_images_and_rows_of_numbers() -> None:
    assert random_features((1, 4, 3))(torch.randn(2, 1, 4, 3)).shape == (2, 12 + 256)
    rows = torch.randn(4, 6)
    assert torch.equal(random_features((6,))(rows), rows)
