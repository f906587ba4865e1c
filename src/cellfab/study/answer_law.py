"""The law of a figure at points that were drawn from the laws of uncertain inputs, and what comes from them in it.

References
----------
H. A. David, H. N. Nagaraja, Order Statistics, 3rd ed. 2003, section 7.1: intervals of quantiles.
S. R. Searle, G. Casella, C. E. McCulloch, Variance Components, 1992, section 3.4 and 3.6: scatter between and within
groups, and the interval of its share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.study.statistics import CONFIDENCE, Interval, mean_interval

Floats = npt.NDArray[np.float64]


class Quantile(NamedTuple):
    """A quantile of the answer, with an interval that holds whatever its law.

    Attributes
    ----------
    share : float
    value : float
        Median-unbiased (Hyndman & Fan 1996, definition 8).
    low, high : float
        Infinite where there are too few values to say.
    """

    share: float
    value: float
    low: float
    high: float


class Spread(NamedTuple):
    """The law of a figure over uncertain inputs.

    Attributes
    ----------
    mean : Interval
    deviation : float
        Standard deviation.
    quantiles : tuple of Quantile
    """

    mean: Interval
    deviation: float
    quantiles: tuple[Quantile, ...]


def spread(
    values: Sequence[float], shares: Sequence[float] = (0.05, 0.5, 0.95), confidence: float = CONFIDENCE
) -> Spread:
    """The law of a figure from its values at points drawn from the laws of the inputs.

    Intervals hold for independent points; of a Latin hypercube or Sobol sequence the mean is known better.

    Parameters
    ----------
    values : sequence of float
        At least two.
    shares : sequence of float
        In (0, 1).
    """
    mean = mean_interval(values, confidence)
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    found = np.quantile(ordered, shares, method="median_unbiased")
    quantiles = [
        Quantile(share, float(value), *_order_interval(ordered, share, confidence))
        for share, value in zip(shares, found, strict=True)
    ]
    return Spread(mean, float(ordered.std(ddof=1)), tuple(quantiles))


def _order_interval(ordered: Floats, share: float, confidence: float) -> tuple[float, float]:
    """Ordered values between which a quantile lies, by the binomial law of how many are below it."""
    from scipy.special import bdtr

    n = ordered.size
    below = bdtr(np.arange(n + 1, dtype=np.float64), n, share)  # at most so many of n below the quantile
    tail = (1.0 - confidence) / 2.0
    least = int(np.searchsorted(below, tail, side="right"))  # fewer are improbable
    most = int(np.searchsorted(below, 1.0 - tail, side="left"))  # more are improbable
    low = float(ordered[least - 1]) if least > 0 else -math.inf
    high = float(ordered[most]) if most < n else math.inf
    return low, high


class Split(NamedTuple):
    """Variance of a figure: what comes from the inputs, and what from chance within a replicate.

    Attributes
    ----------
    inputs, chance : float
        Variances, in the square of the figure's unit; `inputs` is at least 0.
    low, high : float
        Interval of the inputs' share, exact where both scatter normally.
    """

    inputs: float
    chance: float
    low: float
    high: float

    @property
    def share(self) -> float:
        """Of the inputs; 0 for a figure that does not scatter."""
        both = self.inputs + self.chance
        return self.inputs / both if both > 0.0 else 0.0


def split_variance(table: Sequence[Sequence[float]] | Floats, confidence: float = CONFIDENCE) -> Split:
    """How much of the scatter would go if the inputs were known, and how much with more replicates.

    Parameters
    ----------
    table : array of float, shape (points, replicates)
        Replicates of each point independent of those of the others; at least two of both.
    """
    values = np.asarray(table, dtype=np.float64)
    if values.ndim != 2 or min(values.shape) < 2:
        raise ValueError("needs at least two points with the same number of replicates, at least two")
    points, replicates = values.shape
    chance = float(values.var(axis=1, ddof=1).mean())
    of_means = float(values.mean(axis=1).var(ddof=1))
    return Split(
        max(0.0, of_means - chance / replicates),
        chance,
        *_share_interval(of_means, chance, points, replicates, confidence),
    )


def _share_interval(
    of_means: float, chance: float, points: int, replicates: int, confidence: float
) -> tuple[float, float]:
    """Ends of the share of the variance that lies between groups (Searle 1992, section 3.6)."""
    from scipy.special import fdtri

    if chance == 0.0:
        return (1.0, 1.0) if of_means > 0.0 else (0.0, 0.0)
    ratio = replicates * of_means / chance
    freedom = (points - 1, points * (replicates - 1))
    ends = (ratio / float(fdtri(*freedom, 0.5 + side * confidence / 2.0)) for side in (1.0, -1.0))
    low, high = ((end - 1.0) / (end + replicates - 1.0) for end in ends)
    return max(0.0, low), max(0.0, high)
