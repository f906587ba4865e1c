"""Wetting of a wound roll: capillary imbibition from both open ends, front position with the square root of time.

Lucas (1918) and Washburn (Phys. Rev. 17 (1921) 273): x = sqrt(2 D t).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel


def wetting_time_s(distance_m: float, constant_m2_per_s: float, access: float, temperature_factor: float) -> float:
    """Time until the front has gone `distance_m` (half the coated width when both ends are open).

    Parameters
    ----------
    distance_m : float
        Farthest point from an open end.
    constant_m2_per_s : float
        Wetting constant D at room temperature.
    access : float
        Share of the front that the ends let in: 0.5 behind kneaded tabless faces, 1 for a pouch stack.
    temperature_factor : float
        Speed-up over room temperature; follows the electrolyte's viscosity.
    """
    return distance_m**2 / (2.0 * constant_m2_per_s * access * temperature_factor)


@kernel
def unwetted_fraction(soak_over_wetting_time: float) -> float:
    """Dry share of the electrode, ``max(0, 1 - sqrt(t / t_wet))``."""
    dry: float = max(np.float32(0.0), np.float32(1.0) - np.sqrt(soak_over_wetting_time))
    return dry


@kernel
def soak(
    spread: npt.NDArray[np.float32],
    cathode_porosity: npt.NDArray[np.float32],
    anode_porosity: npt.NDArray[np.float32],
    median_share: float,
    cathode_design: float,
    anode_design: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Dry share of every cell after soaking.

    Parameters
    ----------
    spread : ndarray of float32, shape (n,)
        Wetting constant of the cell over the median.
    cathode_porosity, anode_porosity : ndarray of float32, shape (n,)
        The tighter electrode, relative to its design, slows the cell in proportion.
    median_share : float
        Soaking time over the wetting time of a median cell as designed.
    cathode_design, anode_design : float
        Porosities of the design.
    out : ndarray of float32, shape (n,)
        Filled.
    """
    per_cathode = np.float32(median_share / cathode_design)
    per_anode = np.float32(median_share / anode_design)
    for i in range(out.size):
        tightness = min(cathode_porosity[i] * per_cathode, anode_porosity[i] * per_anode)
        out[i] = unwetted_fraction(max(spread[i] * tightness, np.float32(0.0)))
