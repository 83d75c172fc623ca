"""How large the matrix products of a step are, which a precision with units of its own gains on: counted, so always the same."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from sonde.core.batch import Batch
from sonde.core.errors import NonFinite
from sonde.engine.step import Stepper
from sonde.engine.timing import untouched

RECURRENT = {"aten.mkldnn_rnn_layer": 1, "aten.mkldnn_rnn_layer_backward": 2}
"""oneDNN's recurrent layers, which torch counts no operations of -> products of each weight by each row and time step."""


def mean_product(stepper: Stepper, batch: Batch) -> float:
    """Floating-point operations of a float32 matrix product or convolution in the mean over one step; 0 where there is none.

    The step is undone. Products in another width, such as Muon's own, are left out.
    """
    with untouched(stepper), _Counting() as found, suppress(NonFinite):
        stepper.training_mode()
        stepper(batch, step=1, epoch=0)
    return found.operations / max(1, found.products)


class _Counting(TorchDispatchMode):
    """Adds up the floating-point operations of products while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = self.products = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Steps are not compiled here; else torch would load its compiler to make sure of that, for a second or two."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        out = func(*args, **named)
        packet = func._overloadpacket
        first = out[0] if isinstance(out, tuple | list) and out else out
        if not isinstance(first, Tensor) or first.dtype != torch.float32:
            return out
        if packet in flop_registry:
            self.operations += flop_registry[packet](*args, **named, out_val=out)
            self.products += 1
        elif (times := RECURRENT.get(str(packet))) is not None:
            steps, rows = args[0].shape[:2]
            self.operations += 2 * times * steps * rows * (args[1].numel() + args[2].numel())
            self.products += times
        return out
