"""Rates of rare, weighted events with honest intervals."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Rate(NamedTuple):
    """Weighted events per weighted cell, with a 95 % interval; all as shares, not ppm."""

    value: float
    low: float
    high: float
    events: float
    """Events seen, unweighted."""


def weighted_rate(
    events: npt.NDArray[np.float64], squares: npt.NDArray[np.float64], base: npt.NDArray[np.float64], heaviest: float,
    seen: float,
) -> Rate:  # fmt: skip
    """Rate of weighted events from lots that are independent of each other.

    The interval is that of Fay and Feuer (1997, Stat. Med. 16, 791-801) for a weighted sum of Poisson counts; with
    weights of 1 it is the exact one of Garwood (1936, Biometrika 28, 437-442), so it says something about no events
    too. Where lots scatter more than such counts would, the variance between lots takes the place of the counts' own.

    Parameters
    ----------
    events, squares, base : ndarray of float, shape (lots,)
        By lot: sum of the weights of cells with the event, of their squares, and of the weights of all cells.
    heaviest : float
        Largest weight that an event can have.
    seen : float
        Events, unweighted.
    """
    from scipy.special import gammaincinv

    whole = float(base.sum())
    if whole <= 0.0:
        return Rate(math.nan, math.nan, math.nan, seen)
    total = float(events.sum())
    variance = float(squares.sum())
    lots = events.size
    if lots > 1 and total > 0.0:
        residual = events - total / whole * base
        variance = max(variance, float(residual @ residual) * lots / (lots - 1))
    low = 0.0
    if total > 0.0:
        low = variance / total * float(gammaincinv(total**2 / variance, 0.025))
    wider, upper = variance + heaviest**2, total + heaviest
    high = wider / upper * float(gammaincinv(upper**2 / wider, 0.975))
    return Rate(total / whole, low / whole, min(high / whole, 1.0), seen)
