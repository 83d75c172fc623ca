"""Rewards of -1, 0 and 1, so that one step size suits games whose scores differ by a thousand times."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from sonde.core.acting import Environments, Transition


class Clipped:
    """Environments whose rewards are learned from by their sign, and counted as they are.

    Source: Mnih et al. 2015, Human-level control through deep reinforcement learning, Methods, "Training details"
    """

    def __init__(self, environments: Environments) -> None:
        self._environments = environments

    @property
    def said(self) -> str:
        """See `Environments`."""
        return self._environments.said

    @property
    def count(self) -> int:
        """How many there are."""
        return self._environments.count

    def reset(self) -> np.ndarray:
        """See `Environments`."""
        return self._environments.reset()

    def rewind(self) -> None:
        """See `Environments`."""
        self._environments.rewind()

    def step(self, actions: np.ndarray) -> Transition:
        """See `Environments`."""
        found = self._environments.step(actions)
        return found._replace(reward=np.sign(found.reward), score=found.counted[0])

    def state_dict(self) -> Mapping[str, Tensor]:
        """Of the environments."""
        return self._environments.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> np.ndarray:
        """See `Environments`. Raises: RunFolderError"""
        return self._environments.load_state_dict(state)

    def close(self) -> None:
        """Of the environments."""
        self._environments.close()
