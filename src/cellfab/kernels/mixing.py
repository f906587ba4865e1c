"""How evenly a minor component is spread in a dry powder mix, and what kneading makes of its binder.

All functions take floats or arrays of one shape and return the same; composition variances are squares of mass
fractions, so a coefficient of variation is sqrt(variance) / fraction.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels import mixing_theory
from cellfab.kernels._jit import kernel
from cellfab.kernels.random import fill_normals, fill_uniform, normal_quantile, uniform

Values = Any  # a float, or an array of floats; results have the arguments' shape


agglomerate_um = kernel(mixing_theory.agglomerate_um)
sphere_g = kernel(mixing_theory.sphere_g)
unmixed_variance = kernel(mixing_theory.unmixed_variance)
random_variance_unequal = kernel(mixing_theory.random_variance_unequal)
mixing_variance = kernel(mixing_theory.mixing_variance)
fibrillation = kernel(mixing_theory.fibrillation)
film_strength_mpa = kernel(mixing_theory.film_strength_mpa)


@kernel
def weigh_charges(
    keys: npt.NDArray[np.uint64],
    entity: int,
    powder_lot: int,
    active_cv: float,
    minor_cv: float,
    capacity_cv: float,
    wrong_probability: float,
    active: float,
    binder: float,
    carbon: float,
    capacity_mah_per_g: float,
    nominal_kg: float,
    columns: npt.NDArray[np.float32],
    wrong: npt.NDArray[np.bool_],
) -> float:
    """Weigh the components of charges, each with its own relative error.

    Parameters
    ----------
    keys : ndarray of uint64, shape (5,)
        Streams: active powder, binder, carbon, wrong recipes, capacity of powder lots.
    entity, powder_lot : int
        The lot of charges; number of the powder lot that they are taken from.
    active_cv, minor_cv, capacity_cv : float
        1 sigma of weighing the active powder, and binder or carbon; of the capacity of powder lots.
    wrong_probability : float
        Of a charge.
    active, binder, carbon : float
        Mass fractions of the recipe.
    capacity_mah_per_g : float
        Mean of powder lots.
    nominal_kg : float
        A charge without errors.
    columns : ndarray of float32, shape (4, n)
        Written: kg, active fraction, binder fraction, specific capacity in mAh/g.
    wrong : ndarray of bool, shape (n,)
        Written: of a wrong recipe.

    Returns
    -------
    float
        All charges together, kg.
    """
    n = wrong.size
    z, u = np.empty((3, n), np.float32), np.empty(n, np.float32)
    fill_normals(keys[:3], entity, z)
    fill_uniform(keys[3], entity, u)
    capacity = capacity_mah_per_g * (1.0 + capacity_cv * normal_quantile(uniform(keys[4], powder_lot, 0)))
    total_kg = 0.0
    for i in range(n):
        of_active = active * (1.0 + active_cv * float(z[0, i]))
        of_binder = binder * (1.0 + minor_cv * float(z[1, i]))
        whole = of_active + of_binder + carbon * (1.0 + minor_cv * float(z[2, i]))
        columns[0, i] = nominal_kg * whole
        columns[1, i] = of_active / whole
        columns[2, i] = of_binder / whole
        columns[3, i] = capacity
        wrong[i] = u[i] < np.float32(wrong_probability)
        total_kg += float(columns[0, i])
    return total_kg


class MixerLaw(NamedTuple):
    """What premixer, kneader and release test do to a charge, as numbers."""

    energy_kwh_per_kg: float
    energy_cv: float
    initial_um: float
    final_um: float
    decay_kwh_per_kg: float
    binder_g_per_cm3: float
    binder_mass_cv: float
    active_g: float
    """Mean mass of an active particle."""
    active_mass_cv: float
    sample_g: float
    """Coating that the evenness is about."""
    segregation_cv: float
    """Unevenness that further mixing does not remove, relative to the fraction."""
    premix_s: float
    premix_constant_s: float
    kneading_min: float
    kneading_cv: float
    kneading_c: float
    kneading_sd_k: float
    fibrillation_min: float
    reference_mpa: float
    reference_binder: float
    over_min: float
    over_decay_min: float
    strength_sigma: float
    """Of the logarithm."""
    gauge_cv: float
    release_mpa: float


@kernel
def mix_charges(
    law: MixerLaw,
    z: npt.NDArray[np.float32],
    binder: npt.NDArray[np.float32],
    agglomerates_um: npt.NDArray[np.float32],
    binder_cv: npt.NDArray[np.float32],
    degree: npt.NDArray[np.float32],
    strength_mpa: npt.NDArray[np.float32],
    rejected: npt.NDArray[np.uint8],
) -> bool:
    """Premix, knead and test charges.

    Parameters
    ----------
    law : MixerLaw
        Constants.
    z : ndarray of float32, shape (5, n)
        Normal numbers: premix energy, kneading time and temperature, residual of the strength, gauge.
    binder : ndarray of float32, shape (n,)
        Mass fraction.
    agglomerates_um, binder_cv, degree, strength_mpa : ndarray of float32, shape (n,)
        Filled: see the functions of this module.
    rejected : ndarray of uint8, shape (n,)
        Filled: 1 where the release test reads too weak a coupon.

    Returns
    -------
    bool
        Whether one is.
    """
    one_is = False
    for i in range(binder.size):
        fraction = float(binder[i])
        energy = law.energy_kwh_per_kg * (1.0 + law.energy_cv * float(z[0, i]))
        size = agglomerate_um(max(energy, 0.0), law.initial_um, law.final_um, law.decay_kwh_per_kg)
        minor_g = sphere_g(size, law.binder_g_per_cm3)
        settled = (law.segregation_cv * fraction) ** 2 + random_variance_unequal(
            fraction, minor_g, law.binder_mass_cv, law.active_g, law.active_mass_cv, law.sample_g
        )
        variance = mixing_variance(settled, unmixed_variance(fraction), law.premix_s, law.premix_constant_s)
        time_min = law.kneading_min * max(1.0 + law.kneading_cv * float(z[1, i]), 0.0)
        temperature_c = law.kneading_c + law.kneading_sd_k * float(z[2, i])
        phi = fibrillation(time_min, temperature_c, law.fibrillation_min)
        strength = film_strength_mpa(
            law.reference_mpa, fraction / law.reference_binder, phi, time_min, law.over_min, law.over_decay_min
        ) * math.exp(law.strength_sigma * float(z[3, i]))
        agglomerates_um[i] = size
        binder_cv[i] = math.sqrt(variance) / fraction
        degree[i] = phi
        strength_mpa[i] = strength
        rejected[i] = strength * (1.0 + law.gauge_cv * float(z[4, i])) < law.release_mpa
        one_is = one_is or rejected[i] > 0
    return one_is
