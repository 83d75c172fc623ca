"""What a network made of inputs that it saw a part of."""

from typing import NamedTuple

from torch import Tensor


class Unmasked(NamedTuple):
    """Images in the scale of the input, (B, C, H, W).

    given: the input itself;  seen: what the network saw of it, 0 elsewhere;  found: that and what it made of the rest
    """

    given: Tensor
    seen: Tensor
    found: Tensor
