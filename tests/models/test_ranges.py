from dataclasses import dataclass

import pytest

from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts, check_shares


@dataclass
class Settings:
    layers: int = 1
    word_dropout: float = 0.0
    widths: tuple[int, ...] = ()
    blocks: int | None = None


def test_counts_begin_at_one() -> None:
    check_counts(Settings(layers=1), "layers")
    with pytest.raises(ConfigError, match="^--layers must be at least 1, got 0$"):
        check_counts(Settings(layers=0), "layers")
    with pytest.raises(ConfigError, match="^--widths must be at least 1, got 0$"):
        check_counts(Settings(widths=(3, 0)), "layers", "widths")


def test_what_is_not_set_is_not_looked_at_and_some_counts_begin_lower() -> None:
    check_counts(Settings(), "widths", "blocks")
    check_shares(Settings(), "blocks")
    check_counts(Settings(layers=0), "layers", low=0)
    with pytest.raises(ConfigError, match="^--layers must be at least 0, got -1$"):
        check_counts(Settings(layers=-1), "layers", low=0)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_shares_leave_something(share: float) -> None:
    check_shares(Settings(word_dropout=0.999), "word_dropout")
    with pytest.raises(ConfigError, match=f"^--word-dropout must be at least 0 and below 1, got {share:g}$"):
        check_shares(Settings(word_dropout=share), "word_dropout")
