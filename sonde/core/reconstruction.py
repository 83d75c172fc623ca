"""What a task can do that gives inputs back from a code. Free of torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from sonde.core.batch import Batch


@dataclass(frozen=True, kw_only=True)
class LatentSpace:
    """Codes as another model can learn to make them, for latent diffusion. In evaluation mode, without gradients.

    shape:  of the code of a row: (L,) numbers, or (channels, height, width) of a map
    encode: inputs (B, *input) -> codes (B, *shape)
    decode: anything like codes (B, *shape) -> inputs (B, *input); of codes out of a codebook the nearest are taken
    """

    shape: tuple[int, ...]
    encode: "Callable[[Tensor], Tensor]"
    decode: "Callable[[Tensor], Tensor]"


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """How a task gives inputs back: its ability `reconstruction`. All in evaluation mode, without gradients.

    outputs:     what `sonde predict --what` names -> the like of the task's `predict`: latent, reconstruction, anomaly
    latent:      a batch -> (B, L), the code of each row as numbers
    beside:      the same names, "" for `predict` itself -> what is to be said beside the outputs, a line each
    reconstruct: a batch -> (B, *shape), on the scale that the network is fed
    decode:      (N, L) -> (N, *shape); None where codes are not numbers that can be varied
    space:       the same codes in the shape in which another model learns them; None where none can
    """

    outputs: "Mapping[str, Callable[[Batch], Mapping[str, Tensor]]]"
    latent: "Callable[[Batch], Tensor]"
    reconstruct: "Callable[[Batch], Tensor]"
    decode: "Callable[[Tensor], Tensor] | None" = None
    space: LatentSpace | None = None
    beside: "Mapping[str, Callable[[], Sequence[str]]]" = field(default_factory=dict)
