"""Settings of language modelling: its flags."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LanguageModelConfig:
    """Settings of language modelling."""

    carry: bool = False
    """Recurrent networks: each batch goes on in the text where the one before stopped, with the state it was left in."""
