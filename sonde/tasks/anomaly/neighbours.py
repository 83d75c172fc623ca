"""How far a row is from the normal rows nearest to it, in a description of rows."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

NEAREST = 3  # rows whose mean distance counts
MOST_ROWS = 16_384  # descriptions that are kept
MOST_NUMBERS = 64  # of a description: more are projected on the directions in which normal rows vary most
AT_ONCE = 4_096  # descriptions that are compared together with all that are kept

# N normal rows, B rows, D numbers of a description, K that are kept of them


class Neighbours:
    """Descriptions of normal rows, on their leading principal directions where they are long.

    Source: Ramaswamy, Rastogi and Shim 2000, Efficient algorithms for mining outliers from large data sets, SIGMOD
    """

    def __init__(self) -> None:
        self.mean = self.directions = self.known = torch.zeros(0, 0)

    def __bool__(self) -> bool:
        return len(self.known) > 0

    def keep(self, parts: Iterable[Tensor]) -> None:
        """Descriptions (n, D) of normal rows, in parts; of more than are kept, every so many-th."""
        rows = torch.cat(list(parts)).float()
        rows = rows[torch.arange(min(len(rows), MOST_ROWS)) * len(rows) // min(len(rows), MOST_ROWS)]
        with torch.autocast(rows.device.type, enabled=False):
            self.mean = rows.mean(0)
            self.directions = _leading(rows - self.mean)
            self.known = self._placed(rows)

    def distance(self, rows: Tensor) -> Tensor:
        """(B, D) -> (B,), the mean distance to the nearest few."""
        if self.known.device != rows.device:  # as a checkpoint was read
            self._to(rows.device)
        found = []
        with torch.autocast(rows.device.type, enabled=False):
            for part in self._placed(rows.float()).split(AT_ONCE):
                squared = torch.addmm(self.known.square().sum(1), part, self.known.T, alpha=-2)
                squared = squared.topk(min(NEAREST, len(self.known)), largest=False).values
                found.append((squared + part.square().sum(1, keepdim=True)).clamp(min=0).sqrt().mean(1))
        return torch.cat(found)

    def state_dict(self) -> dict[str, Tensor]:
        """What is kept."""
        return {"mean": self.mean, "directions": self.directions, "known": self.known}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """What `state_dict` gave."""
        self.mean, self.directions, self.known = (state[name] for name in ("mean", "directions", "known"))

    def _to(self, device: torch.device) -> None:
        self.load_state_dict({name: value.to(device) for name, value in self.state_dict().items()})

    def _placed(self, rows: Tensor) -> Tensor:
        """(B, D) -> (B, K)."""
        return (rows - self.mean) @ self.directions if self.directions.numel() else rows - self.mean


def _leading(rows: Tensor) -> Tensor:
    """(N, D) of mean 0 -> (D, K), the directions in which they vary most; (0, 0) where all are kept."""
    if rows.shape[1] <= MOST_NUMBERS:
        return rows.new_zeros(0, 0)
    spread = rows.double().T @ rows.double() / len(rows)
    return torch.linalg.eigh(spread).eigenvectors[:, -MOST_NUMBERS:].to(rows.dtype)
