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
    """Tokenizer: characters, words, subwords (bpe), or byte-level subwords without unknown tokens (bytes)."""
    vocabulary: int = 0
    """Maximum vocabulary size, the most frequent tokens of the training text; 0 chooses it from the text."""
    vocabulary_of: str | None = None
    """Run folder or tokenizer.json whose vocabulary to use; with --pretrained RUN by default that run's."""
    max_tokens: int = 0
    """Maximum sequence length in tokens; longer rows are truncated, and their number is reported. 0 chooses it from the text."""
    source_language: str = ""
    """Source language of a parallel corpus, as in its file suffix (en); by default English if it is one of the two."""
    target_language: str = ""
    """Target language of a parallel corpus; by default the other of the two."""
    shared_vocabulary: bool = True
    """Use one vocabulary for both sides of a parallel corpus; names and numbers are then the same tokens on both."""

    def __post_init__(self) -> None:
        at_least(self, 0, "vocabulary", "max_tokens")
        if self.vocabulary_of is not None and (self.vocabulary or self.tokenizer != "auto"):
            raise ConfigError("--vocabulary-of has its own tokens; leave --tokenizer and --vocabulary out")
