"""Dry film: where it breaks, and how weak its weakest patch is."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import normal_quantile, uniform
from cellfab.kernels.wet_web import batch_factors

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
def flaw_rates(
    hole_key: np.uint64,
    metal_key: np.uint64,
    entity: int,
    shape: float,
    strength_mpa: npt.NDArray[np.float32],
    reference_mpa: float,
    holes: float,
    metal: float,
    hole_rate: npt.NDArray[np.float64],
    metal_rate: npt.NDArray[np.float64],
) -> None:
    """Holes and metal particles expected of a segment: some charges have more, and a weak film more holes.

    Parameters
    ----------
    hole_key, metal_key, entity, shape
        As in `wet_web.batch_factors`: counts over many charges are negative binomial.
    strength_mpa : ndarray of float32, shape (charges,)
        Tensile strength of the film.
    reference_mpa, holes, metal : float
        Strength at which so many holes are expected; metal particles expected.
    hole_rate, metal_rate : ndarray of float64, shape (charges,)
        Written.
    """
    batch_factors(hole_key, entity, shape, hole_rate)
    batch_factors(metal_key, entity, shape, metal_rate)
    for i in range(strength_mpa.size):
        hole_rate[i] *= holes * (reference_mpa / float(strength_mpa[i]))
        metal_rate[i] *= metal


@kernel
def breaks_m(
    key: np.uint64, entity: int, charge: npt.NDArray[np.int32], pitch_m: float, rate_per_m: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Where a web breaks whose rate is constant on each charge's stretch: a Poisson process in accumulated hazard.

    Parameters
    ----------
    key : numpy.uint64
        Stream: row k is about the hazard from one break to the next.
    entity : int
        The web.
    charge : ndarray of int32, shape (positions,)
        Charge of each position, ascending.
    pitch_m : float
        Length of a position.
    rate_per_m : ndarray of float64, shape (charges,)

    Returns
    -------
    ndarray of float64
        Metres from the start of the web, ascending.
    """
    positions = np.zeros(rate_per_m.size, np.int64)
    for position in range(charge.size):
        positions[charge[position]] += 1
    found, breaks = np.empty(8), 0
    hazard = metres = 0.0
    reached = -math.log(uniform(key, entity, 0))
    for at in range(rate_per_m.size):
        length_m, rate = positions[at] * pitch_m, rate_per_m[at]
        while reached < hazard + length_m * rate:
            if breaks == found.size:
                found = np.concatenate((found, np.empty(breaks)))
            found[breaks] = metres + (reached - hazard) / rate
            breaks += 1
            reached += -math.log(uniform(key, entity, breaks))
        hazard += length_m * rate
        metres += length_m
    return found[:breaks]


@kernel
def weak_patches(limit: float, median: float, spread: float, count: float) -> float:
    """Rate at which patches fail so that the weakest of `count` lognormal ones is below `limit` with its probability.

    -count ln(1 - Phi(x)), x = ln(limit / median) / spread: the probability of one weak patch or more is 1 - exp(-rate).

    Parameters
    ----------
    limit, median : float
        In one unit, >= 0.
    spread : float
        Standard deviation of the logarithm, >= 0; 0 makes all patches alike.
    count : float
        Patches, >= 1.
    """
    if limit <= 0.0:
        return 0.0
    if median <= 0.0 or spread <= 0.0:
        return math.inf if median < limit else 0.0
    x = math.log(limit / median) / spread / math.sqrt(2.0)
    return -count * (math.log1p(-0.5 * math.erfc(-x)) if x < 0.0 else math.log(max(0.5 * math.erfc(x), 1e-300)))


@kernel
def peel_of_charges(
    degree: npt.NDArray[np.float32],
    binder: npt.NDArray[np.float32],
    nominal: float,
    binder_cv: npt.NDArray[np.float32],
    mean_n_per_m: float,
    patch_variance: float,
    exponent: float,
    limit_n_per_m: float,
    patches: float,
    median_n_per_m: npt.NDArray[np.float64],
    spread: npt.NDArray[np.float64],
    weak: npt.NDArray[np.float64],
) -> None:
    """Peel strength of the film that each charge makes, and the weak patches of a segment of it.

    Patches are lognormal about mean x degree x (binder ratio)^exponent; their logarithm's variance is that of the
    lamination and that of the binder content, whose effect has the same exponent.

    Parameters
    ----------
    degree, binder : ndarray of float32, shape (charges,)
        Fibrillation; binder content.
    nominal : float
        Binder content of the recipe.
    binder_cv : ndarray of float32, shape (charges,)
        Coefficient of variation of the binder content over a patch.
    mean_n_per_m : float
        Of a fully fibrillated film of nominal binder content.
    patch_variance : float
        Of the logarithm, from lamination.
    exponent, limit_n_per_m, patches : float
        Of the binder content; weaker patches come off; patches of a segment.
    median_n_per_m, spread, weak : ndarray of float64, shape (charges,)
        Written: median and standard deviation of the logarithm of a patch, and `weak_patches` of a segment.
    """
    for i in range(degree.size):
        variance = patch_variance + math.log1p((exponent * binder_cv[i]) ** 2)
        strength = degree[i] * float(binder[i] / np.float32(nominal)) ** exponent
        median_n_per_m[i] = mean_n_per_m * strength * math.exp(-0.5 * variance)
        spread[i] = math.sqrt(variance)
        weak[i] = weak_patches(limit_n_per_m, median_n_per_m[i], spread[i], patches)


@kernel
def weakest_peel(
    is_weak: npt.NDArray[np.uint8],
    u: npt.NDArray[np.float32],
    charge: npt.NDArray[np.int32],
    median_n_per_m: npt.NDArray[np.float64],
    spread: npt.NDArray[np.float64],
    weak: npt.NDArray[np.float64],
    patches: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Peel strength of each segment's weakest patch, where it is known already which segments have a weak one.

    Parameters
    ----------
    is_weak : ndarray of uint8, shape (n,)
    u : ndarray of float32, shape (n,)
        Uniform numbers.
    charge : ndarray of int32, shape (positions,)
    median_n_per_m, spread, weak, patches
        See `peel_of_charges`.
    out : ndarray of float32, shape (n,)
        Written: the order statistic 1 - (1 - Phi(x))^patches, below the limit where `is_weak` and above elsewhere.
    """
    for row in range(out.size):
        at = charge[row % charge.size]
        none = math.exp(-weak[at])  # probability of no weak patch
        above = none + float(u[row]) * (1.0 - none) if is_weak[row] else float(u[row]) * none
        share = -math.expm1(math.log(max(above, 1e-300)) / patches)
        z = normal_quantile(min(max(share, 1e-300), _ALMOST_ONE))
        out[row] = median_n_per_m[at] * math.exp(spread[at] * z)
