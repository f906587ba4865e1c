"""What replicates say about a figure: intervals, differences under common random numbers, how many are needed, bands.

Replicates are independent of each other and their means nearly normal, so that intervals are Student's. Two variants
that were run with the same random numbers are compared replicate by replicate: what the numbers did to both cancels.

References
----------
A. M. Law, Simulation Modeling and Analysis, 5th ed. 2015: sections 4.5 (intervals), 9.4 (replicates), 10.2 (two
systems), 11.2 (common random numbers).
B. L. Welch, "The generalization of Student's problem", Biometrika 34 (1947), 28-35.
R. J. Hyndman, Y. Fan, "Sample quantiles in statistical packages", American Statistician 50 (1996), 361-365.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95
"""Share of intervals that hold the true value."""
BAND_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of a band: median, middle half, middle nine tenths."""
_MOST_REPLICATES = 10**9
_ROUNDING = 1e-12
"""Share of a figure within which two of them are the same: sums of a million terms are rounded by less."""


class Interval(NamedTuple):
    """A mean and how well it is known.

    Attributes
    ----------
    mean : float
    low, high : float
        Ends of the confidence interval.
    half_width : float
        0 where all values are the same.
    n : int
        Values, or pairs of values, that it comes from.
    """

    mean: float
    low: float
    high: float
    half_width: float
    n: int

    @property
    def share(self) -> float:
        """Half-width over the size of the mean; infinite for a mean of 0 that is not known exactly."""
        if self.half_width == 0.0:
            return 0.0
        return self.half_width / abs(self.mean) if self.mean else math.inf


class Difference(NamedTuple):
    """Difference of two variants, pair by pair, and what the pairing was worth.

    Attributes
    ----------
    interval : Interval
        Of the mean of a - b.
    correlation : float or None
        Between the two variants over the replicates; None where one of them does not scatter.
    variance_ratio : float
        Variance of the difference with independent random numbers over that with common ones; above 1 where pairing
        helps, infinite where every pair has the same difference.
    independent_n : int or None
        Replicates of each variant that independent random numbers would need for the same half-width; None where no
        number would do.
    """

    interval: Interval
    correlation: float | None
    variance_ratio: float
    independent_n: int | None


class Band(NamedTuple):
    """Quantiles over replicates at each point of a curve.

    Attributes
    ----------
    shares : tuple of float
    values : ndarray of float64, shape (shares, points)
        NaN at points where no replicate has a value.
    n : ndarray of int64, shape (points,)
        Replicates that have a value there.
    """

    shares: tuple[float, ...]
    values: Floats
    n: npt.NDArray[np.int64]


# ---- means ----------------------------------------------------------------------------------------------------------


def mean_and_variance(values: Sequence[float]) -> tuple[float, float]:
    """Mean and unbiased variance of at least two values; sums are exact, so their order does not matter.

    Raises
    ------
    ValueError
        For fewer than two values, or one that is not finite.
    """
    n = len(values)
    if n < 2:
        raise ValueError(f"a scatter needs at least two values, and there is {'one' if n else 'none'}")
    mean = math.fsum(values) / n
    if not math.isfinite(mean):
        raise ValueError("one of the values is not a finite number")
    if all(value == values[0] for value in values):
        return float(values[0]), 0.0
    return mean, math.fsum((value - mean) ** 2 for value in values) / (n - 1)


def student(freedom: float, confidence: float = CONFIDENCE) -> float:
    """Two-sided quantile of Student's t; `freedom` may be broken."""
    from scipy.special import stdtrit

    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence:g}")
    return float(stdtrit(freedom, 0.5 + confidence / 2.0))


def interval_of(mean: float, half_width: float, n: int) -> Interval:
    """A symmetric interval."""
    return Interval(mean, mean - half_width, mean + half_width, half_width, n)


