"""Settings of deep Q-learning: their flags."""

from dataclasses import dataclass

from sonde.core.bounds import at_least, flag, not_above, within
from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class DQNConfig:
    """Settings of deep Q-learning."""

    discount: float = 0.99
    """What a reward a step later is worth."""
    replay: int = 100_000
    """Transitions that are kept to learn from."""
    warmup_steps: int = 1_000
    """Steps of the environments, by random actions, before the first update."""
    train_every: int = 1
    """Steps of the environments for an update."""
    updates_together: int = 1
    """Updates that follow one another, after as many times --train-every steps in which the policy stays the same."""
    return_steps: int = 1
    """Steps whose rewards are summed before the value of what follows is taken (n-step returns)."""
    double: bool = True
    """Let the network choose the best next action, and the target network only say what it is worth."""
    dueling: bool = False
    """Estimate the value of a state and what each action adds to it apart."""
    quantiles: int = 0
    """Estimate so many quantiles of the return, and not only its mean (QR-DQN); 0 for the mean."""
    atoms: int = 0
    """Estimate how likely each of so many returns within --value-range is (C51: 51); 0 for the mean alone."""
    value_range: tuple[float, ...] = ()
    """The least and the greatest discounted return that can be expected, for --atoms."""
    priority: float = 0.0
    """Draw transitions in proportion to this power of how far off their value was (prioritised replay: 0.6); 0 for all alike."""
    priority_correction: float | None = None
    """How far losses are weighted to make up for --priority, at first, by default 0.4: 1 for wholly, to which it rises."""
    priority_updates: int | None = None
    """Updates over which --priority-correction rises to 1, by default 25,000."""
    target_every: int = 128
    """Updates after which the target network becomes like the network."""
    explore_last: float = 0.05
    """Share of random actions after exploration; it falls to that from 1."""
    explore_steps: int = 10_000
    """Steps of the environments over which the share of random actions falls."""
    scale_observations: bool = False
    """Scale observations that are numbers by their running mean and standard deviation."""
    act_sampled: bool = False
    """Evaluate with as many random actions as in training, and not with the best alone."""

    def __post_init__(self) -> None:
        at_least(self, 1, "replay", "train_every", "updates_together", "return_steps", "target_every", "explore_steps")
        at_least(self, 1, "priority_updates")
        at_least(self, 0, "warmup_steps", "quantiles", "atoms", "priority")
        not_above(self, "warmup_steps", "replay")
        within(self, 0, 1, "discount", "explore_last", "priority_correction")
        if self.quantiles == 1:
            raise ConfigError("--quantiles is 0 for the mean, or 2 and more, got 1")
        self._check_atoms()
        if not self.priority:
            for name in ("priority_correction", "priority_updates"):
                if getattr(self, name) is not None:
                    raise ConfigError(f"{flag(name)} is for prioritised replay; give --priority 0.6, or leave it out")

    def _check_atoms(self) -> None:
        if self.atoms == 1:
            raise ConfigError("--atoms is 0 for the mean, or 2 and more, got 1")
        if self.atoms and self.quantiles:
            raise ConfigError("--atoms and --quantiles both say how the return is estimated; give one of them")
        if self.value_range and not self.atoms:
            raise ConfigError("--value-range is for --atoms; give --atoms 51, or leave it out")
        if self.atoms and (len(self.value_range) != 2 or not self.value_range[0] < self.value_range[1]):
            got = " ".join(map(str, self.value_range)) or "none"
            raise ConfigError(
                "--atoms needs --value-range with the least and the greatest discounted return that can be expected, such as "
                f"--value-range 0 100, got {got}"
            )
