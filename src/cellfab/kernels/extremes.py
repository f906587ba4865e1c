"""The weakest of many and the highest of a random number: extremes of normal values, one normal number each.

A standard normal number z is turned into the extreme with the same probability of being undercut, u = Phi(z). As that
is a smooth function of z, it is tabulated once per call (or per count) and interpolated per row.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import normal_quantile

_REACH = 6.5  # normal numbers made from 32-bit words stay within 6.34 standard deviations
_PER_UNIT = 32
_POINTS = int(2 * _REACH * _PER_UNIT) + 1
FLOOR = -4.0
"""Standard normal value reported for the highest of none."""


@kernel
def lowest_table(count: float, table: npt.NDArray[np.float64]) -> None:
    """Tabulate the lowest of `count` standard normal values: Phi(x) = 1 - (1 - u)^(1 / count)."""
    for i in range(table.size):
        z = i / _PER_UNIT - _REACH
        below = 0.5 * math.erfc(-z / math.sqrt(2.0))
        above = 0.5 * math.erfc(z / math.sqrt(2.0))
        log_above = math.log1p(-below) if z < 0.0 else math.log(above)
        share = -math.expm1(log_above / count)
        table[i] = normal_quantile(share)


@kernel
def _farthest_table(count: float, table: npt.NDArray[np.float64]) -> None:
    """Tabulate the largest of the sizes of `count` standard normal values: (2 Phi(x) - 1)^count = u."""
    for i in range(table.size):
        z = i / _PER_UNIT - _REACH
        above = 0.5 * math.erfc(z / math.sqrt(2.0))
        log_below = math.log1p(-above) if z > 0.0 else math.log(0.5 * math.erfc(-z / math.sqrt(2.0)))
        table[i] = -normal_quantile(-0.5 * math.expm1(log_below / count))


@kernel
def _surprise_table(table: npt.NDArray[np.float64]) -> None:
    """Tabulate -ln Phi(z)."""
    for i in range(table.size):
        z = i / _PER_UNIT - _REACH
        above = 0.5 * math.erfc(z / math.sqrt(2.0))
        table[i] = -math.log1p(-above) if z > 0.0 else -math.log(0.5 * math.erfc(-z / math.sqrt(2.0)))


@kernel
def highest_table(mean: float, surprise: npt.NDArray[np.float64], table: npt.NDArray[np.float64]) -> None:
    """Tabulate the highest of Poisson(mean) standard normal values: 1 - Phi(x) = -ln(u) / mean, at least `FLOOR`."""
    most = 0.5 * math.erfc(FLOOR / math.sqrt(2.0))
    for i in range(table.size):
        none = surprise[i] >= mean * most
        table[i] = FLOOR if none else -normal_quantile(surprise[i] / mean)


@kernel
def interpolate(z: npt.NDArray[np.float32], table: npt.NDArray[Any], out: npt.NDArray[np.float32]) -> None:
    """Read the table (float32 or float64) linearly at each z; z and out of shape (n,) may be the same array."""
    last = np.int32(table.size - 2)
    for i in range(z.size):
        at = (z[i] + np.float32(_REACH)) * np.float32(_PER_UNIT)
        cell = min(max(np.int32(at), np.int32(0)), last)
        part = min(max(at - np.float32(cell), np.float32(0.0)), np.float32(1.0))
        out[i] = table[cell] + part * (table[cell + 1] - table[cell])


@lru_cache(maxsize=64)
def _lowest(count: float) -> npt.NDArray[np.float64]:
    table = np.empty(_POINTS)
    lowest_table(count, table)
    return table


@lru_cache(maxsize=64)
def lowest(count: float) -> npt.NDArray[np.float32]:
    """The table of `lowest_of`, for kernels that read it by themselves (`interpolate`)."""
    return _lowest(float(count)).astype(np.float32)


@lru_cache(maxsize=64)
def farthest(count: float) -> npt.NDArray[np.float32]:
    """Largest of the sizes of `count` >= 1 standard normal values, for kernels that read it (`interpolate`).

    With distribution (2 Phi(x) - 1)^count; interpolation error below 2e-4 where it exceeds 0.1.
    """
    table = np.empty(_POINTS)
    _farthest_table(float(count), table)
    return table.astype(np.float32)


@lru_cache(maxsize=1)
def _surprise() -> npt.NDArray[np.float64]:
    table = np.empty(_POINTS)
    _surprise_table(table)
    return table


def highest(mean: float) -> npt.NDArray[np.float64]:
    """The table of `highest_of_poisson`, for kernels that read it by themselves (`interpolate`)."""
    table = np.empty(_POINTS)
    highest_table(float(mean), _surprise(), table)
    return table


def lowest_of(z: npt.NDArray[np.float32], count: float) -> npt.NDArray[np.float32]:
    """The lowest of `count` >= 1 independent standard normal values.

    Parameters
    ----------
    z : ndarray of float32, any shape, C-contiguous
        Standard normal numbers.
    count : float
        Values looked at; need not be whole.

    Returns
    -------
    ndarray of float32, shape of z
        Order statistic with distribution 1 - (1 - Phi(x))^count; interpolation error below 1e-4.
    """
    out = np.empty_like(z)
    interpolate(z.ravel(), _lowest(float(count)), out.ravel())
    return out


def highest_of_poisson(z: npt.NDArray[np.float32], mean: float) -> npt.NDArray[np.float32]:
    """The highest of a Poisson number of standard normal values, `FLOOR` (-4) if there is none.

    Parameters
    ----------
    z : ndarray of float32, any shape, C-contiguous
        Standard normal numbers.
    mean : float
        Expected number, >= 0.

    Returns
    -------
    ndarray of float32, shape of z
        With distribution exp(-mean (1 - Phi(x))) above the floor; interpolation error below 1e-3 for
        values above 0.
    """
    out = np.empty_like(z)
    interpolate(z.ravel(), highest(mean), out.ravel())
    return out
