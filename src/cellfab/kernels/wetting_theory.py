"""Closed forms of wetting, in plain Python: capillary imbibition from the open edges, and the pores to be filled.

The front moves with the square root of time, x = sqrt(2 D t): Lucas (1918) and Washburn (Phys. Rev. 17 (1921) 273).
"""

from __future__ import annotations


def wetting_time_s(distance_m: float, constant_m2_per_s: float, access: float, temperature_factor: float) -> float:
    """Time until the front has gone `distance_m`.

    Parameters
    ----------
    distance_m : float
        Farthest point from an open edge: half the coated width when both ends are open.
    constant_m2_per_s : float
        Wetting constant D at room temperature.
    access : float
        Share of the front that the ends let in: 0.5 behind kneaded tabless faces, 1 for a pouch stack.
    temperature_factor : float
        Speed-up over room temperature; follows the electrolyte's viscosity.
    """
    return distance_m**2 / (2.0 * constant_m2_per_s * access * temperature_factor)


def pore_volume_cm3(area_m2: float, thickness_um: float, porosity: float) -> float:
    """Pores of a coating or separator of the given area (both sides of an electrode) and thickness."""
    return area_m2 * thickness_um * porosity
