"""Slurries in closed form: how much solid a volume holds, how thick it flows and how fast it settles.

Plain functions of floats without numba, so that a recipe can be reviewed before anything is run; `slurry` compiles
what it needs of them.
"""

from __future__ import annotations

import math
from typing import Any

GRAVITY_M_PER_S2 = 9.81


def solids_g_per_cm3(solid_fraction: Any, solid_g_per_cm3: float, solvent_g_per_cm3: float) -> Any:
    """Solids in a volume of slurry, which is what a pump meters; a float or an array of floats."""
    return solid_fraction / (solid_fraction / solid_g_per_cm3 + (1.0 - solid_fraction) / solvent_g_per_cm3)


def volume_fraction(solid_fraction: float, solid_g_per_cm3: float, solvent_g_per_cm3: float) -> float:
    """Volume fraction of solids, 0-1, of a slurry of mass fraction `solid_fraction`."""
    solid_cm3 = solid_fraction / solid_g_per_cm3
    return solid_cm3 / (solid_cm3 + (1.0 - solid_fraction) / solvent_g_per_cm3)


def krieger_dougherty(volume_share: float, densest: float) -> float:
    """Viscosity of a suspension over that of its liquid: (1 - phi / phi_max)^(-2.5 phi_max).

    Krieger and Dougherty 1959, with the intrinsic viscosity of spheres. Infinite from the densest packing on.

    Parameters
    ----------
    volume_share, densest : float
        Volume fraction of solids and of their densest packing, 0-1.
    """
    if volume_share >= densest:
        return math.inf
    return float((1.0 - volume_share / densest) ** (-2.5 * densest))


def settling_m_per_s(particle_um: float, excess_g_per_cm3: float, viscosity_pa_s: float, volume_share: float) -> float:
    """Speed at which particles sink in a slurry at rest: Stokes, hindered by (1 - phi)^4.65 (Richardson and Zaki 1954).

    Parameters
    ----------
    particle_um : float
        Diameter.
    excess_g_per_cm3 : float
        Density of the solid less that of the solvent.
    viscosity_pa_s : float
        Of the medium at rest, Pa s.
    volume_share : float
        Volume fraction of solids, 0-1.
    """
    stokes = 1e3 * excess_g_per_cm3 * GRAVITY_M_PER_S2 * (particle_um * 1e-6) ** 2 / (18.0 * viscosity_pa_s)
    return float(stokes * (1.0 - volume_share) ** 4.65)


def settled_share(speed_m_per_s: float, unstirred_s: float, height_m: float) -> float:
    """Share of a tank's solids that has sunk past where it was: distance over height, at most 1.

    What is drawn from the bottom first is so much richer than what comes last.
    """
    return min(speed_m_per_s * unstirred_s / height_m, 1.0)
