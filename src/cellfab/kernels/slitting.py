"""Slitting: how a knife's age shows in the burr of the cut edge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def knife_age_km(
    metres_before: float, position_m: npt.NDArray[np.float64], interval_km: float
) -> npt.NDArray[np.float64]:
    """Kilometres cut since the last knife change, when knives are changed every `interval_km` from the first metre on.

    Parameters
    ----------
    metres_before : float
        Web cut before this roll.
    position_m : ndarray
        Metres from the start of this roll.
    """
    return np.mod((metres_before + position_m) * 1e-3, interval_km)


def wear_factor(age_km: npt.NDArray[np.float64], life_km: float, exponent: float) -> npt.NDArray[np.float64]:
    """Median burr height over that of a new knife: 1 + (age / life)^exponent (assumption)."""
    worn: npt.NDArray[np.float64] = 1.0 + (age_km / life_km) ** exponent
    return worn
