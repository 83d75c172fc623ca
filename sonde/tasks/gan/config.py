"""Settings of generative adversarial networks: their flags."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.bounds import above, at_least
from sonde.core.errors import ConfigError

CRITIC_STEPS = 5  # of arXiv:1704.00028, algorithm 1
PENALTY = 10.0  # λ of arXiv:1704.00028


@dataclass(frozen=True, kw_only=True)
class GANConfig:
    """Settings of a generator and its critic."""

    gan_loss: Literal["hinge", "non-saturating", "wgan-gp"] = "hinge"
    """What generator and critic minimise: hinge has a critic with spectral norm, wgan-gp one with a gradient penalty."""
    critic_norm: Literal["auto", "spectral", "none"] = "auto"
    """Spectral norm holds the largest singular value of each layer of the critic at 1; auto takes it for hinge."""
    r1: float = 0.0
    """Weight of the R1 penalty, half the squared gradient of the critic at real rows; 0 for none. 0.1 to 10 are usual."""
    gradient_penalty: float | None = None
    """Weight of the gradient penalty between real and made rows; for wgan-gp alone, 10 by default."""
    critic_steps: int | None = None
    """Updates of the critic for each of the generator; by default 5 for wgan-gp, else 1."""
    critic_lr: float | None = None
    """Learning rate of the critic; by default that of lr."""
    by_class: bool = True
    """Make rows of a class where the data have classes: the generator is told which, and the critic judges rows as that."""

    def __post_init__(self) -> None:
        at_least(self, 1, "critic_steps")
        at_least(self, 0, "r1")
        above(self, 0, "gradient_penalty", "critic_lr")
        if self.gradient_penalty is not None and self.gan_loss != "wgan-gp":
            raise ConfigError(
                f"--gradient-penalty has no effect: it is for --gan-loss wgan-gp, and this is {self.gan_loss}; leave it "
                "out, or give --r1"
            )

    @property
    def normalised(self) -> bool:
        """Whether the critic has spectral norm."""
        return self.critic_norm == "spectral" or (self.critic_norm == "auto" and self.gan_loss == "hinge")

    @property
    def every(self) -> int:
        """Steps of the critic for one of the generator."""
        return self.critic_steps or (CRITIC_STEPS if self.gan_loss == "wgan-gp" else 1)

    @property
    def penalty(self) -> float:
        """Weight of the gradient penalty."""
        if self.gan_loss != "wgan-gp":
            return 0.0
        return PENALTY if self.gradient_penalty is None else self.gradient_penalty
