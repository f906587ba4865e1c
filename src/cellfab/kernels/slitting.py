"""Slitting: how a knife's age shows in the burr of the cut edge, and the burrs of a whole web."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.extremes import interpolate_pairs, pair_up
from cellfab.kernels.random import fill_words_from, normals_of_words

_STRETCH = 32


@kernel
def knife_age_km(metres_before: float, position_m: float, interval_km: float) -> float:
    """Kilometres cut since the last knife change, when knives are changed every `interval_km` from the first metre on.

    Parameters
    ----------
    metres_before : float
        Web cut before this roll.
    position_m : float
        Metres from the start of this roll.
    """
    return (metres_before + position_m) * 1e-3 % interval_km


@kernel
def wear_factor(age_km: float, life_km: float, exponent: float) -> float:
    """Median burr height over that of a new knife: 1 + (age / life)^exponent (assumption)."""
    return float(1.0 + (age_km / life_km) ** exponent)


@kernel
def worn_medians(
    new_um: float,
    metres_before: float,
    pitch_m: float,
    interval_km: float,
    life_km: float,
    exponent: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Median height of a burr peak at every position of a roll, um: out, shape (positions,).

    Wear is taken as straight over `_STRETCH` positions between two knife changes (error below 1e-4 of the height).
    """
    for start in range(0, out.size, _STRETCH):
        size = min(_STRETCH, out.size - start)
        first_km = knife_age_km(metres_before, start * pitch_m, interval_km)
        last_km = first_km + _STRETCH * pitch_m * 1e-3  # beyond the end of a roll, which so does not matter
        if last_km < interval_km:
            height = new_um * wear_factor(first_km, life_km, exponent)
            slope = (new_um * wear_factor(last_km, life_km, exponent) - height) / _STRETCH
            for i in range(size):
                out[start + i] = np.float32(height + slope * i)
        else:
            for i in range(size):
                age_km = knife_age_km(metres_before, (start + i) * pitch_m, interval_km)
                out[start + i] = np.float32(new_um * wear_factor(age_km, life_km, exponent))


@kernel
def peak_factors(highest: npt.NDArray[np.float64], spread: float, pairs: npt.NDArray[np.int64]) -> None:
    """Height of the highest of a segment's peaks over the median peak, for `cut_burrs`.

    Parameters
    ----------
    highest : ndarray of float64, shape (points,)
        As a standard normal value (`extremes.highest`).
    spread : float
        Standard deviation of the logarithm of the peaks' heights.
    pairs : ndarray of int64, shape (points - 1,)
        Written (`extremes.pair_up`).
    """
    factor = np.empty(highest.size, np.float32)
    for i in range(factor.size):
        factor[i] = math.exp(spread * highest[i])
    pair_up(factor, pairs)


@kernel
def cut_burrs(
    key: np.uint64,
    entity: int,
    planned: int,
    factors: npt.NDArray[np.int64],
    median_um: npt.NDArray[np.float32],
    burr_um: npt.NDArray[np.float32],
) -> None:
    """True height of every segment's highest burr.

    Parameters
    ----------
    key : numpy.uint64
        Stream of standard normal numbers of the roll as planned (see `cellfab.kernels.web_rows`).
    entity, planned : int
        The web; positions as planned.
    factors : ndarray of int64
        `peak_factors`.
    median_um : ndarray of float32, shape (positions,)
        Median height of a peak.
    burr_um : ndarray of float32, shape (lanes * positions,)
        Written.
    """
    positions = median_um.size
    words, z = np.empty(positions + 3, np.uint32), np.empty(positions, np.float32)
    lines = np.empty(positions, np.int64)
    for lane in range(burr_um.size // max(positions, 1)):
        normals_of_words(fill_words_from(key, entity, lane * planned, words), z)
        height = burr_um[lane * positions : (lane + 1) * positions]
        interpolate_pairs(z, factors, lines, height)
        for position in range(positions):
            height[position] *= median_um[position]
