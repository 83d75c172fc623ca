"""From masks to a text, by a network that says which token stands below a mask.

All randomness is in two uniform numbers for each place: when it is filled in, and by which token.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sonde.core.vocabulary import BEGIN

MASK = BEGIN
"""The token that stands for a masked one: no text has it inside."""

Fill = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""Tokens (M, T), places (M, T) bool and uniform numbers (K,) for those -> the tokens (K,) they mean, their probabilities."""

# N texts, M of them, T tokens, V symbols


def ancestral(fill: Fill, tokens: Tensor, order: Tensor, choice: Tensor, shares: Sequence[float]) -> Tensor:
    """Draw from the reverse process: a mask is lifted from share m to s with probability (m - s) / m, whatever stands there.

    tokens: (N, T), MASK where they are made;  order, choice: (N, T) uniform numbers;  shares: masked, falling from 1 to 0
    A text in which a step lifts no mask is not looked at. Source: Sahoo et al. 2024, arXiv:2406.07524, equation 7 and section 4.2
    """
    for then in shares[1:]:
        places = (tokens == MASK) & (order >= then)
        rows = places.any(1)
        if rows.any():
            tokens = tokens.masked_scatter(places, fill(tokens[rows], places[rows], choice[places])[0])
    return tokens


def random_order(fill: Fill, tokens: Tensor, order: Tensor, choice: Tensor, shares: Sequence[float]) -> Tensor:
    """As `ancestral`, but each step lifts as many masks as the shares say, not about as many.

    So fewer tokens are drawn apart from others of their step; with as many steps as masks by the linear schedule none is, and
    texts are drawn from the process in continuous time. Source: Zheng et al. 2024, arXiv:2409.02908, section 4 (first hitting)
    """
    masked = tokens == MASK
    rank = order.masked_fill(~masked, 2.0).argsort(1).argsort(1)
    return ancestral(fill, tokens, (rank + 0.5) / masked.sum(1, keepdim=True), choice, shares)


def confidence(fill: Fill, tokens: Tensor, order: Tensor, choice: Tensor, shares: Sequence[float]) -> Tensor:
    """As `ancestral`, but the masks that are lifted are those whose new token is the most probable.

    Texts are more even than those of the data: it draws from no process backwards. Source: Chang et al. 2022, MaskGIT,
    arXiv:2202.04200, section 3.2; Nie et al. 2025, LLaDA, arXiv:2502.09992, section 2.4
    """
    wanted = (tokens == MASK).sum(1)
    for then in shares[1:]:
        masked = tokens == MASK
        lifted = masked.sum(1) - (then * wanted).long()
        rows = lifted > 0
        if not rows.any():
            continue
        here = masked[rows]
        made, sure = fill(tokens[rows], here, choice[rows][here])
        ranked = torch.full(here.shape, -1.0, dtype=sure.dtype, device=sure.device).masked_scatter(here, sure)
        rank = ranked.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        chosen = here & (rank < lifted[rows, None])
        tokens = tokens.index_put((rows,), tokens[rows].masked_scatter(here, made).where(chosen, tokens[rows]))
    return tokens


SAMPLERS = {"random-order": random_order, "ancestral": ancestral, "confidence": confidence}
"""By name, the usual one first."""


def picked(probs: Tensor, choice: Tensor) -> tuple[Tensor, Tensor]:
    """Which symbols (K,) uniform numbers (K,) mean by the inverse of the distribution function, and their probabilities (K,).

    probs: (K, V) float64: in float32 small probabilities would be lost, as if the temperature were lower (Zheng et al. 2024,
    arXiv:2409.02908)
    """
    sums = probs.cumsum(1)
    tokens = torch.searchsorted(sums, (choice * sums[:, -1])[:, None], right=True)[:, 0].clamp(max=probs.shape[1] - 1)
    return tokens, probs.gather(1, tokens[:, None])[:, 0]
