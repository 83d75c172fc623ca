"""Hidden states that outlive their batch: what a recurrent network knew at the end of a window waits for the next one."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

# M states kept, B rows


class Carried:
    """States by the window after which they stand; windows are known by their row, and row r + 1 follows row r.

    One that is not used stays until its window is read again, so at most as many are kept as rows are read side by side.
    """

    def __init__(self) -> None:
        self.ends = torch.empty(0, dtype=torch.int64)  # (M,) rows
        self.states: tuple[Tensor, ...] = ()  # each (M, …)

    def before(self, rows: Tensor, device: torch.device) -> tuple[Tensor, ...] | None:
        """The states (B, …) before windows `rows` (B,) int64 on the host; zeros where none is kept, None where none is at all."""
        found = self.ends[None] == rows[:, None] - 1  # (B, M)
        if not found.any():
            return None
        places, known = found.int().argmax(1).to(device), found.any(1).to(device)
        taken = (state.to(device).index_select(0, places) for state in self.states)
        return tuple(torch.where(known.view(-1, *(1,) * (state.ndim - 1)), state, 0) for state in taken)

    def keep(self, rows: Tensor, states: tuple[Tensor, ...]) -> None:
        """Keep the states (B, …) behind windows `rows`, instead of those before them."""
        left = ~(torch.isin(self.ends, rows) | torch.isin(self.ends, rows - 1))
        states = tuple(state.detach() for state in states)
        if left.any():
            old = (state.to(new.device)[left.to(new.device)] for state, new in zip(self.states, states, strict=True))
            states = tuple(torch.cat([held, new]) for held, new in zip(old, states, strict=True))
        self.ends, self.states = torch.cat([self.ends[left], rows]), states

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"ends": self.ends, "states": list(self.states)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """What `state_dict` gave."""
        self.ends, self.states = state["ends"], tuple(state["states"])
