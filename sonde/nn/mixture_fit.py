"""Gaussian mixtures fitted to rows: by expectation and maximisation under a weak prior, as many Gaussians as the rows support.

Of many rows as many Gaussians are taken as make others of the rows likeliest. Few rows do not tell how many there are: of them
several mixtures are averaged, with the weights under which parts of the rows are likeliest that the mixtures were not fitted to
(stacking).

Where a few rows alone decide a covariance it shrinks onto them, and new rows near by are told to be impossible. The prior is what
Fraley and Raftery advise for that: a wide normal distribution for means, an inverse Wishart one for covariances that says as
much as a few rows of the data's own covariance, divided among the Gaussians.
Source: Fraley and Raftery 2007, Journal of Classification 24, sections 3 and 4; stacking: Smyth and Wolpert 1999,
Linearly combining density estimators via stacking, Machine Learning 36
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

NUMBERS = (1, 2, 4, 8, 16, 32, 64, 128)  # of Gaussians that are tried
FEW = 2_000  # rows, below which mixtures are stacked
STACKED = (1, 2, 3, 4, 5, 6, 8, 12, 16)  # of Gaussians in these
ROWS_EACH = 40  # at least, of a Gaussian in a stacked mixture
FOLDS, STACKINGS = 5, 200  # of the rows, and rounds in which weights are found
HELD = 1e-3  # of the weights: mixtures with less are left out
ROUNDS = 60
WORK = 200_000_000  # products of a round at most, about a tenth of a second: of many columns fewer Gaussians are tried
ENOUGH = 1e-4  # nats a row by which a round must better the last
SHRINKAGE = 0.01  # rows that the prior of a mean is worth
WEAK = 1e-4  # of the prior's covariance: what is left where values that many rows share may be told by narrow Gaussians
LLOYD = 8  # rounds of k-means that choose where to begin
NARROWEST = 1e-6  # added to variances, as scikit-learn does: columns that follow from others have no density
TINY = 1e-9

# N rows, D numbers, K Gaussians


class Mixture(NamedTuple):
    """weights (K,), means (K, D), and whitening (K, D, D): the lower triangle L of each inverse covariance Lᵀ L; float64."""

    weights: Tensor
    means: Tensor
    whitening: Tensor

    def log_densities(self, rows: Tensor) -> Tensor:
        """(N, D) -> (N, K), each Gaussian with its weight."""
        found = []
        for weight, mean, whitening in zip(self.weights, self.means, self.whitening, strict=True):
            normal = (rows - mean) @ whitening.T
            scale = whitening.diagonal().log().sum() + weight.clamp(min=TINY).log()
            found.append(scale - 0.5 * (normal.square() + math.log(2 * math.pi)).sum(1))
        return torch.stack(found, 1)


def fitted(rows: Tensor, most: int) -> Mixture:
    """Of at most so many Gaussians, for rows (N, D) float64. The same rows give the same mixture."""
    few = max(1, WORK // (len(rows) * rows.shape[1] ** 2))
    found = _stacked(rows) if len(rows) < FEW else _likeliest(rows, min(most, few))
    kept = found.weights.argsort(descending=True)[:most]
    weights = found.weights[kept] / found.weights[kept].sum()
    return Mixture(weights=weights, means=found.means[kept], whitening=found.whitening[kept])


def _likeliest(rows: Tensor, most: int) -> Mixture:
    """Of as many Gaussians as make a fifth of the rows likeliest that they were not fitted to."""
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0)).to(rows.device)
    known, held = rows[order[len(rows) // FOLDS :]], rows[order[: len(rows) // FOLDS]]
    best, number = -math.inf, 1
    for tried in NUMBERS:
        level = (
            float(_fit(known, tried, scale=WEAK).log_densities(held).logsumexp(1).mean())
            if tried <= most
            else -math.inf
        )
        if level < best:
            break
        best, number = level, tried
    return _fit(rows, number, scale=WEAK)


def _stacked(rows: Tensor) -> Mixture:
    """Of several numbers of Gaussians: with covariances of their own, by the prior or hardly by it, and with one for all."""
    kinds = [
        (number, tied, scale)
        for number in STACKED
        for tied, scale in ((False, 1.0), (False, WEAK), (True, 1.0))
        if (number == 1 and scale == 1 and not tied) or 1 < number <= len(rows) // ROWS_EACH
    ]
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0)).to(rows.device)
    unseen = rows.new_zeros(len(kinds), len(rows))
    for fold in range(FOLDS if len(kinds) > 1 else 0):
        out = order[fold::FOLDS]
        kept = torch.ones(len(rows), dtype=torch.bool, device=rows.device).index_fill(0, out, False)
        for place, (number, tied, scale) in enumerate(kinds):
            unseen[place, out] = _fit(rows[kept], number, tied=tied, scale=scale).log_densities(rows[out]).logsumexp(1)
    shares = stacking(unseen)
    held = [
        (share, _fit(rows, number, tied=tied, scale=scale))
        for share, (number, tied, scale) in zip(shares, kinds, strict=True)
        if share >= HELD
    ]
    return Mixture(
        weights=torch.cat([share * each.weights for share, each in held]),
        means=torch.cat([each.means for _, each in held]),
        whitening=torch.cat([each.whitening for _, each in held]),
    )


def stacking(unseen: Tensor) -> Tensor:
    """(M, N) log-densities by M models of rows that none was fitted to -> (M,) the shares under which these are likeliest."""
    shares = unseen.new_full((len(unseen),), 1 / len(unseen))
    for _ in range(STACKINGS):
        shares = (unseen + shares.log()[:, None]).softmax(0).mean(1)
    return shares


def _fit(rows: Tensor, number: int, *, tied: bool = False, scale: float = 1.0) -> Mixture:
    prior = _Prior(rows, number, scale)
    found = prior.most_likely(rows, _begin(rows, number), tied=tied)
    before = -math.inf
    for _ in range(ROUNDS):
        each = found.log_densities(rows)
        whole = each.logsumexp(1)
        level = float(whole.mean())
        if level - before < ENOUGH:
            break
        before = level
        found = prior.most_likely(rows, (each - whole[:, None]).exp(), tied=tied)
    return found


class _Prior:
    """Of the mean and covariance of each of K Gaussians."""

    def __init__(self, rows: Tensor, number: int, scale: float) -> None:
        total, width = rows.shape
        self.mean = rows.mean(0)
        apart = rows - self.mean
        self.scatter = scale * apart.T @ apart / max(1, total - 1) / number ** (2 / width)
        self.freedom = width + 2

    def most_likely(self, rows: Tensor, shares: Tensor, *, tied: bool) -> Mixture:
        """The mixture that rows and prior make most likely. shares: (N, K) of each row in each Gaussian"""
        total, width = rows.shape
        size = shares.sum(0)
        centre = (shares.T @ rows) / size.clamp(min=TINY)[:, None]
        means = (size[:, None] * centre + SHRINKAGE * self.mean) / (size[:, None] + SHRINKAGE)
        scatters = []
        for share, mean, own in zip(shares.T, centre, size, strict=True):
            apart, away = rows - mean, mean - self.mean
            pulled = SHRINKAGE * own / (SHRINKAGE + own) * torch.outer(away, away)
            scatters.append((apart * share[:, None]).T @ apart + pulled)
        if tied:
            whole = (self.scatter + torch.stack(scatters).sum(0)) / (self.freedom + total + width + len(size) + 1)
            whitening = _whitening(whole).expand(len(size), width, width)
        else:
            whitening = torch.stack(
                [
                    _whitening((self.scatter + scatter) / (self.freedom + own + width + 2))
                    for scatter, own in zip(scatters, size, strict=True)
                ]
            )
        return Mixture(weights=size / total, means=means, whitening=whitening)


def _whitening(covariance: Tensor) -> Tensor:
    """The lower triangle L with Lᵀ L the inverse of (D, D)."""
    one = torch.eye(len(covariance)).to(covariance)
    return torch.linalg.solve_triangular(torch.linalg.cholesky(covariance + NARROWEST * one), one, upper=False)


def _begin(rows: Tensor, number: int) -> Tensor:
    """(N, K) 1 for the nearest of K centres by k-means, which begin far from one another, by chance and always the same.

    Source: Arthur and Vassilvitskii 2007, k-means++, SODA
    """
    chance = torch.Generator().manual_seed(0)
    away = (rows - rows.mean(0)).square().sum(1)
    chosen: list[Tensor] = []
    for _ in range(number):
        place = torch.multinomial(away.cpu() + TINY, 1, generator=chance).to(rows.device)
        chosen.append(rows[place])
        apart = (rows - rows[place]).square().sum(1)
        away = apart if len(chosen) == 1 else torch.minimum(away, apart)
    centres, held = torch.cat(chosen), _nearest(rows, torch.cat(chosen))
    for _ in range(LLOYD):
        size = held.sum(0)
        centres = torch.where(size[:, None] > 0, held.T @ rows / size.clamp(min=1)[:, None], centres)
        held = _nearest(rows, centres)
    return held


def _nearest(rows: Tensor, centres: Tensor) -> Tensor:
    """(N, K) 1 for the nearest centre (K, D) of each row."""
    return torch.nn.functional.one_hot(torch.cdist(rows, centres).argmin(1), len(centres)).to(rows)
