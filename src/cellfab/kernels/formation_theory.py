"""Formation in closed form: losses, electricity, channels, and the anode's reserve against plating.

Plain functions without a compiler, for they are also asked when a configuration is read.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Values = TypeVar("Values", float, npt.NDArray[np.float32])

SAFE_NP_RATIO = 1.0
"""Areal anode over cathode capacity from which a slow, warm charge of a porous anode does not plate."""
NP_PER_C_RATE = 0.02
NP_PER_K_BELOW = 0.003
"""Per kelvin below `COLD_C`."""
COLD_C = 15.0
NP_PER_POROSITY_BELOW = 0.5
"""Per unit of anode porosity below `DENSE_POROSITY`. All four: assumption."""
DENSE_POROSITY = 0.25


def binder_loss_ah(coating_kg: Values, binder_fraction: Values, loss_mah_per_g: float) -> Values:
    """Charge lost to the reduction of PTFE at the anode's potential, Ah; proportional to the binder's mass."""
    return coating_kg * binder_fraction * loss_mah_per_g


def grid_energy_kwh(charged_kwh: float, discharged_kwh: float, charge_efficiency: float, recovered: float) -> float:
    """Electricity of a charge and a discharge: ``charged / efficiency - recovered * discharged``, kWh."""
    return charged_kwh / charge_efficiency - recovered * discharged_kwh


def plating_np_ratio(c_rate: float, temperature_c: float, anode_porosity: float, margin: float = 0.0) -> float:
    """Ratio of areal capacities N/P below which the anode plates metal at the end of a charge.

    ``1.00 + 0.02 C + 0.003 max(0, 15 degC - T) + 0.5 max(0, 0.25 - porosity) + margin``.

    Parameters
    ----------
    c_rate : float
        Rate at the end of the charge, where the voltage limit is reached: about 0.3-0.5 C, not the peak of a fast
        charge.
    temperature_c : float
        Of the cell, degC.
    anode_porosity : float
        True porosity of the anode, 0-1.
    margin : float
        For anodes that work close to the metal's potential: 0.02 for hard carbon (assumption).
    """
    cold = NP_PER_K_BELOW * max(0.0, COLD_C - temperature_c)
    dense = NP_PER_POROSITY_BELOW * max(0.0, DENSE_POROSITY - anode_porosity)
    return SAFE_NP_RATIO + NP_PER_C_RATE * c_rate + cold + dense + margin


def share_below(np_ratio: float, anode_cv: float, cathode_cv: float, limit: float = 1.0) -> float:
    """Share of cells whose N/P is below `limit`, for areal capacities that scatter independently and normally.

    ``Phi(-(r - limit) / sqrt((r cv_a)^2 + (limit cv_c)^2))``: exact, since N - limit P is normal.

    Parameters
    ----------
    np_ratio : float
        Of the means.
    anode_cv, cathode_cv : float
        Standard deviation over mean of each electrode's areal capacity; at least one above 0.
    limit : float
        See above.
    """
    spread = math.hypot(np_ratio * anode_cv, limit * cathode_cv)
    return 0.5 * math.erfc((np_ratio - limit) / (spread * math.sqrt(2.0)))


def plating_probability(unwetted: float) -> float:
    """That a dry share of the electrode makes its surroundings plate: ``1 - exp(-20 u)`` (assumption)."""
    return 1.0 - math.exp(-20.0 * unwetted)
