"""What an optimiser has where only its name is given: a rate by the kind of network, and momentum and decay rates of its own.

Adam and its kin divide by the gradient's size, so that one rate serves most networks. A step of SGD and ASGD is as large as the
gradient: 1e-3 of the loss's scale in one network, 1 in another. Three kinds of network are told apart: those here that read
numbers, which are normalised inside and bear high rates; those here that read symbols (words, letters), most of whose
embeddings have no gradient in a batch, which need the highest; and others' own, of unknown scale, for which low ones are safe.

Sources: momentum 0.9 multiplies a step by 1 / (1 - 0.9), so its rate is a tenth of SGD's (Sutskever et al. 2013); RMSprop's
smoothing and momentum are torch's; Muon's: Jordan et al. 2024, with updates of AdamW's size (Liu et al. 2025). Rates were chosen
on the sets and networks of `benchmarks.optimizers`, one seed each.
"""

from collections.abc import Mapping
from typing import Literal

from sonde.core.findings import Finding

Kind = Literal["numbers", "symbols", "unknown"]

USUAL_RATE: Mapping[str, float] = {
    "sgd": 0.1, "momentum": 0.01, "nesterov": 0.01, "rmsprop": 1e-3, "adam": 1e-3, "adamw": 1e-3, "muon": 0.01,
}  # fmt: skip
"""Of optimisers with defaults of ours, for networks of which nothing is known."""
BY_KIND: Mapping[Kind, Mapping[str, float]] = {
    "numbers": {
        "sgd": 0.3, "momentum": 0.03, "nesterov": 0.03, "asgd": 0.3, "adagrad": 0.03,
        "radam": 0.01, "adafactor": 0.03, "adamax": 5e-3,
    },
    "symbols": {
        "sgd": 3.0, "momentum": 1.0, "nesterov": 1.0, "asgd": 3.0, "adagrad": 0.03,
        "radam": 5e-3, "adamax": 0.01, "adadelta": 30.0,
    },
    "unknown": {},
}  # fmt: skip
"""Rates that depend on the kind of network. RAdam takes no steps that adapt at first; AdaGrad's shrink.
Of unknown networks torch's optimisers have torch's own."""
OWN_DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "rmsprop": {"momentum": 0.0, "beta2": 0.99},
    "muon": {"momentum": 0.95},
}
"""What an optimiser that is named has where the general default is another's: RMSprop's smoothing and momentum (as torch's),
Muon's momentum (Jordan et al. 2024)."""
WHOLE_DATA = ("lbfgs", "rprop")
"""Those that compare gradients from step to step, which must be of the same rows (Riedmiller and Braun 1993; Nocedal 1980)."""
NOT_SCALED = ("sgd", "momentum", "nesterov", "asgd")
"""Those whose steps are as large as the gradient: far behind Adam where rare tokens have rare gradients (Kunstner et al. 2024,
arXiv:2402.19449)."""


def usual_rate(optimizer: str, kind: Kind) -> float | None:
    """The peak rate of an optimiser that is named; None where torch's default is it.

    >>> usual_rate("momentum", "unknown"), usual_rate("momentum", "symbols"), usual_rate("nadam", "symbols")
    (0.01, 1.0, None)
    """
    return BY_KIND[kind].get(optimizer, USUAL_RATE.get(optimizer))


def unsuited(name: str, *, kind: Kind, batch: int, rows: int) -> list[Finding]:
    """What keeps an optimiser that was named from training a network of ours as well as others do.

    kind: of the network;  batch, rows: of a step, and of all there are to train on
    """
    if name in WHOLE_DATA and batch < rows:
        why = f"{name} compares the gradients of one step with the next, which batches of {batch:,} of {rows:,} rows change"
        action = f"use --batch-size {rows} with more --epochs, or --optimizer adam"
    elif name in NOT_SCALED and kind == "symbols":
        small = "those of rare tokens are small"
        why = f"{name} steps as far as gradients are large, and {small}: adam gets further in as many steps"
        action = "use --optimizer adam"
    else:
        return []
    return [
        Finding(check="unsuited optimizer", name="unsuited-optimizer", severity="warning", evidence=why, action=action)
    ]
