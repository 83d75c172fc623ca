from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from sonde.metrics.motion import apart, centres, shuffled, speeds, time_order, told_from_shuffled, unsteadiness
from sonde.modalities.video.moving_digits import moving


def falling() -> torch.Tensor:
    """One clip: a bright square that moves by (1, 2) pixels a frame."""
    clip = torch.zeros(1, 4, 12, 12, dtype=torch.uint8)
    for frame in range(4):
        clip[0, frame, frame : frame + 3, 2 * frame : 2 * frame + 3] = 200
    return clip


def made(number: int = 200) -> torch.Tensor:
    images = np.full((1, 4, 4), 255, np.uint8)
    clips, _ = moving(images, number, digits=1, side=12, frames=8, random=np.random.default_rng(0))
    return torch.from_numpy(clips)


def test_the_centre_of_what_moves_is_followed_in_pixels() -> None:
    clip = falling()
    assert centres(clip)[0].tolist() == [[1, 1], [2, 3], [3, 5], [4, 7]]
    torch.testing.assert_close(speeds(clip), torch.full((1, 3), 5**0.5, dtype=torch.float64))
    assert unsteadiness(clip).abs().max() < 1e-9
    coloured = clip[..., None].expand(-1, -1, -1, -1, 3)
    torch.testing.assert_close(centres(coloured), centres(clip))


def test_faint_noise_does_not_hold_the_centre_back() -> None:
    noisy = falling().double() + 20 * torch.rand(1, 4, 12, 12, generator=torch.Generator().manual_seed(0))
    assert (speeds(noisy) - 5**0.5).abs().max() < 0.25


def test_a_clip_without_anything_stands_in_the_middle_and_has_no_order() -> None:
    still = torch.full((2, 3, 4, 6), 7, dtype=torch.uint8)
    assert speeds(still).abs().max() == 0
    assert centres(still)[0, 0].tolist() == [1.5, 2.5]
    assert time_order(still).tolist() == [1, 1]
    assert told_from_shuffled(still) == 0.5


def test_over_all_orders_of_the_frames_the_mean_is_1_exactly() -> None:
    clip = torch.rand(1, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    orders = torch.cat([clip[:, list(order)] for order in permutations(range(4))])
    assert float(time_order(orders).mean()) == pytest.approx(1, abs=1e-9)


def test_moving_things_are_told_from_their_frames_shuffled_and_noise_is_not() -> None:
    clips = made()
    assert told_from_shuffled(clips) > 0.97
    assert float(time_order(clips).mean()) < 0.7
    assert float(time_order(shuffled(clips)).mean()) == pytest.approx(1, abs=0.05)
    noise = torch.rand(400, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    assert told_from_shuffled(noise) == pytest.approx(0.5, abs=0.1)


def test_shuffling_keeps_each_clip_s_frames() -> None:
    clips = made(3)
    found = shuffled(clips)
    assert torch.equal(found.sum(1), clips.sum(1))
    assert not torch.equal(found, clips)


def test_distributions_are_as_far_apart_as_scipy_says() -> None:
    drawn = torch.Generator().manual_seed(0)
    first, second = torch.rand(40, 7, generator=drawn), 2 * torch.rand(90, generator=drawn)
    known = wasserstein_distance(first.flatten().double().numpy(), second.double().numpy())
    assert apart(first, second) == pytest.approx(known, rel=1e-9)
    assert apart(first, first.clone()) == 0
    assert apart(first, first + 0.5) == pytest.approx(0.5, abs=1e-6)
