"""The coils of a roll dried in vacuum, measured, and dried again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import fill_normal


@kernel
def draw_roll(
    keys: npt.NDArray[np.uint64],
    entity: int,
    before_sigma: float,
    level_sigma: float,
    coil_sigma: float,
    logarithms: npt.NDArray[np.float32],
    gauge: npt.NDArray[np.float32],
) -> None:
    """Draw how a roll and its coils differ from the median, and the gauge's errors.

    Parameters
    ----------
    keys : ndarray of uint64, shape (4,)
        Streams: moisture before, level of each drying, coils, gauge.
    entity : int
        The web.
    before_sigma, level_sigma, coil_sigma : float
        Standard deviations of the logarithms.
    logarithms : ndarray of float32, shape (1 + dryings + lanes,)
        Written: moisture before, level of each drying, coils.
    gauge : ndarray of float32, shape (dryings, lanes)
        Written: standard normal numbers.
    """
    dryings = gauge.shape[0]
    fill_normal(keys[0], entity, logarithms[:1])
    fill_normal(keys[1], entity, logarithms[1 : 1 + dryings])
    fill_normal(keys[2], entity, logarithms[1 + dryings :])
    fill_normal(keys[3], entity, gauge.reshape(-1))
    for i in range(logarithms.size):
        logarithms[i] *= np.float32(before_sigma if i == 0 else level_sigma if i <= dryings else coil_sigma)


@kernel
def dry_coils(
    factors: npt.NDArray[np.float32],
    gauge: npt.NDArray[np.float32],
    before_ppm: float,
    level_ppm: float,
    left: float,
    gauge_cv: float,
    target_ppm: float,
    wetter_ppm: float,
    code: int,
    exit_code: npt.NDArray[np.int16],
    moisture_ppm: npt.NDArray[np.float32],
) -> tuple[int, int, int]:
    """Dry the coils, measure them, and dry the roll again while one is read as too wet.

    Parameters
    ----------
    factors, gauge : ndarray of float32
        From `draw_roll`, the first as powers of e.
    before_ppm, level_ppm : float
        Medians of the moisture before and of what a drying tends to.
    left : float
        Share of the distance to that level which a drying leaves.
    gauge_cv : float
        1 sigma.
    target_ppm : float
        Coils read as wetter after the last drying are scrapped.
    wetter_ppm : float
        Taken up after the test.
    code : int
    exit_code : ndarray of int16, shape (n,)
        Changed.
    moisture_ppm : ndarray of float32, shape (n,)
        Written, one value per coil.

    Returns
    -------
    tuple of int
        Dryings; rows newly scrapped that are too wet, and that are not.
    """
    most, lanes = gauge.shape
    coil, target = factors[1 + most :], np.float32(target_ppm)
    moisture, too_wet = np.empty(lanes, np.float32), np.zeros(lanes, np.bool_)
    moisture[:] = np.float32(before_ppm) * factors[0]
    dryings, again = 0, True
    while again and dryings < most:
        level, again = np.float32(level_ppm) * factors[1 + dryings], False
        for lane in range(lanes):
            equilibrium = level * coil[lane]
            moisture[lane] = equilibrium + (moisture[lane] - equilibrium) * np.float32(left)
            error = np.float32(gauge_cv) * gauge[dryings, lane]
            too_wet[lane] = moisture[lane] * (np.float32(1.0) + error) > target
            again = again or too_wet[lane]
        dryings += 1
    positions, right, wrong = moisture_ppm.size // max(lanes, 1), 0, 0
    for lane in range(lanes):
        moisture_ppm[lane * positions : (lane + 1) * positions] = moisture[lane] + np.float32(wetter_ppm)
        if too_wet[lane]:
            for row in range(lane * positions, (lane + 1) * positions):
                if exit_code[row] == 0:
                    exit_code[row] = code
                    right += not moisture[lane] <= target
                    wrong += moisture[lane] <= target
    return dryings, right, wrong
