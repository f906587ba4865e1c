"""Parameters in the light of figures: population Monte Carlo over independent standard normal coordinates.

Each round draws points from a mixture of the prior and a normal law fitted to the round before, and weighs them by
prior times likelihood over mixture. Until the whole likelihood counts, each round takes as large a share of its
logarithm as leaves a quarter of the points effective, so that figures far from what was believed are reached step by
step. The tenth of the points that comes from the prior keeps every weight bounded.

Reference: O. Cappe, A. Guillin, J. M. Marin, C. P. Robert, "Population Monte Carlo", Journal of Computational and
Graphical Statistics 13 (2004), 907-929, https://doi.org/10.1198/106186004X12803.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

POINTS = 8192
_MOST_ROUNDS = 60
_AT_FULL = 3
"""Rounds with the whole likelihood."""
_LEAST_EFFECTIVE = 0.25
"""Share of the points."""
_HALVINGS = 30
_RIDGE = 1e-9
"""Added to variances, so that a law that has become a point still has a width."""
_FROM_PRIOR = 0.1
_WIDER = 1.3
"""Factor on the standard deviations of the fitted law: too wide costs points, too narrow misses the tails."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """Weighted points.

    Attributes
    ----------
    points : ndarray, shape (n, d)
        Standard normal coordinates.
    weights : ndarray, shape (n,)
        They sum to 1.
    """

    points: Floats
    weights: Floats

    @property
    def effective_points(self) -> float:
        """Kish's number of equally weighted points that would know a mean as well."""
        return float(1.0 / np.sum(self.weights**2))

    def resampled(self, seed: int) -> Floats:
        """As many points of equal weight (systematic resampling)."""
        n = len(self.weights)
        places = (np.arange(n) + np.random.default_rng(seed).random()) / n
        return self.points[np.minimum(np.searchsorted(np.cumsum(self.weights), places), n - 1)]


def sample(log_likelihood: Callable[[Floats], Floats], dimensions: int, seed: int) -> Posterior:
    """Points of the posterior.

    Parameters
    ----------
    log_likelihood : callable
        Of points, shape (n, dimensions) to (n,).
    dimensions : int
        At least 1.
    seed : int
        The same seed gives the same points.
    """
    random = np.random.default_rng(seed)
    points = random.standard_normal((POINTS, dimensions))
    offset, full = np.zeros(POINTS), 0
    likelihood = log_likelihood(points)
    for _ in range(_MOST_ROUNDS):
        heat = _heat(likelihood, offset)
        weights = _normalised(heat * likelihood + offset)
        full += heat == 1.0
        if full > _AT_FULL:
            break
        centre = weights @ points
        spread = (points - centre).T @ ((points - centre) * weights[:, None])
        root = np.linalg.cholesky(_WIDER**2 * spread + _RIDGE * np.eye(dimensions))
        old = random.standard_normal((POINTS, dimensions))
        fresh = centre + random.standard_normal((POINTS, dimensions)) @ root.T
        points = np.where((random.random(POINTS) < _FROM_PRIOR)[:, None], old, fresh)
        prior = -0.5 * np.sum(points**2, axis=1)
        scaled = np.linalg.solve(root, (points - centre).T)
        fitted = -0.5 * np.sum(scaled**2, axis=0) - float(np.sum(np.log(np.diag(root))))
        offset = prior - np.logaddexp(np.log(_FROM_PRIOR) + prior, np.log1p(-_FROM_PRIOR) + fitted)
        likelihood = log_likelihood(points)
    return Posterior(points, _normalised(likelihood + offset))


def _heat(likelihood: Floats, offset: Floats) -> float:
    """The largest share of the logarithm of the likelihood that leaves enough points effective, by bisection."""

    def enough(heat: float) -> bool:
        weights = _normalised(heat * likelihood + offset)
        return bool(np.sum(weights**2) * _LEAST_EFFECTIVE * POINTS <= 1.0)

    if enough(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if enough(middle) else (low, middle)
    return low


def _normalised(logs: Floats) -> Floats:
    weights = np.exp(logs - np.max(logs))
    return np.asarray(weights / np.sum(weights))
