"""Losses of a generator and its critic, of the critic's logits: large for what looks real."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

SMALLEST = 1e-24  # squared norm of a gradient; the root of 0 has no derivative

# B real and as many made rows; all means


def non_saturating_critic(real: Tensor, made: Tensor) -> Tensor:
    """Cross-entropy of telling real from made. Source: Goodfellow et al. 2014, arXiv:1406.2661, equation 1

    >>> float(non_saturating_critic(torch.zeros(2), torch.zeros(2)))  # 2 log 2
    1.3862943649291992
    """
    return F.softplus(-real).mean() + F.softplus(made).mean()


def non_saturating_generator(made: Tensor) -> Tensor:
    """-log of the probability that what is made is real, whose gradient does not vanish where the critic is sure (section 3)."""
    return F.softplus(-made).mean()


def hinge_critic(real: Tensor, made: Tensor) -> Tensor:
    """Nothing beyond a margin of 1. Source: Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957

    >>> float(hinge_critic(torch.tensor([2.0, 0.5]), torch.tensor([-2.0, 0.0])))
    0.75
    """
    return F.relu(1 - real).mean() + F.relu(1 + made).mean()


def wasserstein_critic(real: Tensor, made: Tensor) -> Tensor:
    """How much higher real rows are judged, negated. Source: Arjovsky, Chintala and Bottou 2017, arXiv:1701.07875

    >>> float(wasserstein_critic(torch.tensor([3.0, 1.0]), torch.tensor([-1.0, 0.0])))
    -2.5
    """
    return made.mean() - real.mean()


def raised(made: Tensor) -> Tensor:
    """The generator's loss beside `hinge_critic` and `wasserstein_critic`: what is made is to be judged higher."""
    return -made.mean()


def input_gradient(critic: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """(B,) the norm of each row's gradient of its own logit, which can be differentiated again.

    critic: from rows to (B,), each row by itself
    """
    rows = rows.detach().requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(critic(rows).sum(), rows, create_graph=True)
    wide = gradient.flatten(1).to(torch.promote_types(gradient.dtype, torch.float32))
    return wide.square().sum(1).clamp_min(SMALLEST).sqrt()


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, made: Tensor, share: Tensor) -> Tensor:
    """Mean squared difference of the gradient's norm from 1, between real and made rows.

    share: (B,) of the real row in each. Source: Gulrajani et al. 2017, arXiv:1704.00028, equation 3
    """
    between = torch.lerp(made, real, share.view(-1, *(1,) * (real.ndim - 1)))
    return (input_gradient(critic, between) - 1).square().mean()


def r1_penalty(critic: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    """Half the mean squared norm of the gradient at real rows. Source: Mescheder et al. 2018, arXiv:1801.04406, equation 9"""
    return input_gradient(critic, real).square().mean() / 2
