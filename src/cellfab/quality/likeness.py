"""How alike cells of one roll, or of one charge, are: the intraclass correlation."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Likeness(NamedTuple):
    """Intraclass correlation with its 95 % interval.

    Attributes
    ----------
    icc : float
        Share of the variance that lies between groups: the correlation of two cells of one group. NaN with fewer than
        two groups, or where nothing varies. Slightly below 0 is possible, where groups differ less than chance would
        make them.
    low, high : float
    groups, cells : int
    """

    icc: float
    low: float
    high: float
    groups: int
    cells: int


def intraclass_correlation(values: npt.ArrayLike, group: npt.ArrayLike) -> Likeness:
    """The one-way analysis-of-variance estimator, (MSB - MSW) / (MSB + (n_0 - 1) MSW), for groups of unequal size.

    n_0 = (N - sum n_i^2 / N) / (k - 1); the interval follows from the F distribution of MSB / MSW, exact for normal
    values in equal groups (Donner 1986, Int. Stat. Rev. 54, 67-82; Searle 1971, Linear Models, chapter 9).

    Parameters
    ----------
    values : array_like of float, shape (N,)
    group : array_like of int, shape (N,)
        Group of each value, any numbers.
    """
    x = np.asarray(values, np.float64)
    _, member, sizes = np.unique(np.asarray(group), return_inverse=True, return_counts=True)
    k, n = sizes.size, x.size
    if k < 2 or n <= k:
        return Likeness(math.nan, math.nan, math.nan, k, n)
    means = np.bincount(member, weights=x, minlength=k) / sizes
    between = float(np.sum(sizes * (means - x.mean()) ** 2)) / (k - 1)
    within = float(np.sum((x - means[member]) ** 2)) / (n - k)
    typical = (n - float(np.sum(sizes.astype(np.float64) ** 2)) / n) / (k - 1)
    if within == 0.0:
        one = 1.0 if between > 0.0 else math.nan
        return Likeness(one, one, one, k, n)
    from scipy.special import fdtri

    ratio = between / within

    def icc(f: float) -> float:
        return (f - 1.0) / (f + typical - 1.0)

    low, high = icc(ratio / fdtri(k - 1, n - k, 0.975)), icc(ratio / fdtri(k - 1, n - k, 0.025))
    return Likeness(icc(ratio), low, high, k, n)
