"""Stochastic depth: a residual branch that some rows of the batch skip while training."""

from torch import Tensor, nn


class StochasticDepth(nn.Module):
    """Set a branch's output to zero for each row with `probability` while training; scale the others so that the mean stays.

    It stands on the branch, before what went around it is added: (B, …) -> the same shape. The draws, one a row, come from
    the default generator.
    Raises: ValueError for a probability outside 0 to below 1
    Source: Huang et al. 2016, arXiv:1603.09382, whose branches fall for the whole batch and are scaled in evaluation; a draw for
    each row, scaled while training, is what Tan and Le 2019, arXiv:1905.11946, train with
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        if not 0 <= probability < 1:
            raise ValueError(f"StochasticDepth: probability must be at least 0 and below 1, got {probability}")
        self.probability = probability

    def forward(self, input: Tensor) -> Tensor:
        """(B, …) -> the same shape."""
        if not self.training or self.probability == 0:
            return input
        keep = 1 - self.probability
        rows = input.new_empty((input.shape[0],) + (1,) * (input.ndim - 1)).bernoulli_(keep)
        return input * rows.div_(keep)

    def extra_repr(self) -> str:
        """For print(module)."""
        return f"probability={self.probability:g}"


def rising(largest: float, blocks: int, *, last: bool) -> list[float]:
    """The probability of each of `blocks` in turn, on the line from 0 at the input up to `largest` (equation 4).

    last: whether the last block has `largest` itself, as in ConvNeXt and vision transformers, or it is what one more block
          would have, as in EfficientNet

    >>> rising(0.5, 4, last=False), rising(0.5, 5, last=True)
    ([0.0, 0.125, 0.25, 0.375], [0.0, 0.125, 0.25, 0.375, 0.5])
    """
    steps = blocks - 1 if last else blocks
    return [largest * block / max(steps, 1) for block in range(blocks)]
