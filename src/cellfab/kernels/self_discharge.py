"""Self-discharge: the voltage a resting cell loses per day, and the limit a tray sets for its own cells."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt

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
    tray = position // cells_per_tray
    grid = np.full((int(tray[-1]) + 1, cells_per_tray), np.nan, np.float32)
    grid.ravel()[position] = values
    count = np.bincount(tray, minlength=grid.shape[0])
    median = _row_medians(grid, count)
    deviation = _row_medians(np.abs(grid - median[:, None]), count)
    few = count < _FEWEST
    if few.any():
        median[few] = np.median(values)
        deviation[few] = np.median(np.abs(values - median[few][0]))
    limit: npt.NDArray[np.float32] = median + np.float32(sigmas * _TO_SIGMA) * deviation
    return limit[tray]


def _row_medians(grid: npt.NDArray[np.float32], count: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Median of the first `count` of each row in ascending order; NaN marks an empty place and sorts last."""
    ordered = np.sort(grid, axis=1)
    rows = np.arange(grid.shape[0])
    low = ordered[rows, np.maximum(count - 1, 0) // 2]
    high = ordered[rows, np.minimum(count // 2, grid.shape[1] - 1)]
    middle: npt.NDArray[np.float32] = (low + high) * np.float32(0.5)
    return middle
