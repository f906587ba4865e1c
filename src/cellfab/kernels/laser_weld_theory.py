"""Closed forms of laser welding, in plain Python: what a weld of given power, speed and focus melts and heats.

Depth follows absorbed power, not line energy: copper welds at a Peclet number near 0.1, where heat is conducted away
sideways as fast as the beam moves. In keyhole mode ``depth = A P / (K (T_boil - T_0) G(Pe))`` with
``Pe = v a / (2 kappa)`` and the polynomial G that Lankalapalli, Tu and Gartner (J. Phys. D 29 (1996) 1831) fitted to
the isothermal moving cylinder; the form is also Fabbro's (J. Phys. D 43 (2010) 445501). The keyhole opens when the
normalised enthalpy ``B = A_0 P / (rho c T_m sqrt(pi kappa v a^3))`` (Hann, Iammi and Folkes, J. Phys. D 44 (2011)
445401) exceeds a threshold near ``pi T_boil / T_m`` (King et al., J. Mater. Process. Technol. 214 (2014) 2915).
"""

from __future__ import annotations

import math
from typing import NamedTuple

AMBIENT_K = 298.0
PECLET_RANGE = (0.1, 3.0)
"""Within which `depth_divisor` is good to 12 %."""
CONDUCTION_DEPTH = 0.6
"""Depth over beam radius below the keyhole threshold: a half-round conduction pool (assumption)."""
LEAST_CONDUCTANCE = 0.3
"""Share of a sound seam's conductance that is left at the least penetration (assumption)."""
VIOLENT_SPATTER = 3.0
"""Times the spatter at four times the keyhole threshold or over a gap of a quarter of the disc (assumption)."""


class Metal(NamedTuple):
    """Thermal constants of a foil and disc metal at welding temperature."""

    conductivity_w_per_mk: float
    diffusivity_m2_per_s: float
    melting_k: float
    boiling_k: float
    volumetric_heat_j_per_m3k: float


METALS = {
    # Handbook values. Conductivity and diffusivity fall by a quarter on melting: averages for the hot metal around a
    # keyhole, good to 10 % (assumption). Melting and boiling points: CRC Handbook of Chemistry and Physics.
    "cu": Metal(340.0, 9.5e-5, 1358.0, 2835.0, 3.6e6),
    "al": Metal(220.0, 8.5e-5, 933.0, 2740.0, 2.65e6),
}


def peclet_number(speed_m_per_s: float, radius_m: float, metal: Metal) -> float:
    """Travel speed times beam radius over twice the diffusivity."""
    return speed_m_per_s * radius_m / (2.0 * metal.diffusivity_m2_per_s)


def depth_divisor(peclet: float) -> float:
    """G(Pe) of Lankalapalli, Tu and Gartner (1996): within 6 % of the exact solution for Pe 0.15 to 3, 12 % at 0.1."""
    return 2.1995 + peclet * (6.2962 + peclet * (-0.4994 + peclet * 0.0461))


def keyhole_depth_m(absorbed_w: float, peclet: float, metal: Metal) -> float:
    """Penetration in keyhole mode, m, from the power absorbed in the keyhole."""
    heat = metal.conductivity_w_per_mk * (metal.boiling_k - AMBIENT_K)
    return absorbed_w / (heat * depth_divisor(peclet))


def normalised_enthalpy(absorbed_w: float, speed_m_per_s: float, radius_m: float, metal: Metal) -> float:
    """Absorbed energy density over that needed to melt, in one thermal diffusion time; dimensionless."""
    melting = metal.volumetric_heat_j_per_m3k * metal.melting_k
    return absorbed_w / (melting * math.sqrt(math.pi * metal.diffusivity_m2_per_s * speed_m_per_s * radius_m**3))


def keyhole_threshold(metal: Metal) -> float:
    """Normalised enthalpy above which a keyhole opens: pi T_boil / T_melt (6.6 for Cu, 9.2 for Al)."""
    return math.pi * metal.boiling_k / metal.melting_k


def overheated_distance_m(line_energy_j_per_m: float, rise_k: float, solid_fraction: float, metal: Metal) -> float:
    """Distance from the seam within which the peak temperature rise is above `rise_k`.

    Thick-body line source: ``dT(z) = 2 (A P / v) / (pi e rho c z^2)``, raised by 1 / solid fraction in a porous pack
    (Rosenthal's solution in Carslaw and Jaeger, "Conduction of Heat in Solids", 1959, chapter 10).
    """
    heat = math.pi * math.e * metal.volumetric_heat_j_per_m3k * solid_fraction
    return math.sqrt(2.0 * line_energy_j_per_m / (heat * rise_k))


def absorbed_power_spread(power: float, absorptivity: float, local: float) -> tuple[float, float]:
    """Standard deviation and skewness of the product of three independent normal factors around 1.

    The kernel draws the product as one number with these moments (a Cornish-Fisher expansion of first order) instead
    of three: mean and skewness agree to 1e-4, and the quantile at 4 standard deviations to 0.2 % of the depth.
    """
    a, b, c = power**2, absorptivity**2, local**2
    pairs = a * b + a * c + b * c
    variance = a + b + c + pairs + a * b * c
    if variance == 0.0:
        return 0.0, 0.0
    return math.sqrt(variance), (6.0 * pairs + 24.0 * a * b * c) / variance**1.5


class NominalWeld(NamedTuple):
    """One seam at nominal power and focus, without a gap."""

    peclet: float
    enthalpy: float
    """Normalised."""
    enthalpy_threshold: float
    """Of the keyhole."""
    depth_um: float
    """Penetration in keyhole mode."""
    line_energy_j_per_m: float
    """Absorbed in the keyhole."""


def nominal_weld(
    metal: Metal, *, power_w: float, speed_m_per_s: float, radius_m: float, keyhole_absorptivity: float,
    surface_absorptivity: float,
) -> NominalWeld:  # fmt: skip
    """What a laser of that power, speed and beam radius does; absorptivities as fractions."""
    peclet = peclet_number(speed_m_per_s, radius_m, metal)
    absorbed_w = keyhole_absorptivity * power_w
    return NominalWeld(
        peclet, normalised_enthalpy(surface_absorptivity * power_w, speed_m_per_s, radius_m, metal),
        keyhole_threshold(metal), 1e6 * keyhole_depth_m(absorbed_w, peclet, metal), absorbed_w / speed_m_per_s,
    )  # fmt: skip
