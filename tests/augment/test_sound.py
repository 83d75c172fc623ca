import math

import pytest
import torch
from torch import Tensor

from sonde.augment.sound import FAINT, faster, noisy, parse_sound, shifted, without_bands, without_times
from sonde.core.batch import Batch
from sonde.core.errors import ConfigError

RATE = 8000


def tone(hz: float, samples: int = 4000) -> Tensor:
    return torch.sin(2 * math.pi * hz * torch.arange(samples) / RATE)[None]


def pitch(sound: Tensor) -> float:
    """The loudest frequency, in hertz."""
    return float(torch.fft.rfft(sound[0]).abs().argmax()) * RATE / sound.shape[1]


def batch(rows: int = 4, samples: int = 2000) -> Batch:
    lengths = torch.tensor([samples, samples // 2, samples // 3, samples // 4])[:rows]
    sound = torch.randn(rows, samples, generator=torch.Generator().manual_seed(1))
    sound = sound * (torch.arange(samples) < lengths[:, None])
    return Batch({"input": sound, "lengths": lengths, "target": torch.arange(rows)}, torch.arange(rows))


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.25])
def test_faster_is_shorter_and_higher(factor: float) -> None:
    found, lengths = faster(tone(500), torch.tensor([4000]), torch.tensor([factor]))
    assert lengths.tolist() == [round(4000 / factor)]
    assert found.shape == (1, lengths[0])
    assert pitch(found) == pytest.approx(500 * factor, rel=0.01)
    times = torch.arange(found.shape[1]) * factor
    torch.testing.assert_close(found[0, 5:-5], torch.sin(2 * math.pi * 500 * times / RATE)[5:-5], atol=0.02, rtol=0)


def test_each_row_has_its_own_speed() -> None:
    sound = torch.cat([tone(500), tone(500)])
    found, lengths = faster(sound, torch.tensor([4000, 2000]), torch.tensor([0.5, 2.0]))
    assert lengths.tolist() == [8000, 1000]
    assert found.shape == (2, 8000)


def test_a_speed_of_one_changes_nothing() -> None:
    given = batch()
    found, lengths = faster(given["input"], given["lengths"], torch.ones(4))
    torch.testing.assert_close(found, given["input"])
    assert lengths.tolist() == given["lengths"].tolist()


def test_shifting_moves_and_leaves_silence() -> None:
    sound = torch.arange(1.0, 11.0).repeat(3, 1) * torch.tensor([1.0, 1.0, 0.0])[:, None]
    sound[2, :4] = torch.tensor([1.0, 2.0, 3.0, 4.0])
    found = shifted(sound, torch.tensor([10, 10, 4]), torch.tensor([0.2, -0.3, 0.25]))
    assert found[0].tolist() == [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert found[1].tolist() == [4, 5, 6, 7, 8, 9, 10, 0, 0, 0]
    assert found[2, :5].tolist() == [0, 1, 2, 3, 4]


def test_masks_of_time_lie_where_they_should() -> None:
    found = without_times(
        torch.ones(2, 10), torch.tensor([10, 5]), torch.tensor([[0.2], [0.2]]), torch.tensor([[0.3], [0.4]])
    )
    assert (found[0] < 1).nonzero().flatten().tolist() == [2, 3, 4]
    assert (found[1] < 1).nonzero().flatten().tolist() == [1, 2]
    assert found[0, 3].item() == pytest.approx(FAINT)


def test_masks_of_pitches_take_a_band_away_and_leave_the_rest() -> None:
    start, width = torch.tensor([[math.sqrt(0.2)]]), torch.tensor([[math.sqrt(0.3) - math.sqrt(0.2)]])  # 800 to 1200 Hz
    for hz, left in ((400, 1.0), (1000, FAINT), (1600, 1.0)):
        found = without_bands(tone(hz), start, width)
        assert found.std().item() == pytest.approx(left * 0.5**0.5, rel=0.02)


def test_noise_lies_so_far_below() -> None:
    sound, lengths = tone(500), torch.tensor([4000])
    noise = torch.randn(1, 4000, generator=torch.Generator().manual_seed(0))
    added = noisy(sound, lengths, torch.tensor([20.0]), noise) - sound
    decibels = 10 * torch.log10(sound.square().mean() / added.square().mean())
    assert decibels.item() == pytest.approx(20, abs=0.2)


TEXT = "speed=0.2,shift=0.1,noise=10,time-mask=2x0.2,band-mask=2x0.2"


def test_a_policy_draws_from_the_generator_alone_and_keeps_silence_behind_the_end() -> None:
    policy = parse_sound(TEXT)
    assert policy is not None
    given = batch()
    one, again, other = (policy(given, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert torch.equal(one["input"], again["input"])
    assert one["input"].shape != other["input"].shape or not torch.equal(one["input"], other["input"])
    assert one["target"].tolist() == given["target"].tolist()
    behind = torch.arange(one["input"].shape[1]) >= one["lengths"][:, None]
    assert behind.any()
    assert (one["input"][behind] == 0).all()
    assert (one["lengths"] != given["lengths"]).any()


@pytest.mark.parametrize("part", TEXT.split(","))
def test_every_part_changes_something(part: str) -> None:
    policy = parse_sound(part)
    assert policy is not None
    given = batch()
    found = policy(given, torch.Generator().manual_seed(0))
    assert found["input"].shape != given["input"].shape or not torch.allclose(found["input"], given["input"])


def test_none_changes_nothing() -> None:
    assert parse_sound("none") is None
    assert parse_sound("") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("speeed=0.1", "unknown augmentation of sound 'speeed'; did you mean 'speed'"),
        ("flip", "unknown augmentation of sound 'flip'; there are: band-mask, noise"),
        ("speed=0.9", "--augment 'speed=0.9': write speed=S with a share S in 0..0.5"),
        ("speed", "--augment 'speed': write speed=S"),
        ("time-mask=0x0.1", "--augment 'time-mask=0x0.1': write time-mask=NxS"),
        ("band-mask=2", "--augment 'band-mask=2': write band-mask=NxS"),
        ("noise=20,noise=10", "--augment 'noise=20,noise=10' gives noise twice"),
    ],
)
def test_text_that_says_no_such_thing(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_sound(text)
