"""Whether a network is compiled by torch: each way of looking on would have it compiled anew, eight times at most, after which
torch runs it eagerly for good."""

import sys
from collections.abc import Callable

from torch import Tensor, nn

from sonde.core.batch import Batch


def has_compiled(modules: nn.Module) -> bool:
    """Whether a network is, or has as a part, what was handed to torch.compile: it would be compiled anew for whoever looks on."""
    return any(
        getattr(module, "_compiled_call_impl", None) is not None or hasattr(module, "_orig_mod")
        for module in modules.modules()
    )


def compilations() -> int:
    """How often torch has compiled something in this process."""
    dynamo = sys.modules.get("torch._dynamo.utils")  # there from the first optimiser's step on, whether used or not
    return 0 if dynamo is None else int(dynamo.counters["frames"]["total"])


def until_compiled(answer: Callable[[Batch], Tensor | None]) -> Callable[[Batch], Tensor | None]:
    """The same function, until a call of it makes torch compile something; None from then on."""
    over = False

    def asked(batch: Batch) -> Tensor | None:
        nonlocal over
        if over:
            return None
        before = compilations()
        found = answer(batch)
        over = compilations() > before
        return found

    return asked
