import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sonde.augment import images


def pictures(count: int = 5, channels: int = 3, height: int = 8, width: int = 6) -> torch.Tensor:
    shape = (count, channels, height, width)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_the_whole_window_changes_nothing() -> None:
    x = pictures()
    assert torch.equal(images.seen_through(x, images.whole(x)), x)


@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
def test_flips_are_torchs(kind: torch.dtype) -> None:
    x = pictures(4).to(kind)
    across, upside = torch.tensor([True, True, False, False]), torch.tensor([True, False, True, False])
    seen = images.seen_through(x, images.flipped(images.whole(x), across=across, upside=upside))
    assert seen.dtype == kind
    for got, dims in zip(seen, ([1, 2], [2], [1], []), strict=True):
        original = x[int(len(dims) != 2) + int(dims == [1]) + 2 * int(dims == [])]
        assert torch.equal(got, original.flip(dims))


@pytest.mark.parametrize("padding", ["reflect", "zero"])
def test_shifts_are_windows_of_the_padded_image(padding: images.Padding) -> None:
    x = pictures()
    down, right = torch.tensor([0, 3, -3, 2, -1]), torch.tensor([0, -3, 3, 1, -2])
    seen = images.seen_through(x, images.shifted(images.whole(x), down, right), padding)
    mode = "reflect" if padding == "reflect" else "constant"
    padded = F.pad(x.float(), (3, 3, 3, 3), mode=mode)
    for number, (dy, dx) in enumerate(zip(down.tolist(), right.tolist(), strict=True)):
        expected = padded[number, :, 3 + dy : 11 + dy, 3 + dx : 9 + dx]
        assert torch.equal(seen[number].float(), expected)


def test_mirroring_goes_on_however_far_a_window_lies() -> None:
    x = torch.arange(3).view(1, 1, 1, 3).to(torch.uint8)
    seen = images.seen_through(x, images.shifted(images.whole(x), torch.tensor([9]), torch.tensor([7])))
    assert seen.flatten().tolist() == [1, 0, 1]  # 0 1 2 1 0 1 2 1 0 1 from place 0 on; 7, 8, 9


def test_images_in_channels_last_memory_are_seen_alike() -> None:
    x = pictures()
    window = images.shifted(images.whole(x), torch.tensor([1, 2, 3, 0, 0]), torch.tensor([0, 1, 0, 2, 1]))
    turned = x.contiguous(memory_format=torch.channels_last)
    assert torch.equal(images.seen_through(turned, window), images.seen_through(x, window))


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (-90, -1), (0, 0)])
def test_right_angles_turn_as_torch_does(degrees: float, turns: int) -> None:
    x = images.as_float(pictures(2, 3, 7, 7))
    turned = images.warped(x, images.rotation(torch.full((2,), float(degrees)), 7, 7))
    torch.testing.assert_close(turned, torch.rot90(x, turns, (2, 3)), atol=1e-5, rtol=0)


def test_turning_keeps_right_angles_in_oblong_images() -> None:
    # a disc stays a disc: its second moments along both axes remain equal (what is mirrored in at the far sides apart)
    rows, columns = torch.meshgrid(torch.arange(40.0) - 19.5, torch.arange(80.0) - 39.5, indexing="ij")
    disc = (rows**2 + columns**2 < 64).float()[None, None]
    turned = images.warped(disc, images.rotation(torch.tensor([37.0]), 40, 80))[0, 0] * (columns.abs() < 16)
    assert math.isclose(float((turned * rows**2).sum()), float((turned * columns**2).sum()), rel_tol=0.01)
    assert math.isclose(float(turned.sum()), float(disc.sum()), rel_tol=0.01)


def test_warping_is_grid_sample_over_affine_grid() -> None:
    x = torch.rand(4, 3, 9, 5)
    maps = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0)) * 0.6
    grid = F.affine_grid(maps, [4, 3, 9, 5], align_corners=False)
    expected = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    torch.testing.assert_close(images.warped(x, maps), expected, atol=1e-4, rtol=0)


def test_zooming_on_a_quarter_shows_that_quarter() -> None:
    x = torch.zeros(1, 1, 8, 8)
    x[..., :4, 4:] = 1
    quarter, one = torch.tensor([0.25]), torch.ones(1)
    seen = images.warped(x, images.zoom(quarter, one, torch.ones(1), torch.zeros(1)))  # right, top
    assert seen[..., 1:-1, 1:-1].min() == 1
    other = images.warped(x, images.zoom(quarter, one, torch.zeros(1), torch.ones(1)))
    assert other[..., 1:-1, 1:-1].max() == 0


def test_a_part_wider_than_the_image_is_as_wide_as_the_image() -> None:
    maps = images.zoom(torch.tensor([0.9]), torch.tensor([4 / 3]), torch.tensor([0.3]), torch.tensor([0.5]))
    assert maps[0, 0].tolist() == [1, 0, 0]
    assert math.isclose(float(maps[0, 1, 1]), math.sqrt(0.9 * 3 / 4), rel_tol=1e-6)


def test_two_maps_in_one_are_one_after_the_other() -> None:
    x = torch.rand(3, 1, 32, 32).repeat_interleave(8, 2).repeat_interleave(8, 3)  # smooth enough to sample twice
    x = F.avg_pool2d(x, 9, 1, 4)
    first = images.rotation(torch.tensor([20.0, -10.0, 5.0]), 256, 256)
    half = torch.full((3,), 0.5)
    second = images.zoom(half, torch.ones(3), torch.tensor([0.2, 0.9, 0.5]), half)
    together = images.warped(x, images.after(first, second))
    apart = images.warped(images.warped(x, first), second)
    assert (together - apart).abs().mean() < 2e-3
    assert (together - images.warped(images.warped(x, second), first)).abs().mean() > 2e-2


def test_shifts_and_shears_move_what_they_say() -> None:
    x = torch.zeros(1, 1, 8, 8)
    x[0, 0, 4, 4] = 1
    moved = images.warped(x, images.shift(torch.tensor([0.25]), torch.tensor([-0.125])))
    assert moved[0, 0].nonzero().tolist() == [[5, 2]]  # looks 2 pixels right and 1 up, so the dot moves left and down
    column = torch.zeros(1, 1, 8, 8)
    column[..., 4] = 1
    sheared = images.warped(column, images.shear(torch.tensor([1.0]), torch.zeros(1)))
    places = sheared[0, 0].argmax(1)
    assert (places[1:] - places[:-1]).tolist()[1:6] == [-1] * 5


def test_holes_are_filled_and_cut_at_the_edge() -> None:
    x = pictures(2)
    fill = torch.tensor([1.0, 2.0, 3.0])
    cut = images.cut_out(x, torch.tensor([2.0, -2.0]), torch.tensor([1.0, 4.0]), 4, fill)
    expected = x.clone()
    expected[0, :, 2:6, 1:5] = torch.tensor([1, 2, 3], dtype=torch.uint8).view(3, 1, 1)
    expected[1, :, :2, 4:] = torch.tensor([1, 2, 3], dtype=torch.uint8).view(3, 1, 1)
    assert torch.equal(cut, expected)


def test_bytes_become_floats_once() -> None:
    x = pictures()
    np.testing.assert_allclose(images.as_float(x).numpy(), x.numpy() / 255, atol=1e-7)
    floats = torch.rand(2, 3, 4, 4)
    assert images.as_float(floats) is floats
