"""Settings of conservative Q-learning: their flags."""

from dataclasses import dataclass

from sonde.core.bounds import at_least, within


@dataclass(frozen=True, kw_only=True)
class CQLConfig:
    """Settings of conservative Q-learning."""

    discount: float = 0.99
    """What a reward a step later is worth."""
    conservative: float = 1.0
    """Weight of keeping actions that the log does not take below those that it takes; 0 for Q-learning alone."""
    double: bool = True
    """Let the network choose the best next action, and the target network only say what it is worth."""
    dueling: bool = False
    """Estimate the value of a state and what each action adds to it apart."""
    target_every: int = 128
    """Updates after which the target network becomes like the network."""

    def __post_init__(self) -> None:
        at_least(self, 1, "target_every")
        at_least(self, 0, "conservative")
        within(self, 0, 1, "discount")
