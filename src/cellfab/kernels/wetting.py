"""Wetting of a wound roll: capillary imbibition from both open ends, front position with the square root of time.

Lucas (1918) and Washburn (Phys. Rev. 17 (1921) 273): x = sqrt(2 D t).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


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


def unwetted_fraction(soak_over_wetting_time: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Dry share of the electrode, ``max(0, 1 - sqrt(t / t_wet))``; shape as the argument."""
    return np.maximum(np.float32(0.0), np.float32(1.0) - np.sqrt(soak_over_wetting_time))
