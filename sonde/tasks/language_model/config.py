"""Settings of language modelling: its flags."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LanguageModelConfig:
    """Settings of language modelling."""

    carry: bool = False
    """Recurrent networks: carry the hidden state over from batch to batch, which continue one another (stateful training)."""
