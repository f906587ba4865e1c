"""Slitting: how a knife's age shows in the burr of the cut edge, and the burrs of a whole web."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.extremes import interpolate
from cellfab.kernels.random import normals_of_words
from cellfab.kernels.random_rows import REACH, fill_row_normals, fill_words_from


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
    return 1.0 + float(np.float32(age_km / life_km) ** np.float32(exponent))


@kernel
def cut_burrs(
    entity: int,
    planned: int,
    lanes: int,
    peak_key: np.uint64,
    highest: npt.NDArray[np.float64],
    spread: float,
    median_um: npt.NDArray[np.float32],
    gauge_key: np.uint64,
    gauge_spread: float,
    limit_um: float,
    high_code: int,
    burr_um: npt.NDArray[np.float32],
    exit_code: npt.NDArray[np.int16],
) -> int:
    """True height of every segment's highest burr, and which ones are read as too high.

    Parameters
    ----------
    entity, planned, lanes : int
        The web, and positions per lane as planned: number lane * planned + position is that segment's; lanes.
    peak_key : numpy.uint64
        Stream of the highest peaks.
    highest : ndarray of float64
        Highest of the peaks as a standard normal value (`extremes.highest_table`).
    spread : float
        Standard deviation of the logarithm of the peaks' heights.
    median_um : ndarray of float32, shape (positions,)
        Median height of a peak.
    gauge_key, gauge_spread : numpy.uint64, float
        Stream and standard deviation of the logarithm of the camera's error.
    limit_um, high_code
        Burr read that scraps a segment; its exit code.
    burr_um, exit_code : ndarray of float32 and int16, shape (lanes * positions,)
        Written; changed.

    Returns
    -------
    int
        Rows scrapped.
    """
    positions = median_um.size
    words = np.empty(positions + 3, np.uint32)
    height = np.empty(positions, np.float32)
    doubtful = np.empty(positions, np.int32)
    gauge = np.empty(positions, np.float32)
    factor = np.empty(highest.size, np.float32)
    for i in range(factor.size):
        factor[i] = math.exp(spread * highest[i])
    clear = np.float32(limit_um * math.exp(-REACH * gauge_spread))
    high = 0
    for lane in range(lanes):
        first = lane * positions
        normals_of_words(fill_words_from(peak_key, entity, lane * planned, words), height)
        interpolate(height, factor, height)
        for position in range(positions):
            height[position] *= median_um[position]
            burr_um[first + position] = height[position]
        doubts = 0
        for position in range(positions):
            doubtful[doubts] = lane * planned + position
            doubts += (height[position] > clear) & (exit_code[first + position] == 0)
        fill_row_normals(gauge_key, entity, doubtful[:doubts], gauge)
        for i in range(doubts):
            position = doubtful[i] - lane * planned
            if height[position] * math.exp(gauge_spread * gauge[i]) > limit_um:
                exit_code[first + position] = high_code
                high += 1
    return high


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
    """Median height of a burr peak at every position of a roll: out, shape (positions,)."""
    for position in range(out.size):
        age_km = knife_age_km(metres_before, position * pitch_m, interval_km)
        out[position] = np.float32(new_um * wear_factor(age_km, life_km, exponent))
