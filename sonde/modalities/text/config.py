"""Settings of text."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.bounds import at_least
from sonde.core.errors import ConfigError

TokenizerName = Literal["auto", "characters", "words", "bpe", "bytes"]


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """How text is cut into tokens, and in which languages it is."""

    tokenizer: TokenizerName = "auto"
    """What text is cut into: characters, words, or pieces of words (bpe; bytes for pieces that no text escapes)."""
    vocabulary: int = 0
    """Most different tokens to know, the most frequent of the training text; 0 lets the text choose."""
    vocabulary_of: str | None = None
    """Run, or tokenizer.json, whose vocabulary text is read with; with --pretrained RUN by default that run's."""
    max_tokens: int = 0
    """Longest row of tokens; what is longer is cut, counted and said. 0 lets the text choose."""
    source_language: str = ""
    """Of line-aligned texts, the language to translate from, as its files end (en); by default English where it is one of two."""
    target_language: str = ""
    """The language to translate into; by default the other of two."""
    shared_vocabulary: bool = True
    """Of line-aligned texts, cut both sides into the same tokens; names and numbers are then the same on both."""

    def __post_init__(self) -> None:
        at_least("vocabulary", self.vocabulary, 0)
        if self.vocabulary_of is not None and (self.vocabulary or self.tokenizer != "auto"):
            raise ConfigError("--vocabulary-of brings tokens of its own; leave --tokenizer and --vocabulary out")
        at_least("max_tokens", self.max_tokens, 0)
