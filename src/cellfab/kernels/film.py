"""Dry film: where it breaks, and how many holes it has."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import normal_quantile


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


def break_positions_m(
    length_m: npt.NDArray[np.float64], rate_per_m: npt.NDArray[np.float64], uniform: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Where a web breaks whose rate is constant on each of its stretches: a Poisson process in accumulated hazard.

    Parameters
    ----------
    length_m, rate_per_m : ndarray, shape (stretches,)
        Of each stretch, in the order it is run.
    uniform : ndarray of float32, shape (n,)
        One per possible break; must reach past the end of the web (see `breaks_at_most`).

    Returns
    -------
    ndarray of float64, shape (breaks,)
        Metres from the start of the web, ascending.
    """
    hazard = np.concatenate(([0.0], np.cumsum(length_m * rate_per_m)))
    metres = np.concatenate(([0.0], np.cumsum(length_m)))
    reached = np.cumsum(-np.log(uniform.astype(np.float64)))
    broken: npt.NDArray[np.float64] = np.interp(reached[reached < hazard[-1]], hazard, metres)
    return broken


def breaks_at_most(expected: float) -> int:
    """How many uniforms `break_positions_m` needs: the mean and twelve standard deviations of a Poisson number."""
    return 16 + math.ceil(expected + 12.0 * math.sqrt(expected))


@kernel
def pinholes(
    uniform_count: npt.NDArray[np.float32],
    uniform_size: npt.NDArray[np.float32],
    mean: npt.NDArray[np.float32],
    median_mm: float,
    spread: float,
    count: npt.NDArray[np.float32],
    largest_mm: npt.NDArray[np.float32],
) -> None:
    """Number of holes per segment, Poisson, and the size of the largest, lognormal.

    Parameters
    ----------
    uniform_count, uniform_size : ndarray of float32, shape (lanes, positions)
        Uniform numbers in (0, 1).
    mean : ndarray of float32, shape (positions,)
        Expected holes of a segment.
    median_mm, spread : float
        Median size and standard deviation of its logarithm.
    count, largest_mm : ndarray of float32, shape (lanes, positions)
        Written; the size is 0 where there is no hole.
    """
    lanes, positions = count.shape
    for j in range(positions):
        none = math.exp(-mean[j])
        for i in range(lanes):
            u = float(uniform_count[i, j])
            term = none
            total = none
            n = 0
            while u > total and term > 1e-12 * total:
                n += 1
                term *= mean[j] / n
                total += term
            count[i, j] = n
            if n > 0:
                share = float(uniform_size[i, j]) ** (1.0 / n)
                largest_mm[i, j] = median_mm * math.exp(spread * normal_quantile(min(share, 1.0 - 1e-12)))
            else:
                largest_mm[i, j] = 0.0
