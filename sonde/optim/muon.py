"""Muon: momentum whose direction is orthogonalised, for matrices and convolutions; AdamW, in the same optimiser, for the rest."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.adamw import adamw

Scaling = Literal["rms", "spectral"]

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic, steepest at zero: Jordan et al. 2024
NORM_EPS = 1e-7


class Muon(Optimizer):
    """Moves each group by its `rule`: "muon" (parameters of 2 or more dimensions, flattened to matrices) or "adamw".

    scaling: "rms" multiplies the orthogonal update by 0.2 sqrt(max(rows, columns)), which gives it the size of AdamW's, so
             that one rate and one decay serve both rules; "spectral" by sqrt(max(1, rows / columns))
    dtype:   of the products; bfloat16 is enough, and faster where the hardware has it
    Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon; "rms" and decoupled decay: Liu et al. 2025
    (Moonlight), arXiv:2502.16982; AdamW: Loshchilov and Hutter 2019, arXiv:1711.05101
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        *,
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        scaling: Scaling = "rms",
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        defaults = {"rule": "muon", "lr": lr, "weight_decay": weight_decay}
        defaults |= {"momentum": momentum, "scaling": scaling, "betas": betas, "eps": eps}
        super().__init__(groups, defaults)
        self.dtype = dtype

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As torch's, for groups that come later as well."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        # under this name torch's own load_state_dict looks whether AdamW's step counts belong on the device
        of_reals = not any(parameter.is_complex() for parameter in group["params"])
        group["fused"] = of_reals and group["params"][0].device.type in ("cpu", "cuda")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if parameters:
                move = self._orthogonal if group["rule"] == "muon" else self._adaptive
                move(parameters, [p.grad for p in parameters], group)
        return loss

    def _orthogonal(self, parameters: list[Tensor], gradients: list[Tensor], group: dict[str, Any]) -> None:
        means = [self._state(p, "mean", p) for p in parameters]
        torch._foreach_lerp_(means, gradients, 1 - group["momentum"])
        ahead = torch._foreach_lerp(gradients, means, group["momentum"])  # Nesterov: where the mean is about to be
        if group["weight_decay"]:
            torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        for places in same_shape(ahead):
            matrices = torch.stack([ahead[place].flatten(1) for place in places])  # (n, rows, columns)
            directions = orthogonalised(matrices, dtype=self.dtype)
            rate = group["lr"] * scale(directions.shape[1], directions.shape[2], group["scaling"])
            updates = [
                d.to(parameters[i].dtype).reshape(parameters[i].shape) for d, i in zip(directions, places, strict=True)
            ]
            torch._foreach_add_([parameters[place] for place in places], updates, alpha=-rate)

    def _adaptive(self, parameters: list[Tensor], gradients: list[Tensor], group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        adamw(
            parameters,
            gradients,
            [self._state(p, "exp_avg", p) for p in parameters],
            [self._state(p, "exp_avg_sq", p) for p in parameters],
            [],
            [self._state(p, "step", torch.zeros((), dtype=torch.float32, device=p.device)) for p in parameters],
            fused=group["fused"],
            foreach=not group["fused"],
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )

    def _state(self, parameter: Tensor, name: str, like: Tensor) -> Tensor:
        state = self.state[parameter]
        if name not in state:
            state[name] = torch.zeros_like(like, memory_format=torch.preserve_format)
        return state[name]


def same_shape(tensors: Sequence[Tensor]) -> list[list[int]]:
    """Places of the tensors that flatten to matrices of one shape and type, in order of first appearance.

    One batched product for all of them costs far less than one for each where matrices are small.

    >>> same_shape([torch.ones(2, 4), torch.ones(3, 2), torch.ones(2, 2, 2)])
    [[0, 2], [1]]
    """
    places: dict[tuple[Any, ...], list[int]] = {}
    for place, tensor in enumerate(tensors):
        key = (len(tensor), tensor[0].numel(), tensor.dtype, tensor.device)
        places.setdefault(key, []).append(place)
    return list(places.values())


def orthogonalised(matrices: Tensor, *, steps: int = 5, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """The nearest semi-orthogonal matrices, roughly: (n, rows, columns) with singular values brought near 1 (0.7 to 1.2).

    Newton-Schulz: `steps` times x <- a x + b (x x') x + c (x x')² x, which acts on singular values alone and needs products
    only. A zero matrix stays zero.
    Source: Jordan et al. 2024, after Bernstein and Newhouse 2024, arXiv:2409.20325
    """
    a, b, c = COEFFICIENTS
    x = matrices.to(dtype)
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.mT  # the products are then of the smaller side
    x = x / torch.linalg.matrix_norm(x, keepdim=True).clamp(min=NORM_EPS)  # spectral norm at most 1
    for _ in range(steps):
        gram = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def scale(rows: int, columns: int, scaling: Scaling) -> float:
    """What an orthogonal update of that shape is multiplied by; see `Muon`.

    >>> scale(64, 16, "spectral"), scale(64, 16, "rms")
    (2.0, 1.6)
    """
    return max(1.0, rows / columns) ** 0.5 if scaling == "spectral" else 0.2 * max(rows, columns) ** 0.5
