"""Formation of a lot: all that happens to its cells, one thing after another in one call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.cell_numbers import fill_cell_normals
from cellfab.kernels.formation import (
    HARD_SHORT,
    LOW_EFFICIENCY,
    FirstCycleLaw,
    first_cycle,
    gas,
    hidden_defects,
    plating,
    resistance,
)
from cellfab.kernels.particles import ShortLaw, soft_shorts


class HiddenLaw(NamedTuple):
    """From where on a cell plates or has another defect, as floats; see `plating` and `hidden_defects`."""

    plating_np_ratio: float
    plating_hole_mm: float
    plates_at_hole: float
    dry_fraction: float
    least_areal_ratio: float


class Formed(NamedTuple):
    """What became of a lot."""

    charged_ah: float
    discharged_ah: float
    """Of all cells that came."""
    hard_shorts: int
    low_efficiency: int
    """Rejected for either."""
    shorts: int
    later: int
    """Cells with a short, and those among them whose first short takes days to grow."""


@kernel
def form_cells(
    law: FirstCycleLaw,
    short_law: ShortLaw,
    hidden_law: HiddenLaw,
    offset: float,
    cells_key: np.uint64,
    shorts_key: np.uint64,
    dry_key: np.uint64,
    hole_key: np.uint64,
    entity: int,
    cathode_areal: npt.NDArray[np.float32],
    anode_areal: npt.NDArray[np.float32],
    anode_loading: npt.NDArray[np.float32],
    anode_binder: npt.NDArray[np.float32],
    cathode_ppm: npt.NDArray[np.float32],
    anode_ppm: npt.NDArray[np.float32],
    cathode_porosity: npt.NDArray[np.float32],
    anode_porosity: npt.NDArray[np.float32],
    np_ratio: npt.NDArray[np.float32],
    cathode_thinning: npt.NDArray[np.float32],
    anode_thinning: npt.NDArray[np.float32],
    hole_mm: npt.NDArray[np.float32],
    unwetted: npt.NDArray[np.float32],
    overhang_mm: npt.NDArray[np.float32],
    leak: npt.NDArray[np.float32],
    particle_um: npt.NDArray[np.float32],
    cathode_burr_um: npt.NDArray[np.float32],
    anode_burr_um: npt.NDArray[np.float32],
    fault: npt.NDArray[np.uint8],
    cathode_weld: npt.NDArray[np.float32],
    anode_weld: npt.NDArray[np.float32],
    cathode_torn: npt.NDArray[np.float32],
    anode_torn: npt.NDArray[np.float32],
    cathode_unfused: npt.NDArray[np.uint8],
    anode_unfused: npt.NDArray[np.uint8],
    cathode_burnt: npt.NDArray[np.uint8],
    anode_burnt: npt.NDArray[np.uint8],
    codes: npt.NDArray[np.int16],
    exit_code: npt.NDArray[np.int16],
    capacity_ah: npt.NDArray[np.float32],
    efficiency: npt.NDArray[np.float32],
    dcir_mohm: npt.NDArray[np.float32],
    gas_ml: npt.NDArray[np.float32],
    siemens: npt.NDArray[np.float32],
    delay_d: npt.NDArray[np.float32],
    defects: npt.NDArray[np.uint16],
) -> Formed:
    """Form every cell of a lot: shorts, first cycle, resistance, gas, plating, hidden defects, rejects.

    Parameters
    ----------
    law, short_law, hidden_law
        Constants.
    offset : float
        By which the efficiency of this lot is off.
    cells_key, shorts_key, dry_key, hole_key
        Streams: blocks of the cells (four normal numbers: efficiency, capacity, resistance, gas), shorts, dry parts and
        holes that plate.
    entity : int
        The lot.
    cathode_areal, ..., anode_burnt : ndarray, shape (n,)
        Columns of the cells, as in `first_cycle`, `resistance`, `soft_shorts`, `plating` and `hidden_defects`.
    codes : ndarray of int16, shape (2,)
        Exit codes of `HARD_SHORT` and `LOW_EFFICIENCY`.
    exit_code : ndarray of int16, shape (n,)
        0 where a cell came alive; those rejected get their code.
    capacity_ah, efficiency, dcir_mohm, gas_ml, siemens, delay_d : ndarray of float32, shape (n,)
        Filled.
    defects : ndarray of uint16, shape (n,)
        Filled.

    Returns
    -------
    Formed
    """
    n = exit_code.size
    z = np.empty((4, n), np.float32)
    came, reason, plates = np.empty(n, np.bool_), np.empty(n, np.uint8), np.empty(n, np.uint8)
    fill_cell_normals(cells_key, entity, z)
    for i in range(n):
        came[i] = exit_code[i] == 0
    shorts, later = soft_shorts(
        short_law, particle_um, cathode_burr_um, anode_burr_um, fault, shorts_key, entity, siemens, delay_d
    )
    charged_ah, discharged_ah = first_cycle(
        law, offset, z, cathode_areal, anode_areal, anode_loading, anode_binder, cathode_ppm, anode_ppm, unwetted,
        siemens, delay_d, came, capacity_ah, efficiency, reason,
    )  # fmt: skip
    resistance(
        law, z[2], cathode_ppm, anode_ppm, cathode_weld, anode_weld, cathode_torn, anode_torn, cathode_porosity,
        anode_porosity, dcir_mohm,
    )  # fmt: skip
    gas(law, z[3], cathode_areal, cathode_ppm, anode_ppm, gas_ml)
    keys = np.empty(2, np.uint64)
    keys[0], keys[1] = dry_key, hole_key
    plating(
        hidden_law.plating_np_ratio, np_ratio, cathode_thinning, anode_thinning, anode_porosity, unwetted, hole_mm,
        hidden_law.plating_hole_mm, hidden_law.plates_at_hole, keys, entity, plates,
    )  # fmt: skip
    hidden_defects(
        siemens, cathode_unfused, anode_unfused, cathode_burnt, anode_burnt, fault, overhang_mm, unwetted, leak,
        cathode_areal, anode_areal, plates, hidden_law.dry_fraction, hidden_law.least_areal_ratio, defects,
    )  # fmt: skip
    hard, low = 0, 0
    hard_code, low_code = codes[0], codes[1]
    for i in range(n):
        is_hard, is_low = came[i] & (reason[i] == HARD_SHORT), came[i] & (reason[i] == LOW_EFFICIENCY)
        hard += is_hard
        low += is_low
        exit_code[i] = hard_code if is_hard else (low_code if is_low else exit_code[i])
    return Formed(charged_ah, discharged_ah, hard, low, shorts, later)
