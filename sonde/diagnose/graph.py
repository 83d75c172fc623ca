"""What the graph of a loss shows: probabilities that are taken for logits."""

from typing import Any

from torch import Tensor

from sonde.core.findings import Finding

MOST = 10_000  # nodes that are looked at
SHAPING = (
    "View",
    "Reshape",
    "UnsafeView",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "T",
    "Permute",
    "Clone",
    "Select",
    "Slice",
)
SHAPING += ("Expand", "ToCopy", "Alias", "Movedim")
TWICE = {  # a node of the loss -> what must not stand right before it, and the remedy
    "LogSoftmax": ("Softmax", "let the network return logits, without its softmax"),
    "BinaryCrossEntropyWithLogits": ("Sigmoid", "let the network return logits, without its sigmoid; or give BCELoss"),
}

RAW = ("Addmm", "Mm", "Linear", "Convolution", "Relu", "Add", "Mean", "Sigmoid", "Tanh")
"""What ends a network whose outputs are no log-probabilities of classes."""


def activated_twice(loss: Tensor) -> list[Finding]:
    """A finding where a softmax or sigmoid of the network's goes into a loss that applies another, and where a loss of
    log-probabilities is given none.

    >>> import torch
    >>> logits = torch.zeros(4, 2, requires_grad=True)
    >>> [found.check for found in activated_twice(torch.nn.functional.cross_entropy(logits.softmax(1), torch.zeros(4).long()))]
    ['probabilities instead of logits']
    >>> [found.check for found in activated_twice(torch.nn.functional.nll_loss(logits * 2 @ torch.eye(2), torch.zeros(4).long()))]
    ['outputs that are no log probabilities']
    >>> activated_twice(torch.nn.functional.nll_loss(logits.log_softmax(1), torch.zeros(4).long()))
    []
    """
    waiting = [] if loss.grad_fn is None else [loss.grad_fn]
    seen = set(waiting)
    while waiting and len(seen) < MOST:
        node = waiting.pop(0)
        found = TWICE.get(_kind(node))
        if found is not None and _before(node) == found[0]:
            what = found[0].lower()
            return [
                Finding(
                    check="probabilities instead of logits",
                    name="probabilities-instead-of-logits",
                    severity="warning",
                    evidence=f"the network ends in a {what}, and the loss applies a {what} to what it is given: "
                    "it is applied twice",
                    action=found[1],
                    step=1,
                )
            ]
        if _kind(node).startswith("NllLoss") and (before := _before(node)) in ("Softmax", *RAW):
            what = "probabilities" if before == "Softmax" else "plain outputs"
            return [
                Finding(
                    check="outputs that are no log-probabilities",
                    name="outputs-that-are-no-log-probabilities",
                    severity="warning",
                    evidence=f"the negative log-likelihood is given {what} of the network: it has no minimum, and its "
                    "value is not the negative log-likelihood",
                    action="give torch.nn.functional.cross_entropy for logits, or end the network in nn.LogSoftmax(1)"
                    + (" instead of its softmax" if before == "Softmax" else ""),
                    step=1,
                )
            ]
        following = [each for each, _ in node.next_functions if each is not None and each not in seen]
        seen.update(following)
        waiting += following
    return []


def _kind(node: Any) -> str:
    return node.name().split("::")[-1].split("Backward")[0].removeprefix("_").removeprefix("Safe")


def _before(node: Any) -> str:
    """What computed a node's first input, past what only changes its shape."""
    for _ in range(MOST):
        node = node.next_functions[0][0] if node.next_functions else None
        if node is None or _kind(node) not in SHAPING:
            break
    return "" if node is None else _kind(node)
