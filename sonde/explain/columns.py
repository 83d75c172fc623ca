"""What single columns of a table do: how much worse answers get without one, and how far one moved the answer to a row."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sonde.core.dataset import InputSpec

REPEATS = 5  # permutations of each column, as scikit-learn's default
BACKGROUND, FEWEST = 32, 4  # rows whose values stand in for a row's own
MOST_ANSWERS = 100_000  # of a network, to all that is changed in the rows that are looked at

# N rows, F features, R rows looked at

Groups = Mapping[str, Sequence[int]]
"""Column of the table -> the features that were made of it"""


@dataclass(frozen=True, kw_only=True)
class Importance:
    """How much worse a metric gets when a column's values are dealt out anew among the rows.

    drops: of each permutation, in the metric's own units and positive where it got worse
    """

    column: str
    drops: Sequence[float]

    @property
    def mean(self) -> float:
        """Over the permutations."""
        return sum(self.drops) / len(self.drops)


def groups_of(spec: InputSpec) -> dict[str, list[int]]:
    """The features of each column; without columns each feature by its number."""
    if not spec.columns:
        return {f"feature {place}": [place] for place in range(spec.shape[0])}
    found: dict[str, list[int]] = {}
    for place, column in enumerate(spec.columns):
        found.setdefault(column.source, []).append(place)
    return found


def permutation_importance(
    score: Callable[[Tensor], float],
    input: Tensor,
    groups: Groups,
    *,
    larger: bool,
    seconds: float,
    now: Callable[[], float] = time.perf_counter,
) -> list[Importance]:
    """The columns, most important first; empty where not even one permutation of each fits into `seconds`.

    score: (N, F) inputs of the same rows -> the metric;  larger: whether that is to be large
    Features of one column move together, so that its indicator of gaps goes with it.
    Source: Breiman 2001, Machine Learning 45; Fisher, Rudin and Dominici 2019, J. Machine Learning Research 20
    """
    begun = now()
    known = score(input)
    each_s = now() - begun
    repeats = min(REPEATS, int(seconds / max(each_s, 1e-9) / max(1, len(groups))))
    generator = torch.Generator().manual_seed(0)
    drops: dict[str, list[float]] = {name: [] for name in groups}
    for _ in range(repeats):
        if now() - begun > seconds:
            break
        for name, places in groups.items():
            order = torch.randperm(len(input), generator=generator).to(input.device)
            changed = input.clone()
            changed[:, list(places)] = input[order][:, list(places)]
            drops[name].append((known - score(changed)) * (1 if larger else -1))
    found = [Importance(column=name, drops=values) for name, values in drops.items() if values]
    return sorted(found, key=lambda one: -one.mean)


def moves(
    answer: Callable[[Tensor, Tensor], Tensor],
    rows: Tensor,
    others: Tensor,
    groups: Groups,
    *,
    seconds: float = float("inf"),
    now: Callable[[], float] = time.perf_counter,
) -> dict[str, Tensor]:
    """How far each column moved the answer to each row, (R,): the answer, minus its mean where the column's values are those
    of other rows. Positive where the row's own value raises it.

    answer: (inputs (M, F), to which of the R rows each belongs (M,)) -> (M,);  others: (N, F) inputs of rows
    seconds: after which the columns that are left are left out; at least one is looked at
    Source: Štrumbelj and Kononenko 2010, J. Machine Learning Research 11, with one column left out at a time
    """
    until, count = now() + seconds, len(rows)
    several = max(FEWEST, min(BACKGROUND, MOST_ANSWERS // max(1, count * len(groups)), len(others)))
    background = others[torch.linspace(0, len(others) - 1, min(several, len(others))).long()]
    places_of_rows = torch.arange(count, device=rows.device)
    own = answer(rows, places_of_rows)
    repeated = places_of_rows.repeat_interleave(len(background))
    found: dict[str, Tensor] = {}
    for name, places in groups.items():
        if found and now() > until:
            break
        changed = rows[repeated].clone()
        changed[:, list(places)] = background[:, list(places)].repeat(count, 1)
        found[name] = own - answer(changed, repeated).view(count, -1).mean(1)
    return found
