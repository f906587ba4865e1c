"""Vacuum drying of coils: moisture leaves through the cut edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel

Values = Any  # a float, or an array of floats; results have the arguments' shape


def drying_time_constant_h(
    width_m: float,
    temperature_c: float,
    reference_h: float,
    reference_width_m: float,
    reference_c: float,
    halving_k: float,
) -> float:
    """Time constant of edge diffusion, tau_ref (b / b_ref)^2 2^(-(T - T_ref) / dT), h.

    The square of the width is Fick's law for a slab that dries from both edges; the temperature law is an assumption.
    """
    colder = (reference_c - temperature_c) / halving_k
    return float(reference_h * (width_m / reference_width_m) ** 2 * 2.0**colder)


def moisture_ppm(start_ppm: Values, equilibrium_ppm: Values, time_h: float, time_constant_h: float) -> Values:
    """Moisture after a time: equilibrium + (start - equilibrium) exp(-t / tau), ppm (leading term of the series)."""
    decay = float(np.exp(-time_h / time_constant_h))
    return equilibrium_ppm + (start_ppm - equilibrium_ppm) * decay


@kernel
def dry_lanes(
    moisture: npt.NDArray[np.float32],
    too_wet: npt.NDArray[np.bool_],
    wet_code: int,
    moisture_ppm: npt.NDArray[np.float32],
    exit_code: npt.NDArray[np.int16],
) -> int:
    """Give every segment its coil's moisture, and scrap the living ones of coils that are too wet.

    Parameters
    ----------
    moisture, too_wet : ndarray of float32 and bool, shape (lanes,)
    wet_code : int
    moisture_ppm, exit_code : ndarray of float32 and int16, shape (lanes * positions,)
        Written; changed.

    Returns
    -------
    int
        Rows scrapped.
    """
    scrapped = 0
    positions = exit_code.size // moisture.size
    for lane in range(moisture.size):
        code = wet_code if too_wet[lane] else 0
        for row in range(lane * positions, (lane + 1) * positions):
            moisture_ppm[row] = moisture[lane]
            if exit_code[row] == 0:
                exit_code[row] = code
                scrapped += code != 0
    return scrapped
