"""Formation in numbers: what the first cycle leaves, and what it takes from the grid."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel

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


class FirstCycleLaw(NamedTuple):
    """What the first charge and discharge make of a cell, as floats."""

    charge_per_areal: float
    """First charge, Ah, per mAh/cm2 of the cathode."""
    efficiency: float
    """First-cycle efficiency of the design, with the lot's offset."""
    efficiency_sd: float
    moisture_free_ppm: float
    moisture_loss: float
    """Efficiency lost per ppm beyond."""
    moisture_resistance: float
    """Relative resistance per ppm beyond."""
    binder_loss: float
    """Ah lost per mg/cm2 of anode coating and mass fraction of binder."""
    most_per_areal: float
    """Ah that the anode takes per mAh/cm2 of its own."""
    capacity_cv: float
    roll_mohm: float
    roll_cv: float
    terminal_mohm: float
    hard_siemens: float
    """A short that conducts at once and better than this keeps the cell from holding its voltage."""
    leak_ah: float
    """Charge lost on the channel per siemens of such a short."""
    least_efficiency: float
    """Rejected below, as read."""


HARD_SHORT, LOW_EFFICIENCY = 1, 2
"""Reasons why formation rejects a cell, in the order in which they are looked for."""


@kernel
def first_cycle(
    law: FirstCycleLaw,
    z: npt.NDArray[np.float32],
    cathode_areal: npt.NDArray[np.float32],
    anode_areal: npt.NDArray[np.float32],
    anode_loading: npt.NDArray[np.float32],
    anode_binder: npt.NDArray[np.float32],
    cathode_ppm: npt.NDArray[np.float32],
    anode_ppm: npt.NDArray[np.float32],
    unwetted: npt.NDArray[np.float32],
    siemens: npt.NDArray[np.float32],
    delay_d: npt.NDArray[np.float32],
    came: npt.NDArray[np.bool_],
    capacity_ah: npt.NDArray[np.float32],
    efficiency: npt.NDArray[np.float32],
    reason: npt.NDArray[np.uint8],
) -> tuple[float, float]:
    """Charge and discharge every cell of a lot.

    Parameters
    ----------
    law : FirstCycleLaw
        Constants.
    z : ndarray of float32, shape (2, n)
        Normal numbers: efficiency, and what is left unexplained of the capacity.
    cathode_areal, anode_areal : ndarray of float32, shape (n,)
        mAh/cm2.
    anode_loading, anode_binder : ndarray of float32, shape (n,)
        mg/cm2 and mass fraction.
    cathode_ppm, anode_ppm : ndarray of float32, shape (n,)
        Water, which counts in the mean of both.
    unwetted : ndarray of float32, shape (n,)
        Dry share.
    siemens, delay_d : ndarray of float32, shape (n,)
        Shorts, and days until they conduct.
    came : ndarray of bool, shape (n,)
        Cells that take part in the sums.
    capacity_ah, efficiency : ndarray of float32, shape (n,)
        Filled.
    reason : ndarray of uint8, shape (n,)
        Filled: 0, `HARD_SHORT` or `LOW_EFFICIENCY`.

    Returns
    -------
    tuple of float
        Charge and discharge of all cells that came, Ah.
    """
    # Short loops over few arrays each: the compiler only vectorises what it can show not to overlap.
    one = np.float32(1.0)
    half = np.float32(0.5)
    zero = np.float32(0.0)
    per_areal, most_per_areal = np.float32(law.charge_per_areal), np.float32(law.most_per_areal)
    level, spread = np.float32(law.efficiency), np.float32(law.efficiency_sd)
    free_ppm, per_ppm = np.float32(law.moisture_free_ppm), np.float32(law.moisture_loss)
    binder, residual = np.float32(law.binder_loss), np.float32(law.capacity_cv)
    hard, leak = np.float32(law.hard_siemens), np.float32(law.leak_ah)
    least = np.float32(law.least_efficiency)
    n = reason.size
    z_efficiency, z_capacity = z[0], z[1]
    for i in range(n):
        wet = max(half * (cathode_ppm[i] + anode_ppm[i]) - free_ppm, zero)
        efficiency[i] = level + spread * z_efficiency[i] - per_ppm * wet
    for i in range(n):
        held = cathode_areal[i] * per_areal * efficiency[i] - binder * anode_loading[i] * anode_binder[i]
        capacity_ah[i] = min(held, anode_areal[i] * most_per_areal)
    for i in range(n):
        held = capacity_ah[i] * (one - unwetted[i]) * (one + residual * z_capacity[i])
        capacity_ah[i] = max(held, np.float32(1e-3))
    for i in range(n):
        efficiency[i] = capacity_ah[i] / (cathode_areal[i] * per_areal)
    for i in range(n):
        at_once = zero if delay_d[i] > zero else siemens[i]
        low = capacity_ah[i] - leak * at_once < least * (cathode_areal[i] * per_areal)
        why = np.uint8(LOW_EFFICIENCY) if low else np.uint8(0)
        reason[i] = np.uint8(HARD_SHORT) if at_once > hard else why
    return float(per_areal) * sum_where(cathode_areal, came), sum_where(capacity_ah, came)


