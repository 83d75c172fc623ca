"""What tasks that learn to take noise away share: which network, which noise in an evaluation, classes, guidance."""

from collections.abc import Callable, Iterable
from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.generation import Generation, SampleRequest
from sonde.nn.time_condition import TimeCondition
from sonde.tasks.input_code import Code
from sonde.tasks.supervised import wide

LEVELS = 16  # of noise, at which rows are evaluated
NOISES = 64  # row number n is evaluated with noise n modulo this: the same in every evaluation, whatever its batch

# B rows, N samples


@runtime_checkable
class Denoiser(Protocol):
    """A network of a noisy input and a vector of `condition` numbers, which gives something of the input's shape."""

    condition: int

    def __call__(self, input: Tensor, condition: Tensor) -> Tensor: ...


class Conditioned(nn.Module):
    """A denoiser with the layers that make its condition of a time and a class."""

    def __init__(self, model: nn.Module, target: TargetSpec, *, task: str) -> None:
        """Raises: ConfigError for a network of another kind, or targets that are neither classes nor nothing"""
        super().__init__()
        if not isinstance(getattr(model, "condition", None), int):
            raise ConfigError(
                f"task {task} needs a network that is called with a noisy input and a vector of `condition` numbers, "
                f"and {type(model).__name__} has no `condition`; use --model denoiser-unet (images) or denoiser-mlp "
                "(numbers)"
            )
        self.classes = len(target.names) if target.kind == "class" else 0
        self.model = model
        self.condition = TimeCondition(cast(Denoiser, model).condition, self.classes)

    def forward(self, input: Tensor, time: Tensor, label: Tensor | None = None) -> Tensor:
        """(B, *shape), times (B,) in 0..1, classes (B,) -> (B, *shape), at least float32."""
        return wide(self.model(input, self.condition(time, label)))

    def guided(self, input: Tensor, time: Tensor, label: Tensor | None, guidance: float) -> Tensor:
        """Beside no class: none + w (class - none), of one pass over twice the rows."""
        if label is None or guidance == 1:
            return self(input, time, label)
        nothing = torch.full_like(label, self.classes)
        both = self(torch.cat([input, input]), torch.cat([time, time]), torch.cat([label, nothing]))
        chosen, free = both.chunk(2)
        return torch.lerp(free, chosen, guidance)

    def generation(
        self,
        draw: Callable[[SampleRequest], Tensor],
        estimate: Callable[[Tensor, float, Tensor | None], Tensor],
        shape: tuple[int, ...],
        samplers: Iterable[str],
        *,
        steps: int,
        dropped: bool,
        keeps: bool,
    ) -> Generation:
        """What a task that draws by this network can do. dropped: whether classes are hidden in training, for guidance"""
        classes = self.classes > 0
        return Generation(
            draw=draw,
            estimate=estimate,
            latent=shape,
            steps=steps,
            samplers=tuple(samplers),
            classes=classes,
            guided=classes and dropped,
            keeps=keeps,
        )

    def labels(self, batch: Batch, drop: float) -> Tensor | None:
        """The rows' classes, each replaced by "no class" with probability `drop`, as are all that are not known; None where there
        are none."""
        if not self.classes:
            return None
        if "target" not in batch:
            return torch.full((len(batch),), self.classes, device=batch["input"].device)
        label = batch["target"]
        if drop:
            label = torch.where(torch.rand(len(label), device=label.device) < drop, self.classes, label)
        return label


class EvaluationNoise:
    """Fixed noise and levels by the number of a row, so that evaluations can be compared."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        """shape: of the code of a row"""
        self._noise = torch.randn(NOISES, *shape, generator=torch.Generator().manual_seed(0))
        self.times = tuple((place + 0.5) / LEVELS for place in range(LEVELS))

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """(noise (B, *shape), time (B,), level (B,) int64)."""
        given = batch["input"]
        level = (batch.index + batch.index // NOISES) % LEVELS  # so that a noise is met at every level
        noise = self._noise[batch.index % NOISES].to(given.device)
        return noise, torch.tensor(self.times)[level].to(given.device), level.to(given.device)


WHITE = "each value denoised by itself, the data taken for white noise"
"""The best linear denoiser of data of variance 1 whose values have nothing to do with one another: what a baseline does."""


def by_row(error: Tensor) -> Tensor:
    """(B, …) squared errors -> (B,) their means."""
    return error.flatten(1).mean(1)


def like_rows(value: Tensor, rows: Tensor) -> Tensor:
    """(B,) -> (B, 1, …), to be multiplied with (B, *shape)."""
    return value.view(-1, *(1,) * (rows.ndim - 1))


Estimate = Callable[[Tensor, float, Tensor | None, float], Tensor]
"""(N, *shape), how noisy, classes or None, classifier-free guidance -> what a sampler follows."""


def guided_by(estimate: Estimate, at: Tensor, level: float, request: SampleRequest) -> Tensor:
    """An estimate with the guidance that is asked for: away from that without a class, or from a weaker network's.

    weak + w (strong - weak); estimates that are linear in one another (mean of the data, velocity, score) agree in it.
    Source: Karras et al. 2024, Guiding a diffusion model with a bad version of itself, arXiv:2406.02507, equation 3
    """
    if request.weaker is None:
        return estimate(at, level, request.labels, request.guidance)
    return torch.lerp(request.weaker(at, level), estimate(at, level, request.labels, 1.0), request.guidance)


def coded(code: Code, request: SampleRequest) -> tuple[Tensor | None, Tensor | None]:
    """What of a request is known, and where it is kept, as codes."""
    if request.known is None or request.keep is None:
        return None, None
    return code.encode(request.known), code.keep(request.keep)


def kept(
    made: Tensor, known: Tensor | None, keep: Tensor | None, noised: Callable[[Tensor], Tensor] = lambda known: known
) -> Tensor:
    """What is made, with the part that is known in place, as noisy as the rest. Source: Lugmayr et al. 2022, arXiv:2201.09865

    noised: from the known input to one with noise
    """
    return made if known is None or keep is None else torch.where(keep > 0, noised(known), made)
