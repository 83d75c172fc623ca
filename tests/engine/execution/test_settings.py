"""Batches that networks compute are drawn in the precision of the run."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from sonde.core.batch import Batch
from sonde.engine.execution.settings import StepSettings, drawn


class Computed:
    """Two batches, of what a product of matrices comes out as."""

    batches, epoch = 2, 0

    def __init__(self, computes: bool | None) -> None:
        if computes is not None:
            self.computes = computes

    def __iter__(self) -> Iterator[Batch]:
        ones = torch.ones(2, 2)
        for number in range(2):
            yield Batch({"input": ones @ ones}, torch.arange(2) + 2 * number)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


@pytest.mark.parametrize(
    ("computes", "precision", "dtype"),
    [
        (True, "bf16", torch.bfloat16),
        (True, "fp32", torch.float32),
        (False, "bf16", torch.float32),
        (None, "bf16", torch.float32),
    ],
)
def test_only_what_networks_compute_is_drawn_in_the_precision_of_steps(
    computes: bool | None, precision: Any, dtype: torch.dtype
) -> None:
    settings = StepSettings(device=torch.device("cpu"), precision=precision)
    found = []
    for batch in drawn(Computed(computes), settings):  # type: ignore[arg-type]
        assert not torch.is_autocast_enabled("cpu")  # what is done with a batch is not within
        found.append(batch)
    assert [batch["input"].dtype for batch in found] == [dtype, dtype]
    assert torch.cat([batch.index for batch in found]).tolist() == [0, 1, 2, 3]
