import re

import pytest
import torch

from sonde.augment.policy import Policy, parse
from sonde.core.batch import Batch
from sonde.core.errors import ConfigError

EVERYTHING = "flip,crop=4,rotate=15,cutout=8,mixup=0.2,cutmix=1.0,colour=0.4,randaugment=2x9,resized-crop=0.35"


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(count: int = 500, channels: int = 1, side: int = 9) -> Batch:
    pixels = torch.randint(0, 256, (count, channels, side, side), dtype=torch.uint8, generator=drawn(7))
    return Batch({"input": pixels, "target": torch.arange(count)}, torch.arange(count))


def test_everything_is_parsed() -> None:
    assert parse(EVERYTHING + ", vflip=0.1") == Policy(
        flip=0.5,
        vflip=0.1,
        crop=4,
        rotate=15,
        cutout=8,
        mixup=0.2,
        cutmix=1.0,
        colour=0.4,
        randaugment=(2, 9),
        resized_crop=0.35,
    )
    assert parse("crop=2:zero") == Policy(crop=2, padding="zero")
    assert parse("color=0.1") == parse("Colour=0.1")
    assert parse("mixup") == Policy(mixup=0.2)
    assert parse("flip,cutmix") == Policy(flip=0.5, cutmix=1.0)
    assert parse("none") == parse("") == Policy()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flipp", "unknown augmentation 'flipp'; did you mean 'flip' or 'vflip'?"),
        ("wobble=3", "unknown augmentation 'wobble'; there are: color, colour, crop, cutmix, cutout, flip, "),
        ("crop", "--augment 'crop': write crop=N, or crop=N:zero, with N pixels of at least 1"),
        ("crop=0", "--augment 'crop=0': write crop=N"),
        ("crop=4:mirror", "--augment 'crop=4:mirror': write crop=N"),
        ("flip=2", "--augment 'flip=2': write flip, or flip=P with a probability P in 0..1"),
        ("flip,rotate=181", "--augment 'rotate=181': write rotate=D with degrees D in 0..180"),
        ("rotate=nan", "--augment 'rotate=nan': write rotate=D"),
        ("cutout=2.5", "--augment 'cutout=2.5': write cutout=N with N pixels of at least 1"),
        ("resized-crop=0", "--augment 'resized-crop=0': write resized-crop=S with a share S of the area in 0..1"),
        ("randaugment=2", "--augment 'randaugment=2': write randaugment=NxM with N operations in 1..10 of magnitude M in 0..30"),
        ("randaugment=2x31", "--augment 'randaugment=2x31': write randaugment=NxM"),
        ("mixup=-1", "--augment 'mixup=-1': write mixup, or mixup=A with alpha A in 0..100"),
        ("flip,crop=2,flip=0.2", "--augment 'flip,crop=2,flip=0.2' gives flip twice"),
        ("flip,,crop=2", "unknown augmentation ''; there are: "),
    ],
)  # fmt: skip
def test_mistakes_are_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match="^" + re.escape(said)):
        parse(text)


def test_an_empty_policy_changes_nothing() -> None:
    given = batch()
    assert torch.equal(Policy()(given, drawn())["input"], given["input"])


@pytest.mark.parametrize(("text", "dims"), [("flip=0.3", [3]), ("vflip=0.3", [2])])
def test_flips_come_as_often_as_asked(text: str, dims: list[int]) -> None:
    given = batch(2000)["input"]
    seen = parse(text)(batch(2000), drawn())["input"]
    flipped = (seen == given.flip(dims)).flatten(1).all(1)
    assert ((seen == given).flatten(1).all(1) | flipped).all()
    assert abs(float(flipped.float().mean()) - 0.3) < 4 * (0.3 * 0.7 / 2000) ** 0.5


