import re

import pytest

from sonde.core.errors import ConfigError
from sonde.models.stem import SMALL_IMAGE, Stem, check_size, is_small


@pytest.mark.parametrize(
    ("stem", "side", "small"),
    [("auto", SMALL_IMAGE, True), ("auto", SMALL_IMAGE + 1, False), ("small", 500, True), ("imagenet", 8, False)],
)
def test_auto_goes_by_the_longer_side(stem: Stem, side: int, small: bool) -> None:
    assert is_small(stem, (3, 20, side)) == small


@pytest.mark.parametrize(
    ("small", "message"),
    [
        (False, "net needs images of at least 32x32 pixels, got 12x40; use --stem small or --image-size 32"),
        (True, "net needs images of at least 16x16 pixels, got 12x40; use --image-size 16"),
    ],
)
def test_too_small_an_image_is_refused_with_what_helps(small: bool, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        check_size("net", (3, 12, 40), small=small, least={"imagenet": 32, "small": 16})
    check_size("net", (3, 32, 40), small=small, least={"imagenet": 32, "small": 16})
