"""Settings of pairs of texts."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError

NONE = ("none",)


@dataclass(frozen=True, kw_only=True)
class TextPairConfig:
    """Which texts are read together."""

    pair: tuple[str, ...] = ()
    """Two text columns to read as a pair, the first text first; by default found by their names (sentence1, sentence2), or the
    only two of text. none reads no pair."""

    def __post_init__(self) -> None:
        if self.pair == NONE:
            return
        if len(self.pair) not in (0, 2) or len(set(self.pair)) != len(self.pair):
            raise ConfigError(f"--pair takes two different columns or none, got {' '.join(self.pair)}")
