"""Precision, recall, density and coverage: how much of the samples looks real, and how much of what is real is sampled."""

from typing import NamedTuple

from torch import Tensor

from sonde.metrics.nearest import distances, nearest, parts_of

NEIGHBOURS = 5  # Naeem et al., section 3: of 3, 5 and 10 alike

# N real rows, M samples, D features


class Coverage(NamedTuple):
    """precision: share of samples inside the neighbourhood of some real row;  recall: of real rows inside that of some sample
    density:   of how many of its `k` possible neighbourhoods of real rows a sample lies in, on average; may be above 1
    coverage:  share of real rows with a sample in their neighbourhood

    A neighbourhood reaches to the k-th nearest row of the same set. Outliers widen it: density and coverage are less led astray
    by them than precision and recall are.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def coverage(samples: Tensor, real: Tensor, *, k: int = NEIGHBOURS) -> Coverage:
    """Of (M, D) and (N, D) features, in float64; compare at equal M, N and k only.

    Raises: ValueError where a row has fewer than `k` others
    Source: Kynkäänniemi et al. 2019, arXiv:1904.06991 (precision, recall); Naeem et al. 2020, arXiv:2002.09797 (the others)
    """
    middle = real.double().mean(0)
    samples, real = samples.double() - middle, real.double() - middle
    around_real = nearest(real, real, k, same=True).distance[:, -1]  # (N,)
    around_samples = nearest(samples, samples, k, same=True).distance[:, -1]  # (M,)
    inside, recalled, covered, hits = 0, 0, 0, 0
    for part in parts_of(len(real), len(samples)):
        apart = distances(real[part], samples)  # (n, M)
        covered += int((apart.min(1).values <= around_real[part]).sum())
        recalled += int((apart <= around_samples).any(1).sum())
    for part in parts_of(len(samples), len(real)):
        held = distances(samples[part], real) <= around_real  # (m, N)
        inside += int(held.any(1).sum())
        hits += int(held.sum())
    return Coverage(
        precision=inside / len(samples),
        recall=recalled / len(real),
        density=hits / (k * len(samples)),
        coverage=covered / len(real),
    )
