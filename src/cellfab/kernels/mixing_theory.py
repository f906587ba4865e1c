"""How evenly a binder is spread and what kneading makes of it; needs no compiler, so that a review can ask it.

Functions take floats or arrays of one shape and return the same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Values = Any  # a float, or an array of floats; results have the arguments' shape

WAKE_C = 19.0
"""Crystal transition of PTFE, degC: below it the chains do not slip and no fibrils form."""
_FULL_C = 60.0


def agglomerate_um(energy_kwh_per_kg: Values, initial_um: float, final_um: float, decay_kwh_per_kg: float) -> Values:
    """Agglomerate size after a specific energy: final + (initial - final) exp(-E / E_d), um.

    First-order break-up towards a limit size (assumption).
    """
    decay = np.exp(-energy_kwh_per_kg / decay_kwh_per_kg)
    return final_um + (initial_um - final_um) * decay


def sphere_g(diameter_um: Values, density_g_per_cm3: float) -> Values:
    """Mass of a sphere, g."""
    diameter_cm = diameter_um * 1e-4
    return density_g_per_cm3 * math.pi / 6.0 * (diameter_cm * diameter_cm * diameter_cm)


def unmixed_variance(fraction: Values) -> Values:
    """Variance of composition before any mixing, p (1 - p) (Lacey 1954)."""
    return fraction * (1.0 - fraction)


def random_variance_unequal(
    fraction: Values, minor_g: Values, minor_cv: float, major_g: float, major_cv: float, sample_g: float
) -> Values:
    """Variance of a random mix of two species of unequal particles (Stange 1954; Poole, Taylor and Wall 1964).

    p q [p m_q (1 + c_q^2) + q m_p (1 + c_p^2)] / M, with m the mean particle mass and c its coefficient of variation.

    Parameters
    ----------
    fraction : float or ndarray
        Mass fraction p of the minor species, 0-1.
    minor_g, major_g : float or ndarray
        Mean particle mass of the species, g.
    minor_cv, major_cv : float
        Coefficient of variation of the particle masses.
    sample_g : float
        Mass of the sample looked at, g; much larger than a particle.
    """
    rest = 1.0 - fraction
    inner = fraction * major_g * (1.0 + major_cv * major_cv) + rest * minor_g * (1.0 + minor_cv * minor_cv)
    return fraction * rest * inner / sample_g


def mixing_variance(random: Values, unmixed: Values, time_s: float, time_constant_s: float) -> Values:
    """Variance after mixing for a time: random + (unmixed - random) exp(-t / tau) (first order, Lacey 1954)."""
    return random + (unmixed - random) * math.exp(-time_s / time_constant_s)


def fibrillation(time_min: Values, temperature_c: Values, time_constant_min: float) -> Values:
    """Degree of fibrillation phi = (1 - exp(-t / tau)) g(T), 0-1.

    g is 0 below 19 degC, where PTFE stays crystalline, and rises linearly to 1 at 60 degC (assumption; the transition
    temperatures are those of PTFE, e.g. Bunn and Howells 1954).
    """
    warm = np.minimum(np.maximum((temperature_c - WAKE_C) / (_FULL_C - WAKE_C), 0.0), 1.0)
    return -np.expm1(-time_min / time_constant_min) * warm


def film_strength_mpa(
    reference_mpa: float, binder_ratio: Values, degree: Values, time_min: Values, over_min: float, over_decay_min: float
) -> Values:
    """Tensile strength of the film, reference (w / w_ref)^1.2 phi exp(-max(0, t - t_over) / t_c), MPa (assumption).

    Kneading past `over_min` cuts the fibrils again.
    """
    cut = np.exp(-np.maximum(time_min - over_min, 0.0) / over_decay_min)
    return reference_mpa * binder_ratio**1.2 * degree * cut
