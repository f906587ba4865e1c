"""Ultrasonic welding of foils to a tab in closed form: the energy a joint needs, and what wear and tilt leave of it.

Foils join by plastic flow once friction has softened them, at a fixed share of the melting temperature; so a joint
needs energy in proportion to the metal under the horn (a lumped heat balance; temperatures of 0.35 to 0.5 of the
melting point were measured in ultrasonic welds: de Vries, "Mechanics and Mechanisms of Ultrasonic Metal Welding", Ohio
State University, 2004). Horn wear and a tilt between horn and anvil lower what arrives.
"""

from __future__ import annotations

import math

from cellfab.kernels.laser_weld_theory import AMBIENT_K, METALS


def needed_energy_j(
    foil: str, area_mm2: float, foils_mm: float, tab_mm: float, temperature_fraction: float, coupled_fraction: float
) -> float:
    """Energy of a weld that softens all the metal under the horn, J.

    Parameters
    ----------
    foil : {"al", "cu"}
        Metal of foils and tab.
    area_mm2 : float
        Under the horn.
    foils_mm, tab_mm : float
        Thickness of all foils together, and of the tab.
    temperature_fraction : float
        Joining temperature over the melting point, both absolute.
    coupled_fraction : float
        Share of the machine's energy that becomes heat in the joint.
    """
    metal = METALS[foil]
    rise_k = temperature_fraction * metal.melting_k - AMBIENT_K
    volume_m3 = area_mm2 * (foils_mm + tab_mm) * 1e-9
    return metal.volumetric_heat_j_per_m3k * rise_k * volume_m3 / coupled_fraction


def tilt_factor(tilt: float) -> float:
    """Energy that arrives under a tilt, relative to that at which only an edge touches: a cosine (assumption)."""
    return math.cos(0.5 * math.pi * min(abs(tilt), 1.0))
