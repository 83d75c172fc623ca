import pytest
import torch

from sonde.augment.policy import parse
from sonde.augment.views import Views
from sonde.core.batch import VIEWS, Batch
from sonde.core.errors import ConfigError


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(first: int = 0, count: int = 20) -> Batch:
    pixels = torch.randint(0, 256, (count, 3, 9, 9), dtype=torch.uint8, generator=drawn(7))
    return Batch({"input": pixels, "target": torch.arange(count)}, torch.arange(first, first + count))


def test_each_view_is_drawn_for_itself_and_the_image_stays() -> None:
    given, policy = batch(), parse("resized-crop=0.3,flip,colour=0.5")
    seen = Views(policy=policy)(given, drawn())
    assert torch.equal(seen["input"], given["input"])
    assert torch.equal(seen["target"], given["target"])
    one, two = (seen[name] for name in VIEWS)
    assert (one != two).flatten(1).any(1).all()
    generator = drawn()  # the policy twice over, and nothing else
    for view in (one, two):
        assert torch.equal(view, policy(Batch({"input": given["input"]}, given.index), generator)["input"])


def test_views_follow_the_generator() -> None:
    views = Views(policy=parse("resized-crop=0.3"))
    again, other = views(batch(), drawn()), views(batch(), drawn(1))
    assert torch.equal(views(batch(), drawn())["view"], again["view"])
    assert not torch.equal(again["view"], other["view"])


def test_views_for_judging_follow_the_rows_alone() -> None:
    views = Views(policy=parse("resized-crop=0.3")).for_evaluation()
    assert torch.equal(views(batch(), drawn(1))["view"], views(batch(), drawn(2))["view"])
    assert not torch.equal(views(batch(), drawn())["view"], views(batch(20), drawn())["view"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("none", "compares two views of each image, and --augment leaves them the same"),
        ("flip,mixup=0.2", "mixup and cutmix mix rows, and two views must show one image each"),
        ("flip,cutmix=1", "mixup and cutmix mix rows, and two views must show one image each"),
    ],
)
def test_changes_that_make_no_views_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Views(policy=parse(text).filled_with((0.5, 0.5, 0.5)))
