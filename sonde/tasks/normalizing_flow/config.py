"""Settings of normalizing flows: none of the task's own, all are of the network."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class NormalizingFlowConfig:
    """Settings of normalizing flows."""