def mean_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Mean of independent values with its t-interval (Law 2015, eq. 4.12).

    It covers what it should where a replicate's figure is itself a mean over much. Figures that are strongly skewed,
    such as counts of rare events, are covered less often than stated: more replicates help.

    Parameters
    ----------
    values : sequence of float
        One of each replicate; at least two.
    confidence : float
        In (0, 1).

    Raises
    ------
    ValueError
        For fewer than two values, or one that is not finite.
    """
    mean, variance = mean_and_variance(values)
    n = len(values)
    return interval_of(mean, student(n - 1, confidence) * math.sqrt(variance / n), n)


# ---- differences ----------------------------------------------------------------------------------------------------


def paired_difference(a: Sequence[float], b: Sequence[float], confidence: float = CONFIDENCE) -> Difference:
    """Mean of a - b over replicates that had the same random numbers (Law 2015, sections 10.2.1 and 11.2).

    A difference that is no more than rounding is none: else its sign would be told, and how well it is known.

    Parameters
    ----------
    a, b : sequence of float
        Of the two variants, replicate by replicate.
    confidence : float
        In (0, 1).

    Raises
    ------
    ValueError
        If they differ in number, or are fewer than two.
    """
    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} replicates are no pairs")
    n = len(a)
    mean, variance = mean_and_variance([_apart(one, other) for one, other in zip(a, b, strict=True)])
    interval = interval_of(mean, student(n - 1, confidence) * math.sqrt(variance / n), n)
    (mean_a, variance_a), (mean_b, variance_b) = mean_and_variance(a), mean_and_variance(b)
    apart = variance_a + variance_b
    correlation = None
    if variance_a > 0.0 and variance_b > 0.0:
        products = math.fsum((one - mean_a) * (other - mean_b) for one, other in zip(a, b, strict=True))
        correlation = max(-1.0, min(1.0, products / (n - 1) / math.sqrt(variance_a * variance_b)))
    if variance == 0.0:
        return Difference(interval, correlation, math.inf, None) if apart else Difference(interval, None, 1.0, n)
    needed = _fewest(lambda m: _welch_half_width(variance_a, m, variance_b, m, confidence) <= interval.half_width)
    return Difference(interval, correlation, apart / variance, needed)


def _apart(one: float, other: float) -> float:
    return 0.0 if math.isclose(one, other, rel_tol=_ROUNDING) else one - other


def independent_difference(a: Sequence[float], b: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Mean of a - b for variants that have nothing in common, with Welch's interval (Law 2015, section 10.2.2).

    The numbers of replicates may differ; `n` is the smaller.

    Raises
    ------
    ValueError
        If there are fewer than two of either.
    """
    (mean_a, variance_a), (mean_b, variance_b) = mean_and_variance(a), mean_and_variance(b)
    return interval_of(
        mean_a - mean_b, _welch_half_width(variance_a, len(a), variance_b, len(b), confidence), min(len(a), len(b))
    )


def _welch_half_width(variance_a: float, n_a: int, variance_b: float, n_b: int, confidence: float) -> float:
    of_a, of_b = variance_a / n_a, variance_b / n_b
    if of_a + of_b == 0.0:
        return 0.0
    share = of_a / (of_a + of_b)  # squares of small variances would be too small for a float
    freedom = 1.0 / (share**2 / (n_a - 1) + (1.0 - share) ** 2 / (n_b - 1))
    return student(freedom, confidence) * math.sqrt(of_a + of_b)


# ---- how many -------------------------------------------------------------------------------------------------------


def required_replicates(values: Sequence[float], share: float, confidence: float = CONFIDENCE) -> int | None:
    """Replicates after which the half-width will be at most `share` of the mean (Law 2015, section 9.4.1).

    The scatter is taken to stay as it is in these values, and the mean too.

    Parameters
    ----------
    values : sequence of float
        At least two.
    share : float
        Above 0.

    Returns
    -------
    int or None
        At least 2, perhaps fewer than there are; None where no number would do, because the mean is 0.
    """
    if share <= 0.0:
        raise ValueError(f"a share of the mean is above 0, not {share:g}")
    mean, variance = mean_and_variance(values)
    if variance == 0.0:
        return 2
    return _fewest(lambda n: student(n - 1, confidence) * math.sqrt(variance / n) <= share * abs(mean))


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """The smallest n from 2 on that is enough, of a condition that stays true; None above a thousand million."""
    high = 2
    while not enough(high):
        high *= 2
        if high > _MOST_REPLICATES:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


# ---- curves ---------------------------------------------------------------------------------------------------------


def quantile_band(curves: Sequence[Sequence[float]] | Floats, shares: Sequence[float] = BAND_SHARES) -> Band:
    """Quantiles over replicates at each point of a curve, such as each week of a ramp.

    They are median-unbiased whatever the law of the values (Hyndman & Fan 1996, definition 8).

    Parameters
    ----------
    curves : array of float, shape (replicates, points)
        NaN where a replicate has no value, such as the cost of a week without output.
    shares : sequence of float
        In [0, 1].
    """
    values = np.asarray(curves, dtype=np.float64)
    if values.ndim != 2 or not values.shape[0]:
        raise ValueError("a band needs curves of the same length, at least one")
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    found = np.full((len(shares), values.shape[1]), np.nan)
    for count in np.unique(n[n > 0]):
        points = np.flatnonzero(n == count)
        of_points = values[:, points].T[known[:, points].T].reshape(points.size, count)
        found[:, points] = np.quantile(of_points, shares, axis=1, method="median_unbiased")
    return Band(tuple(shares), found, n)
