"""Environments that step one after the other in this process."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from sonde.acting.block import Block


class InProcess(Block):
    """n environments of gymnasium, whose state is tensors."""

    def state_dict(self) -> dict[str, Tensor]:
        """See `Block.state`."""
        return {name: torch.from_numpy(values) for name, values in self.state().items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> np.ndarray:
        """See `Block.load`. Raises: RunFolderError"""
        return self.load({name: values.numpy() for name, values in state.items()})
