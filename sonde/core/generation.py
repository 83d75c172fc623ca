"""What is asked of a task that makes new inputs, and what such a task can do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class SampleRequest:
    """New inputs that are wanted.

    start:    (N, *latent) where sampling begins: noise, or codes of one's own; its rows are as many as are wanted
    labels:   (N,) int64 number of the class of each; None where the task knows no classes, or leaves them to chance
    steps:    of the sampler; 0 for the task's own number
    sampler:  its name; "" for the task's own
    guidance: weight w of the class beside no class, D = D_none + w (D_class - D_none); 1 for the class alone
    weaker:   what a weaker network answers (`Generation.estimate`, of these rows) beside which `guidance` is meant instead
    known:    (N, *shape) inputs of which a part is kept;  keep: of that shape, 1 where `known` is kept and 0 where it is made
    noise:    called with a shape -> standard normal numbers, for samplers that add some on the way
    temperature: of what is drawn from probabilities: below 1 the likely is likelier
    """

    start: "Tensor"
    labels: "Tensor | None" = None
    steps: int = 0
    sampler: str = ""
    guidance: float = 1.0
    weaker: "Callable[[Tensor, float], Tensor] | None" = None
    known: "Tensor | None" = None
    keep: "Tensor | None" = None
    noise: "Callable[[tuple[int, ...]], Tensor] | None" = None
    temperature: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Generation:
    """How a task makes new inputs: its ability `generation`.

    draw:     a request -> (N, *shape) new inputs, on the scale that the network is fed; in evaluation mode, without gradients
    latent:   shape of what sampling begins with, drawn from a standard normal distribution
    steps:    of the sampler where nobody says; 0 of a network that makes an input in one pass
    samplers: their names, the task's own first; () where there is nothing to choose
    estimate: (N, *latent), how noisy they are (σ of diffusion, the time of a flow), classes or None -> what the sampler follows:
              the mean of the data, the velocity; None of a network that makes an input in one pass
    classes:  whether the class of a sample can be chosen;  guided: whether `guidance` is read;  keeps: whether `known` is
    tempered: whether `temperature` is read
    """

    draw: "Callable[[SampleRequest], Tensor]"
    latent: tuple[int, ...]
    steps: int = 0
    samplers: tuple[str, ...] = ()
    estimate: "Callable[[Tensor, float, Tensor | None], Tensor] | None" = None
    classes: bool = False
    guided: bool = False
    keeps: bool = False
    tempered: bool = False