@kernel
def sum_where(values: npt.NDArray[np.float32], counted: npt.NDArray[np.bool_]) -> float:
    """Sum of the values that are counted, in four strands: one alone would wait for each addition to end."""
    sum_0, sum_1, sum_2, sum_3 = 0.0, 0.0, 0.0, 0.0
    whole = values.size - values.size % 4
    for i in range(0, whole, 4):
        sum_0 += values[i] if counted[i] else 0.0
        sum_1 += values[i + 1] if counted[i + 1] else 0.0
        sum_2 += values[i + 2] if counted[i + 2] else 0.0
        sum_3 += values[i + 3] if counted[i + 3] else 0.0
    for i in range(whole, values.size):
        sum_0 += values[i] if counted[i] else 0.0
    return (sum_0 + sum_1) + (sum_2 + sum_3)


@kernel
def resistance(
    law: FirstCycleLaw,
    z: npt.NDArray[np.float32],
    cathode_ppm: npt.NDArray[np.float32],
    anode_ppm: npt.NDArray[np.float32],
    cathode_weld: npt.NDArray[np.float32],
    anode_weld: npt.NDArray[np.float32],
    cathode_torn: npt.NDArray[np.float32],
    anode_torn: npt.NDArray[np.float32],
    dcir_mohm: npt.NDArray[np.float32],
) -> None:
    """Direct-current resistance of every cell: roll, welds over what is left of the flags, terminal.

    Parameters
    ----------
    law : FirstCycleLaw
        Constants.
    z : ndarray of float32, shape (n,)
        Normal numbers of the roll.
    cathode_ppm, anode_ppm : ndarray of float32, shape (n,)
        Water.
    cathode_weld, anode_weld : ndarray of float32, shape (n,)
        Resistance of the disc welds, mOhm.
    cathode_torn, anode_torn : ndarray of float32, shape (n,)
        Share of the flags torn off.
    dcir_mohm : ndarray of float32, shape (n,)
        Filled.
    """
    one = np.float32(1.0)
    half = np.float32(0.5)
    roll, spread = np.float32(law.roll_mohm), np.float32(law.roll_cv)
    free_ppm, per_ppm = np.float32(law.moisture_free_ppm), np.float32(law.moisture_resistance)
    terminal = np.float32(law.terminal_mohm)
    for i in range(dcir_mohm.size):
        wet = max(half * (cathode_ppm[i] + anode_ppm[i]) - free_ppm, np.float32(0.0))
        welds = cathode_weld[i] / (one - cathode_torn[i]) + anode_weld[i] / (one - anode_torn[i])
        dcir_mohm[i] = roll * (one + spread * z[i]) * (one + per_ppm * wet) + welds + terminal


@kernel
def hidden_defects(
    siemens: npt.NDArray[np.float32],
    unfused: npt.NDArray[np.uint8],
    burnt: npt.NDArray[np.uint8],
    fault: npt.NDArray[np.uint8],
    overhang_mm: npt.NDArray[np.float32],
    unwetted: npt.NDArray[np.float32],
    leak: npt.NDArray[np.float32],
    cathode_ah: npt.NDArray[np.float32],
    anode_ah: npt.NDArray[np.float32],
    dry_fraction: float,
    out: npt.NDArray[np.uint8],
) -> None:
    """One bit per mechanism for every cell, in the order of `cellfab.core.defects.MECHANISMS`.

    Parameters
    ----------
    siemens, overhang_mm, unwetted, leak, cathode_ah, anode_ah : ndarray of float32, shape (n,)
        True severities; a short, an overhang below 0, a dry share above `dry_fraction`, a leak, and an anode smaller
        than its cathode count.
    unfused, burnt, fault : ndarray of uint8, shape (n,)
        Faulty seams of both discs, and 1 where the separator is faulty.
    dry_fraction : float
        See above.
    out : ndarray of uint8, shape (n,)
        Filled.
    """
    dry = np.float32(dry_fraction)
    zero = np.float32(0.0)
    for i in range(out.size):
        bits = np.uint8(siemens[i] > zero) | np.uint8(unfused[i] > 0) << 1 | np.uint8(burnt[i] > 0) << 2
        bits |= np.uint8(fault[i] > 0) << 3 | np.uint8(overhang_mm[i] < zero) << 4 | np.uint8(unwetted[i] > dry) << 5
        bits |= np.uint8(leak[i] > zero) << 6 | np.uint8(anode_ah[i] < cathode_ah[i]) << 7
        out[i] = bits
