"""Formation in numbers: what the first cycle leaves, and what it takes from the grid."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Values = TypeVar("Values", float, npt.NDArray[np.float32])


def binder_loss_ah(coating_kg: Values, binder_fraction: Values, loss_mah_per_g: float) -> Values:
    """Charge lost to the reduction of PTFE at the anode's potential, Ah; proportional to the binder's mass."""
    return coating_kg * binder_fraction * loss_mah_per_g


def grid_energy_kwh(charged_kwh: float, discharged_kwh: float, charge_efficiency: float, recovered: float) -> float:
    """Electricity of a charge and a discharge: ``charged / efficiency - recovered * discharged``, kWh."""
    return charged_kwh / charge_efficiency - recovered * discharged_kwh


def channels_needed(cells_per_year: float, hours_per_cell: float, utilisation: float, yielded: float) -> float:
    """Channels that form `cells_per_year` good cells: each start holds one channel for `hours_per_cell`.

    Parameters
    ----------
    cells_per_year : float
        Good cells.
    hours_per_cell : float
        On the channel, handling included.
    utilisation, yielded : float
        Share of 8760 h a year in use; good cells over cells started.
    """
    return cells_per_year * hours_per_cell / (8760.0 * utilisation * yielded)
