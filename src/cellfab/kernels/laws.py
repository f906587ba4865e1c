"""Laws of durations by inverse CDF: one uniform number makes one duration, and more of the first is more of the second.

Kernels take a law as five plain values (law, p0, p1, p2, pool), made by `pack` from a distribution of a config:

============== ===== ============ ============ ============ =========================
law            code  p0           p1           p2           pool
============== ===== ============ ============ ============ =========================
deterministic  0     value, s
exponential    1     mean, s
weibull        2     scale, s     1 / shape
lognormal      3     log median   log gsd
uniform        4     low, s       high, s
triangular     5     low, s       mode, s      high, s
empirical      6                                            observed values, s, sorted
============== ===== ============ ============ ============ =========================
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import normal_quantile_of_uniform, uniform
from cellfab.units import TICKS_PER_S

LONGEST = 1e17
"""Ticks of the longest duration, about 3 000 years: what tails of a law reach beyond is cut off there."""
DETERMINISTIC, EXPONENTIAL, WEIBULL, LOGNORMAL, UNIFORM, TRIANGULAR, EMPIRICAL = range(7)


class Law(NamedTuple):
    """A duration law as kernels take it (``sample(*law, u)``)."""

    law: int
    p0: float
    p1: float
    p2: float
    pool: npt.NDArray[np.float64]


def pack(distribution: Any) -> Law:
    """Turn a distribution of a config (any object with the attributes of `cellfab.config.distribution`) into a `Law`.

    Raises
    ------
    ValueError
        If the law is not one of the table above.
    """
    law = distribution.law
    none = np.empty(0, dtype=np.float64)
    if law == "deterministic":
        return Law(DETERMINISTIC, float(distribution.value_s), 0.0, 0.0, none)
    if law == "exponential":
        return Law(EXPONENTIAL, float(distribution.mean_s), 0.0, 0.0, none)
    if law == "weibull":
        scale = distribution.scale_s
        if scale is None:
            scale = distribution.mean_s / math.gamma(1.0 + 1.0 / distribution.shape)
        return Law(WEIBULL, float(scale), 1.0 / distribution.shape, 0.0, none)
    if law == "lognormal":
        if distribution.median_s is not None:
            return Law(LOGNORMAL, math.log(distribution.median_s), math.log(distribution.gsd), 0.0, none)
        variance = math.log1p(distribution.cv**2)
        return Law(LOGNORMAL, math.log(distribution.mean_s) - variance / 2.0, math.sqrt(variance), 0.0, none)
    if law == "uniform":
        return Law(UNIFORM, float(distribution.low_s), float(distribution.high_s), 0.0, none)
    if law == "triangular":
        return Law(TRIANGULAR, float(distribution.low_s), float(distribution.mode_s), float(distribution.high_s), none)
    if law == "empirical":
        return Law(EMPIRICAL, 0.0, 0.0, 0.0, np.sort(np.asarray(distribution.values_s, dtype=np.float64)))
    raise ValueError(f"no law of durations is called '{law}'")


@kernel
def sample(law: int, p0: float, p1: float, p2: float, pool: npt.NDArray[np.float64], u: float) -> float:
    """Duration, s: the quantile of a packed law at a number `u` that `uniform` can return, in (0, 1)."""
    if law == DETERMINISTIC:
        return p0
    if law == EXPONENTIAL:
        return float(-p0 * np.log1p(-u))
    if law == WEIBULL:
        return float(p0 * (-np.log1p(-u)) ** p1)
    if law == LOGNORMAL:
        return float(np.exp(p0 + p1 * normal_quantile_of_uniform(u)))
    if law == UNIFORM:
        return p0 + u * (p1 - p0)
    if law == TRIANGULAR:
        rising = (p1 - p0) * (p2 - p0)
        if u * (p2 - p0) < p1 - p0:
            return float(p0 + np.sqrt(u * rising))
        return float(p2 - np.sqrt((1.0 - u) * (p2 - p0) * (p2 - p1)))
    return float(pool[min(int(u * pool.size), pool.size - 1)])


@kernel
def duration(
    law: int,
    p0: float,
    p1: float,
    p2: float,
    pool: npt.NDArray[np.float64],
    factor: float,
    key: np.uint64,
    entity: int,
    row: int,
) -> int:
    """Duration in ticks of the draw named (key, entity, row), times `factor`; a deterministic law draws nothing."""
    u = 0.5 if law == DETERMINISTIC else uniform(key, entity, row)
    return int(min(np.rint(sample(law, p0, p1, p2, pool, u) * factor * TICKS_PER_S), LONGEST))
