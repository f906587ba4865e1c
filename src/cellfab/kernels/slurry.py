"""Slurry batches: dispersed, filled up with solvent, tested, and kept until they are coated."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels import slurry_theory
from cellfab.kernels._jit import kernel
from cellfab.kernels.mixing import (
    agglomerate_um,
    mixing_variance,
    random_variance_unequal,
    sphere_g,
    unmixed_variance,
)

SOLIDS, VISCOSITY, FINENESS, GELLED = 1, 2, 3, 4
"""Reasons for which a batch is rejected, in the order of the tests."""

volume_fraction = kernel(slurry_theory.volume_fraction)
krieger_dougherty = kernel(slurry_theory.krieger_dougherty)


class SlurryLaw(NamedTuple):
    """What mixer, store and tests do to a batch, as floats."""

    energy_kwh_per_kg: float
    energy_cv: float
    initial_um: float
    final_um: float
    decay_kwh_per_kg: float
    agglomerate_g_per_cm3: float
    active_g: float
    """Mean mass of an active particle."""
    active_mass_cv: float
    sample_g: float
    """Coating that the evenness is about."""
    mixing_s: float
    mixing_constant_s: float
    feeder_variance: float
    """Of the binder content relative to its mean, left by a continuous mixer's feeders."""
    solids: float
    """Recipe's mass fraction."""
    solvent_cv: float
    solid_g_per_cm3: float
    solvent_g_per_cm3: float
    densest: float
    binder: float
    """Recipe's mass fraction of the solids."""
    binder_exponent: float
    viscosity_sigma: float
    """Of the logarithm."""
    fineness_factor: float
    gelation_per_h: float
    dwell_h: float
    dwell_sigma: float
    """Of the logarithm."""
    solids_gauge: float
    solids_tolerance: float
    viscosity_gauge_cv: float
    viscosity_limit: float
    fineness_gauge_cv: float
    fineness_limit_um: float
    gelled_ratio: float


@kernel
def mix_slurry(
    law: SlurryLaw,
    z: npt.NDArray[np.float32],
    binder: npt.NDArray[np.float32],
    agglomerates_um: npt.NDArray[np.float32],
    binder_cv: npt.NDArray[np.float32],
    solids: npt.NDArray[np.float32],
    viscosity_ratio: npt.NDArray[np.float32],
    rejected: npt.NDArray[np.uint8],
) -> int:
    """Mix, test and keep batches.

    Parameters
    ----------
    law : SlurryLaw
        Constants.
    z : ndarray of float32, shape (7, n)
        Normal numbers: energy, solvent, viscosity, dwell, and the gauges of solids, viscosity and fineness.
    binder : ndarray of float32, shape (n,)
        Mass fraction of the solids.
    agglomerates_um, binder_cv, solids, viscosity_ratio : ndarray of float32, shape (n,)
        Written: size of the agglomerates, unevenness of the binder, mass fraction of solids, viscosity at the coater
        over the recipe's.
    rejected : ndarray of uint8, shape (n,)
        Written: 0, or the reason.

    Returns
    -------
    int
        Batches rejected.
    """
    recipe_flow = krieger_dougherty(
        volume_fraction(law.solids, law.solid_g_per_cm3, law.solvent_g_per_cm3), law.densest
    )
    total = 0
    for i in range(binder.size):
        fraction = float(binder[i])
        energy = law.energy_kwh_per_kg * (1.0 + law.energy_cv * float(z[0, i]))
        size = agglomerate_um(max(energy, 0.0), law.initial_um, law.final_um, law.decay_kwh_per_kg)
        minor_g = sphere_g(size, law.agglomerate_g_per_cm3)
        random = random_variance_unequal(fraction, minor_g, 0.0, law.active_g, law.active_mass_cv, law.sample_g)
        variance = mixing_variance(random, unmixed_variance(fraction), law.mixing_s, law.mixing_constant_s)
        solvent = (1.0 - law.solids) / law.solids * max(1.0 + law.solvent_cv * float(z[1, i]), 0.0)
        content = 1.0 / (1.0 + solvent)
        flow = krieger_dougherty(volume_fraction(content, law.solid_g_per_cm3, law.solvent_g_per_cm3), law.densest)
        mixed = (
            flow / recipe_flow
            * (fraction / law.binder) ** law.binder_exponent
            * math.exp(law.viscosity_sigma * float(z[2, i]))
        )  # fmt: skip
        kept = mixed * math.exp(law.gelation_per_h * law.dwell_h * math.exp(law.dwell_sigma * float(z[3, i])))
        agglomerates_um[i] = size
        binder_cv[i] = math.sqrt(variance / (fraction * fraction) + law.feeder_variance)
        solids[i] = content
        viscosity_ratio[i] = kept
        read = mixed * (1.0 + law.viscosity_gauge_cv * float(z[5, i]))
        reason = 0
        if abs(content + law.solids_gauge * float(z[4, i]) - law.solids) > law.solids_tolerance:
            reason = SOLIDS
        elif not 1.0 / law.viscosity_limit <= read <= law.viscosity_limit:
            reason = VISCOSITY
        elif law.fineness_factor * size * (1.0 + law.fineness_gauge_cv * float(z[6, i])) > law.fineness_limit_um:
            reason = FINENESS
        elif kept > law.gelled_ratio:
            reason = GELLED
        rejected[i] = reason
        total += reason > 0
    return total
