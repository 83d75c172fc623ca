import math

import pytest
import torch

from sonde.augment.mixing import beta, mix
from sonde.core.batch import Batch

COUNT = 400


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(count: int = COUNT, kind: torch.dtype = torch.float32, **more: torch.Tensor) -> Batch:
    """Each picture holds nothing but its own row number (over the count), so that shares can be read off."""
    level = torch.arange(count).view(-1, 1, 1, 1).expand(-1, 1, 12, 10)
    pixels = (level / count).float() if kind == torch.float32 else level.to(kind)
    return Batch({"input": pixels.clone(), "target": torch.arange(count), **more}, torch.arange(count))


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_follow_the_beta_distribution(alpha: float) -> None:
    found = beta(alpha, 20_000, drawn())
    variance = 1 / (4 * (2 * alpha + 1))
    assert abs(float(found.mean()) - 0.5) < 4 * math.sqrt(variance / 20_000)
    assert float(found.var()) == pytest.approx(variance, rel=0.03)
    assert torch.equal(beta(alpha, 5, drawn(3)), beta(alpha, 5, drawn(3)))
    assert not torch.equal(beta(alpha, 5, drawn(3)), beta(alpha, 5, drawn(4)))


def test_mixup_blends_by_the_weight_of_the_target() -> None:
    mixed = mix(batch(), 0.5, 0.0, drawn())
    weight = mixed["mix_weight"]
    expected = (weight * mixed["target"] + (1 - weight) * mixed["mix_target"]) / COUNT
    torch.testing.assert_close(mixed["input"], expected.view(-1, 1, 1, 1).expand(-1, 1, 12, 10), atol=1e-6, rtol=0)
    assert mixed["target"].tolist() == list(range(COUNT))
    assert mixed["mix_target"].sort().values.tolist() == list(range(COUNT))
    assert mixed["mix_target"].tolist() != list(range(COUNT))
    assert len(weight.unique()) > COUNT // 2  # every row its own


@pytest.mark.parametrize("kind", [torch.float32, torch.int16])
def test_cutmix_pastes_a_box_and_weighs_by_the_area_left(kind: torch.dtype) -> None:
    mixed = mix(batch(kind=kind), 0.0, 1.0, drawn())
    pixels = mixed["input"].double() * (COUNT if kind == torch.float32 else 1)
    own = (pixels - mixed["target"].view(-1, 1, 1, 1)).abs() < 1e-3
    theirs = (pixels - mixed["mix_target"].view(-1, 1, 1, 1)).abs() < 1e-3
    assert (own | theirs).all()
    assert mixed["input"].dtype == kind
    for row in range(COUNT):
        if mixed["mix_target"][row] == row:
            continue
        assert float(own[row].float().mean()) == pytest.approx(float(mixed["mix_weight"][row]), abs=1e-6)
        hole = (~own[row, 0]).nonzero()
        if len(hole):
            height, width = (hole.max(0).values - hole.min(0).values + 1).tolist()
            assert height * width == len(hole)  # one box, without gaps


def test_boxes_reach_every_place() -> None:
    mixed = mix(batch(), 0.0, 1.0, drawn())
    pasted = (mixed["input"] * COUNT - mixed["target"].view(-1, 1, 1, 1)).abs() > 1e-3
    often = pasted.float().mean((0, 1))
    assert often.min() > 0.1
    assert often.max() < 0.9


def test_both_are_drawn_equally_often() -> None:
    mixed = mix(batch(), 1.0, 1.0, drawn())
    blended = mixed["input"].flatten(1).std(1) < 1e-7
    assert 0.4 < blended.float().mean() < 0.65  # a few boxes cover nothing or everything
    weight = mixed["mix_weight"]
    share = (weight * mixed["target"] + (1 - weight) * mixed["mix_target"]) / COUNT
    torch.testing.assert_close(mixed["input"].mean((1, 2, 3)), share, atol=1e-5, rtol=0)


def test_bytes_are_blended_as_floats() -> None:
    mixed = mix(batch(200, torch.uint8), 1.0, 0.0, drawn())
    weight = mixed["mix_weight"]
    expected = (weight * mixed["target"] + (1 - weight) * mixed["mix_target"]) / 255
    torch.testing.assert_close(mixed["input"][:, 0, 0, 0], expected, atol=1e-6, rtol=0)


def test_a_mixture_counts_only_where_both_targets_are_known() -> None:
    mask = (torch.arange(COUNT) % 2).float()
    mixed = mix(batch(mask=mask), 1.0, 0.0, drawn())
    assert torch.equal(mixed["mask"], mask * mask[mixed["mix_target"]])


def test_what_was_given_is_left_alone() -> None:
    given = batch()
    before = given["input"].clone()
    mix(given, 1.0, 1.0, drawn())
    assert torch.equal(given["input"], before)


def test_one_row_has_no_partner_but_itself() -> None:
    mixed = mix(batch(1), 1.0, 1.0, drawn())
    assert torch.equal(mixed["input"], batch(1)["input"])
    assert mixed["mix_target"].tolist() == [0]
