"""How much better an action was than what was expected: generalised advantage estimation."""

import torch
from torch import Tensor


def advantages(
    reward: Tensor,
    value: Tensor,
    following: Tensor,
    *,
    terminated: Tensor,
    ended: Tensor,
    discount: float,
    gae_lambda: float,
) -> Tensor:
    """(T, n) advantages of T actions in each of n environments, as Schulman et al. 2016, arXiv:1506.02438, equation 16:

    delta_t = r_t + discount V(following_t) - V_t, and A_t = delta_t + discount lambda A_{t+1}. What follows a termination is
    worth nothing; what follows a truncation is worth V of the last observation of that episode, but its advantages end there.

    reward, value, following: (T, n), V of what was acted on, and of what followed the action, in the same episode
    terminated, ended: (T, n) bool, whether an episode was over by the rules, and whether it ended for whatever reason
    """
    delta = reward + discount * following * ~terminated - value
    carried = discount * gae_lambda * ~ended
    found, last = torch.empty_like(delta), torch.zeros_like(delta[0])
    for step in range(len(delta) - 1, -1, -1):
        last = delta[step] + carried[step] * last
        found[step] = last
    return found
