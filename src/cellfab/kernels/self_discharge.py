"""Self-discharge: the voltage a resting cell loses per day, and the limit a tray sets for its own cells."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel

Values = TypeVar("Values", float, npt.NDArray[np.float32])

BOLTZMANN_EV_PER_K = 8.617333e-5
_TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation, for a normal law."""
_FEWEST = 8
"""A tray with fewer cells borrows the lot's limit: its own deviation would be a guess (assumption)."""


def k_value_mv_per_d(current_a: Values, capacity_ah: Values, slope_mv_per_percent: float) -> Values:
    """Voltage drop per day: ``K = I * 24 h / C * 100 % * s``.

    Parameters
    ----------
    current_a : float or ndarray
        Chemical self-discharge plus what flows through a short.
    capacity_ah : float or ndarray
        Of the cell.
    slope_mv_per_percent : float
        Slope s of the open-circuit voltage at the test's state of charge, mV per percent of charge.
    """
    return current_a / capacity_ah * (2400.0 * slope_mv_per_percent)


def detectable_ohm(voltage_v: float, capacity_ah: float, slope_mv_per_percent: float, margin_mv_per_d: float) -> float:
    """Largest short resistance whose K value stands out by `margin_mv_per_d`."""
    return k_value_mv_per_d(voltage_v, capacity_ah, slope_mv_per_percent) / margin_mv_per_d


def reading_noise_mv_per_d(reading_mv: float, temperature_k: float, mv_per_k: float, days: float) -> float:
    """Standard deviation of K from two voltage readings, each with its own noise and temperature error."""
    return math.sqrt(2.0) * math.hypot(reading_mv, mv_per_k * temperature_k) / days


def settling_factor(start_d: float, end_d: float, excess: float, time_constant_d: float) -> float:
    """Mean of ``1 + excess * exp(-t / tau)`` between two times after formation."""
    decayed = math.exp(-start_d / time_constant_d) - math.exp(-end_d / time_constant_d)
    return 1.0 + excess * time_constant_d * decayed / (end_d - start_d)


def arrhenius_factor(temperature_c: float, reference_c: float, activation_ev: float) -> float:
    """Rate at `temperature_c` over the rate at `reference_c`."""
    inverse = 1.0 / (reference_c + 273.15) - 1.0 / (temperature_c + 273.15)
    return math.exp(activation_ev / BOLTZMANN_EV_PER_K * inverse)


def tray_limits(
    values: npt.NDArray[np.float32], position: npt.NDArray[np.int32], cells_per_tray: int, sigmas: float
) -> npt.NDArray[np.float32]:
    """Limit of each cell's tray: median plus `sigmas` robust standard deviations (1.4826 times the median deviation).

    Parameters
    ----------
    values : ndarray of float32, shape (n,)
        Measured on the cells that are present.
    position : ndarray of int32, shape (n,)
        Place of each cell, counted through all trays; ascending.
    cells_per_tray : int
        Places of a tray.
    sigmas : float
        Robust standard deviations above the median.

    Returns
    -------
    ndarray of float32, shape (n,)
    """
    if values.size == 0:
        return values.copy()
    tray = position // np.int32(cells_per_tray)
    grid = np.full((int(tray[-1]) + 1, cells_per_tray), np.inf, np.float32)  # empty places sort last
    grid.ravel()[position] = values
    count = np.bincount(tray, minlength=grid.shape[0])
    grid.sort(axis=1)
    whole = np.sort(values) if count.min() < _FEWEST else values
    limit = np.empty(grid.shape[0], np.float32)
    limits_of_trays(grid, count, whole, sigmas * _TO_SIGMA, limit)
    per_cell: npt.NDArray[np.float32] = limit[tray]
    return per_cell


@kernel
def limits_of_trays(
    ordered: npt.NDArray[np.float32],
    count: npt.NDArray[np.int64],
    whole: npt.NDArray[np.float32],
    factor: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Median plus `factor` median absolute deviations of each row.

    Parameters
    ----------
    ordered : ndarray of float32, shape (trays, places)
        The first `count` of each row ascend.
    count : ndarray of int64, shape (trays,)
        Cells in each tray.
    whole : ndarray of float32, shape (n,)
        All cells ascending, for trays with too few; not looked at where there are none such.
    factor : float
        Median absolute deviations above the median.
    out : ndarray of float32, shape (trays,)
        Filled.
    """
    for tray in range(count.size):
        values = whole if count[tray] < _FEWEST else ordered[tray, : count[tray]]
        median = _middle(values)
        out[tray] = median + np.float32(factor) * _median_deviation(values, median)


@kernel
def _middle(ordered):  # type: ignore[no-untyped-def]
    """Median of ascending numbers."""
    return (ordered[(ordered.size - 1) // 2] + ordered[ordered.size // 2]) * np.float32(0.5)


@kernel
def _median_deviation(ordered, median):  # type: ignore[no-untyped-def]
    """Median distance of ascending numbers from their median: taken by growing distance, from the middle outwards."""
    n = ordered.size
    low = (n - 1) // 2
    high = low + 1
    before = np.float32(0.0)
    distance = np.float32(0.0)
    for _ in range(n // 2 + 1):
        before = distance
        below = median - ordered[low] if low >= 0 else np.float32(np.inf)
        above = ordered[high] - median if high < n else np.float32(np.inf)
        if below <= above:
            distance = below
            low -= 1
        else:
            distance = above
            high += 1
    return distance if n % 2 == 1 else (before + distance) * np.float32(0.5)