def test_crops_reach_every_shift_equally() -> None:
    count, reach = 5000, 2
    dot = torch.zeros(count, 1, 9, 9, dtype=torch.uint8)
    dot[:, :, 4, 4] = 1
    seen = parse("crop=2:zero")(Batch({"input": dot}, torch.arange(count)), drawn())["input"]
    places = seen.view(count, -1).argmax(1)
    counts = torch.stack([places // 9 - 4 + reach, places % 9 - 4 + reach], 1)
    table = (counts[:, 0] * 5 + counts[:, 1]).bincount(minlength=25)
    assert counts.min() == 0
    assert counts.max() == 4
    expected = count / 25
    assert float(((table - expected) ** 2 / expected).sum()) < 51.2  # chi squared, 24 degrees, p = 0.001


def test_rotations_are_uniform_up_to_the_limit() -> None:
    side, count = 41, 400
    ramp = (torch.arange(side) - side // 2).float().expand(count, 1, side, side) / side
    seen = parse("rotate=30")(Batch({"input": ramp}, torch.arange(count)), drawn())["input"]
    middle = seen[:, 0, 15:26, 15:26]
    down = (middle[:, -1] - middle[:, 0]).mean(1)
    right = (middle[:, :, -1] - middle[:, :, 0]).mean(1)
    degrees = torch.rad2deg(torch.atan2(down, right))
    assert degrees.abs().max() <= 30.1
    assert abs(float(degrees.mean())) < 4 * 30 / (3 * count) ** 0.5
    assert float(degrees.std()) == pytest.approx(30 / 3**0.5, rel=0.1)


def test_resized_crops_show_the_share_asked() -> None:
    side, count = 64, 500
    across = ((torch.arange(side) + 0.5) / side).expand(count, 1, side, side)
    down = across.transpose(2, 3)
    both = torch.cat([across, down], 1)
    seen = parse("resized-crop=0.25")(Batch({"input": both}, torch.arange(count)), drawn())["input"]
    width = (seen[:, 0, :, -1] - seen[:, 0, :, 0]).mean(1) / (1 - 1 / side)
    height = (seen[:, 1, -1] - seen[:, 1, 0]).mean(1) / (1 - 1 / side)
    area, ratio = width * height, width / height
    assert area.min() > 0.24
    assert area.max() <= 1.001
    assert 0.56 < float(area.mean()) < 0.66  # uniform from 0.25 to 1, a little less where the part was cut to the image
    assert ratio.min() > 0.74
    assert ratio.max() < 1.35
    assert seen.min() >= 0
    assert seen.max() <= 1


def test_cutout_cuts_one_square_per_image_anywhere() -> None:
    given = Batch({"input": torch.ones(2000, 3, 9, 9)}, torch.arange(2000))
    seen = parse("cutout=3").filled_with((0.1, 0.2, 0.3))(given, drawn())["input"]
    cut = seen[:, 0] != 1
    assert int(cut.flatten(1).sum(1).max()) == 9
    assert int(cut.flatten(1).sum(1).min()) == 4  # in a corner
    assert seen[:, :, 4, 4][cut[:, 4, 4]].unique(dim=0).flatten().tolist() == pytest.approx([0.1, 0.2, 0.3])
    often = cut.float().mean(0)[1:-1, 1:-1]
    assert abs(float(often.mean()) - 9 / 81) < 0.005
    grey = parse("cutout=3")(batch(), drawn())["input"]
    assert (grey[batch()["input"] != grey] == 128).all()


def test_colour_strengths_are_uniform_about_one() -> None:
    given = Batch({"input": torch.full((2000, 1, 4, 4), 0.4)}, torch.arange(2000))
    factor = parse("colour=0.3")(given, drawn())["input"][:, 0, 0, 0] / 0.4  # flat pictures show brightness alone
    assert factor.min() >= 0.7 - 1e-6
    assert factor.max() <= 1.3 + 1e-6
    assert abs(float(factor.mean()) - 1) < 4 * 0.3 / (3 * 2000) ** 0.5
    assert float(factor.std()) == pytest.approx(0.3 / 3**0.5, rel=0.05)


def test_the_generator_alone_decides() -> None:
    policy, state = parse(EVERYTHING), torch.get_rng_state()
    first = policy(batch(64, 3), drawn(1))
    torch.manual_seed(5)
    again, other = policy(batch(64, 3), drawn(1)), policy(batch(64, 3), drawn(2))
    for name in first.fields:
        assert torch.equal(first[name], again[name]), name
    assert not torch.equal(first["input"], other["input"])
    torch.manual_seed(5)
    expected = torch.get_rng_state()
    policy(batch(64, 3), drawn(1))
    assert torch.equal(torch.get_rng_state(), expected)
    torch.set_rng_state(state)


@pytest.mark.parametrize(
    "text", ["flip,crop=4", "rotate=15,resized-crop=0.35", "colour=0.4", "cutout=4", "randaugment=2x9"]
)
def test_each_row_is_changed_by_itself(text: str) -> None:
    given = batch(40, 3)
    halved = {**given.fields, "input": given["input"].clone()}
    halved["input"][20:] = 7
    first = parse(text)(given, drawn())["input"]
    second = parse(text)(Batch(halved, given.index), drawn())["input"]
    assert torch.equal(first[:20], second[:20])
    assert len(first.flatten(1).unique(dim=0)) == 40


@pytest.mark.parametrize("text", ["flip,crop=4", "cutout=4", "cutmix=1"])
def test_whole_pixel_changes_keep_bytes(text: str) -> None:
    given = batch(40, 3)
    before = given["input"].clone()
    assert parse(text)(given, drawn())["input"].dtype == torch.uint8
    assert torch.equal(given["input"], before)


@pytest.mark.parametrize("text", EVERYTHING.split(","))
def test_floats_and_bytes_are_changed_alike(text: str) -> None:
    given = batch(60, 3)
    floats = Batch({**given.fields, "input": given["input"].float() / 255}, given.index)
    from_bytes, from_floats = (parse(text)(b, drawn())["input"] for b in (given, floats))
    scaled = from_bytes.float() / 255 if from_bytes.dtype == torch.uint8 else from_bytes
    torch.testing.assert_close(scaled, from_floats, atol=2.1e-3, rtol=0)  # cutout's grey is rounded to a byte
    assert float(from_floats.max()) <= 1.0001


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_everything_at_once_works_for_any_number_of_channels(channels: int) -> None:
    mixed = parse(EVERYTHING)(batch(16, channels), drawn())
    assert mixed["input"].shape == (16, channels, 9, 9)
    assert mixed["input"].isfinite().all()
    assert mixed["mix_weight"].shape == (16,)


def test_as_many_images_lose_their_colour_as_asked() -> None:
    given = batch(1000, channels=3)
    seen = parse("grey=0.3")(given, drawn())["input"]
    grey = (seen == seen[:, :1]).flatten(1).all(1)
    assert abs(float(grey.float().mean()) - 0.3) < 4 * (0.3 * 0.7 / 1000) ** 0.5
    pixels = given["input"].float() / 255
    torch.testing.assert_close(seen[~grey], pixels[~grey])
    luma = (pixels * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1, keepdim=True)  # ITU-R BT.601
    torch.testing.assert_close(seen[grey], luma[grey].expand(-1, 3, -1, -1))
