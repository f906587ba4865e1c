"""Dry film: where it breaks, how many holes it has, and how often a patch of it is too weak."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import normal_quantile

_ALMOST_ONE = 1.0 - 1e-12


def break_rate_per_m(
    tension_n_per_m: float,
    strength_mpa: npt.NDArray[np.float64],
    film_um: float,
    scale_m: float,
    exponent: float,
) -> npt.NDArray[np.float64]:
    """Breaks per metre of free web: (1 / L0) (T / (S h))^m, the weakest link of Weibull (1951) per length.

    Parameters
    ----------
    tension_n_per_m : float
        Web tension per width.
    strength_mpa : ndarray
        Tensile strength S > 0; MPa times um is N/m.
    film_um : float
        Film thickness h.
    scale_m : float
        Length L0 that holds one break on average at a tension equal to the strength.
    exponent : float
        Weibull modulus m.
    """
    rate: npt.NDArray[np.float64] = (tension_n_per_m / (strength_mpa * film_um)) ** exponent / scale_m
    return rate


@kernel
def break_positions_m(
    length_m: npt.NDArray[np.float64], rate_per_m: npt.NDArray[np.float64], uniform: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Where a web breaks whose rate is constant on each of its stretches: a Poisson process in accumulated hazard.

    Parameters
    ----------
    length_m, rate_per_m : ndarray, shape (stretches,)
        Of each stretch, in the order it is run.
    uniform : ndarray of float32, shape (n,), n > 0
        One per possible break; must reach past the end of the web (see `breaks_at_most`).

    Returns
    -------
    ndarray of float64, shape (breaks,)
        Metres from the start of the web, ascending.
    """
    found = np.empty(uniform.size)
    breaks, hazard, metres = 0, 0.0, 0.0
    reached = -math.log(float(uniform[0]))
    for i in range(length_m.size):
        end = hazard + length_m[i] * rate_per_m[i]
        while reached < end and breaks < uniform.size:
            found[breaks] = metres + (reached - hazard) / rate_per_m[i]
            breaks += 1
            if breaks < uniform.size:
                reached += -math.log(float(uniform[breaks]))
        hazard = end
        metres += length_m[i]
    return found[:breaks]


@kernel
def breaks_at_most(expected: float) -> int:
    """How many uniforms `break_positions_m` needs: the mean and twelve standard deviations of a Poisson number."""
    return 16 + math.ceil(expected + 12.0 * math.sqrt(expected))


@kernel
def hole_count(u: float, mean: float) -> int:
    """Number of holes, Poisson with mean `mean`, by inverse CDF of `u` in (0, 1)."""
    term = math.exp(-mean)
    total = term
    n = 0
    while u > total and term > 1e-12 * total:
        n += 1
        term *= mean / n
        total += term
    return n


@kernel
def largest_of_holes(z: float, n: int) -> float:
    """The largest of n >= 1 standard normal values, by inverse CDF of Phi(z), z standard normal: Phi(x)^n = Phi(z)."""
    if n == 1:
        return z
    share = (0.5 * math.erfc(-z / math.sqrt(2.0))) ** (1.0 / n)
    return float(normal_quantile(min(share, _ALMOST_ONE)))


@kernel
def weak_share(limit: float, median: float, spread: float, count: float) -> float:
    """Probability that the weakest of `count` lognormal patches is below `limit`.

    1 - (1 - Phi(x))^count with x = ln(limit / median) / spread; a spread of 0 makes all patches alike.

    Parameters
    ----------
    limit, median : float
        In one unit, >= 0.
    spread : float
        Standard deviation of the logarithm, >= 0.
    count : float
        Patches, >= 1.
    """
    if limit <= 0.0:
        return 0.0
    if median <= 0.0 or spread <= 0.0:
        return 1.0 if median < limit else 0.0
    x = math.log(limit / median) / spread / math.sqrt(2.0)
    log_above = math.log1p(-0.5 * math.erfc(-x)) if x < 0.0 else math.log(max(0.5 * math.erfc(x), 1e-300))
    return -math.expm1(count * log_above)
