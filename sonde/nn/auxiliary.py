"""Auxiliary heads: outputs in the middle of a deep network, there for the training loss alone."""

from typing import NamedTuple

from torch import Tensor


class WithAuxiliary(NamedTuple):
    """The output of a network with auxiliary heads in training mode; in evaluation mode it outputs `main` alone.

    main:      the output, of whatever shape the network's outputs have
    auxiliary: that of each head, in the same shape, from the input on; none for a batch that the heads cannot take
    share:     how much of each head's loss is added to the main one
    Source: Szegedy et al. 2014, arXiv:1409.4842, section 5
    """

    main: Tensor
    auxiliary: tuple[Tensor, ...]
    share: float
