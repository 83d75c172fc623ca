"""A linear layer for what must not be rounded to 16 bits."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FullLinear(nn.Linear):
    """A linear layer that computes in the precision of its weights, under autocast too.

    Values of hundreds have steps of two in bfloat16, and the ratio of two policies is the exponential of a difference of logits:
    what is below may be rounded, the last layer of a policy or a value not.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(…, in) -> (…, out)."""
        kind = input.device.type
        if not torch.is_autocast_enabled(kind):
            return super().forward(input)
        with torch.autocast(kind, enabled=False):
            return F.linear(input.to(self.weight.dtype), self.weight, self.bias)
