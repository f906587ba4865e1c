"""The weakest of many and the highest of a random number: extremes of normal values, one normal number each.

A standard normal number z is turned into the extreme with the same probability of being undercut, u = Phi(z). As that
is a smooth function of z, it is tabulated once per call (or per count) and interpolated per row.
"""

from __future__ import annotations

import math
from functools import lru_cache

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
def highest_table(mean: float, table: npt.NDArray[np.float64]) -> None:
    """Tabulate the highest of Poisson(mean) standard normal values: 1 - Phi(x) = -ln(u) / mean, at least `FLOOR`."""
    most = 0.5 * math.erfc(FLOOR / math.sqrt(2.0))
    for i in range(table.size):
        z = i / _PER_UNIT - _REACH
        above = 0.5 * math.erfc(z / math.sqrt(2.0))
        log_below = math.log1p(-above) if z > 0.0 else math.log(0.5 * math.erfc(-z / math.sqrt(2.0)))
        share = min(-log_below, mean * most) / mean if mean > 0.0 else most
        table[i] = -normal_quantile(share)


@kernel
def interpolate(z: npt.NDArray[np.float32], table: npt.NDArray[np.float64], out: npt.NDArray[np.float32]) -> None:
    """Read the table linearly at each z; arrays of shape (n,)."""
    for i in range(z.size):
        at = (float(z[i]) + _REACH) * _PER_UNIT
        at = min(max(at, 0.0), table.size - 1.0)
        cell = min(int(at), table.size - 2)
        part = at - cell
        out[i] = table[cell] + part * (table[cell + 1] - table[cell])


@lru_cache(maxsize=64)
def _lowest(count: float) -> npt.NDArray[np.float64]:
    table = np.empty(_POINTS)
    lowest_table(count, table)
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
    table = np.empty(_POINTS)
    highest_table(float(mean), table)
    out = np.empty_like(z)
    interpolate(z.ravel(), table, out.ravel())
    return out
