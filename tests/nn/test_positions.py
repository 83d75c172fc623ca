import math

import pytest
import torch

from sonde.nn.attention import attend, reference
from sonde.nn.positions import alibi, rotate, rotations, sinusoidal


def test_sinusoids_are_the_papers() -> None:
    found = sinusoidal(50, 8)
    for place in (0, 1, 7, 49):
        for pair in range(4):
            angle = place / 10_000 ** (2 * pair / 8)
            assert found[place, 2 * pair].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert found[place, 2 * pair + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)
    with pytest.raises(ValueError, match="sinusoidal positions need an even number of channels, got 7"):
        sinusoidal(5, 7)


def test_a_shift_of_sinusoids_is_one_rotation_wherever_it_starts() -> None:
    """What the paper chose them for: PE(t + k) is a linear function of PE(t)."""
    found = sinusoidal(60, 16).double()
    (start, ahead), step = (found[:50], found[9:59]), 9
    for pair in range(8):
        angle = step / 10_000 ** (2 * pair / 16)
        turn = torch.tensor([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]).double()
        columns = slice(2 * pair, 2 * pair + 2)
        torch.testing.assert_close(start[:, columns] @ turn.T, ahead[:, columns], atol=1e-6, rtol=0)


def test_rotated_scores_depend_on_distance_alone() -> None:
    torch.manual_seed(0)
    query, key = torch.randn(2, 1, 1, 1, 8, dtype=torch.float64)
    rotary = rotations(40, 8).double()
    scores = torch.stack(
        [rotate(query, rotary[t : t + 1]).squeeze() @ rotate(key, rotary).squeeze().T for t in range(40)]
    )  # (query's place, key's place)
    for apart in (-7, 0, 3, 20):
        along = scores.diagonal(apart)
        torch.testing.assert_close(along, along[:1].expand_as(along), atol=1e-6, rtol=0)
    assert (scores.diagonal(3)[0] - scores.diagonal(4)[0]).abs() > 1e-3
    assert (scores.diagonal(3)[0] - scores.diagonal(-3)[0]).abs() > 1e-3  # left and right differ


def test_rotating_is_multiplying_complex_numbers_and_keeps_lengths() -> None:
    torch.manual_seed(0)
    input, rotary = torch.randn(2, 3, 10, 8), rotations(10, 8)
    found = rotate(input, rotary)
    waves = torch.polar(torch.ones(10, 4), torch.arange(10)[:, None] * 10_000.0 ** (-torch.arange(4) / 4))
    expected = torch.complex(input[..., :4], input[..., 4:]) * waves
    torch.testing.assert_close(torch.complex(found[..., :4], found[..., 4:]), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.norm(dim=-1), input.norm(dim=-1))
    assert torch.equal(found[:, :, 0], input[:, :, 0])


def test_penalties_are_the_papers_slopes_times_distance() -> None:
    found = alibi(8, 6)
    assert [-row[0, 1].item() for row in found] == [
        2.0**-n for n in range(1, 9)
    ]  # as in the paper's figure 3, for 8 heads
    for head in range(8):
        for t in range(6):
            for s in range(6):
                assert found[head, t, s].item() == pytest.approx(-(2.0 ** -(head + 1)) * abs(t - s))


def test_penalties_added_to_scores_are_attention_that_fades() -> None:
    torch.manual_seed(0)
    value, level = torch.randn(1, 4, 5, 8, dtype=torch.float64), torch.zeros(1, 4, 5, 8, dtype=torch.float64)
    found = attend(level, level, value, mask=alibi(4, 5).double())
    places = torch.arange(5, dtype=torch.float64)
    for head, slope in enumerate((1 / 4, 1 / 16, 1 / 64, 1 / 256)):
        weights = torch.exp(-slope * (places[:, None] - places).abs())
        expected = weights / weights.sum(1, keepdim=True) @ value[0, head]
        torch.testing.assert_close(found[0, head], expected, atol=1e-12, rtol=0)
    assert not torch.allclose(found, reference(level, level, value)[0])
