"""Formation cell by cell: what the first cycle leaves, the resistance, the gas, and the defects that stay unseen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels import formation_theory
from cellfab.kernels._jit import kernel
from cellfab.kernels.random import uniform
from cellfab.kernels.sums import sum_where

plating_probability = kernel(formation_theory.plating_probability)
_NP_PER_POROSITY_BELOW = np.float32(formation_theory.NP_PER_POROSITY_BELOW)
_DENSE_POROSITY = np.float32(formation_theory.DENSE_POROSITY)


class FirstCycleLaw(NamedTuple):
    """What the first charge and discharge make of a cell, as floats."""

    charge_per_areal: float
    """First charge, Ah, per mAh/cm2 of the cathode."""
    efficiency: float
    """First-cycle efficiency of the design."""
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
    pore_share: float
    """Of the roll's resistance as designed, that of the electrolyte in the pores of both electrodes."""
    cathode_porosity: float
    anode_porosity: float
    """Of the design."""
    terminal_mohm: float
    hard_siemens: float
    """A short that conducts at once and better than this keeps the cell from holding its voltage."""
    leak_ah: float
    """Charge lost on the channel per siemens of such a short."""
    least_efficiency: float
    """Rejected below, as read, in a lot as designed."""
    gas_ml_per_ah: float
    gas_cv: float
    gas_ml_per_ah_ppm: float
    """More of it per ppm of water beyond."""


HARD_SHORT, LOW_EFFICIENCY = 1, 2
"""Reasons why formation rejects a cell, in the order in which they are looked for."""


@kernel
def first_cycle(
    law: FirstCycleLaw,
    offset: float,
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
    offset : float
        By which the efficiency of this lot is off; its limit moves with it.
    z : ndarray of float32, shape (2 or more, n)
        Normal numbers: efficiency, and what is left unexplained of the capacity.
    cathode_areal, anode_areal : ndarray of float32, shape (n,)
        mAh/cm2.
    anode_loading, anode_binder : ndarray of float32, shape (n,)
        mg/cm2 and mass fraction.
    cathode_ppm, anode_ppm : ndarray of float32, shape (n,)
        Water, which counts in the mean of both.
    unwetted : ndarray of float32, shape (n,)
        Dry share, which takes no charge.
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
    level, spread = np.float32(law.efficiency + offset), np.float32(law.efficiency_sd)
    free_ppm, per_ppm = np.float32(law.moisture_free_ppm), np.float32(law.moisture_loss)
    binder, residual = np.float32(law.binder_loss), np.float32(law.capacity_cv)
    hard, leak = np.float32(law.hard_siemens), np.float32(law.leak_ah)
    least = np.float32(law.least_efficiency + offset)
    n = reason.size
    z_efficiency, z_capacity = z[0], z[1]
    for i in range(n):
        wet = max(half * (cathode_ppm[i] + anode_ppm[i]) - free_ppm, zero)
        efficiency[i] = level + spread * z_efficiency[i] - per_ppm * wet
    for i in range(n):
        held = cathode_areal[i] * per_areal * efficiency[i] - binder * anode_loading[i] * anode_binder[i]
        most = anode_areal[i] * most_per_areal
        capacity_ah[i] = min(held, most) + zero * most  # a minimum may pass over NaN; nothing times NaN does not
    for i in range(n):
        held = capacity_ah[i] * (one - unwetted[i]) * (one + residual * z_capacity[i])
        capacity_ah[i] = max(held, np.float32(1e-3))
    charge_ah = efficiency  # of a cell, until its efficiency takes the place
    for i in range(n):
        charge_ah[i] = max(cathode_areal[i] * per_areal * (one - unwetted[i]), np.float32(1e-3))
    charged_ah = sum_where(charge_ah, came)
    for i in range(n):
        at_once = zero if delay_d[i] > zero else siemens[i]
        low = not (capacity_ah[i] - leak * at_once >= least * charge_ah[i])  # or NaN
        why = np.uint8(LOW_EFFICIENCY) if low else np.uint8(0)
        reason[i] = np.uint8(HARD_SHORT) if at_once > hard else why
    for i in range(n):
        efficiency[i] = capacity_ah[i] / charge_ah[i]
    return charged_ah, sum_where(capacity_ah, came)


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
    cathode_porosity: npt.NDArray[np.float32],
    anode_porosity: npt.NDArray[np.float32],
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
    cathode_porosity, anode_porosity : ndarray of float32, shape (n,)
        True ones, above 0: resistance in pores goes with porosity^-1.5 (Bruggeman 1935), half of it in each electrode.
    dcir_mohm : ndarray of float32, shape (n,)
        Filled.
    """
    one = np.float32(1.0)
    half = np.float32(0.5)
    roll, spread = np.float32(law.roll_mohm), np.float32(law.roll_cv)
    free_ppm, per_ppm = np.float32(law.moisture_free_ppm), np.float32(law.moisture_resistance)
    terminal = np.float32(law.terminal_mohm)
    in_pores, rest = np.float32(0.5 * law.pore_share), np.float32(1.0 - law.pore_share)
    per_cathode, per_anode = np.float32(1.0 / law.cathode_porosity), np.float32(1.0 / law.anode_porosity)
    for i in range(dcir_mohm.size):
        cathode, anode = cathode_porosity[i] * per_cathode, anode_porosity[i] * per_anode
        narrow = one / (cathode * np.sqrt(cathode)) + one / (anode * np.sqrt(anode))
        dcir_mohm[i] = roll * (rest + in_pores * narrow)
    for i in range(dcir_mohm.size):
        wet = max(half * (cathode_ppm[i] + anode_ppm[i]) - free_ppm, np.float32(0.0))
        welds = cathode_weld[i] / (one - cathode_torn[i]) + anode_weld[i] / (one - anode_torn[i])
        dcir_mohm[i] = dcir_mohm[i] * (one + spread * z[i]) * (one + per_ppm * wet) + welds + terminal


@kernel
def gas(
    law: FirstCycleLaw,
    z: npt.NDArray[np.float32],
    cathode_areal: npt.NDArray[np.float32],
    cathode_ppm: npt.NDArray[np.float32],
    anode_ppm: npt.NDArray[np.float32],
    gas_ml: npt.NDArray[np.float32],
) -> None:
    """Gas of the first charge, mL: in proportion to the charge, and more with water.

    Parameters
    ----------
    law : FirstCycleLaw
        Constants.
    z : ndarray of float32, shape (n,)
        Normal numbers of its spread.
    cathode_areal : ndarray of float32, shape (n,)
        mAh/cm2.
    cathode_ppm, anode_ppm : ndarray of float32, shape (n,)
        Water.
    gas_ml : ndarray of float32, shape (n,)
        Filled; never negative.
    """
    zero, half = np.float32(0.0), np.float32(0.5)
    level, spread = np.float32(law.gas_ml_per_ah), np.float32(law.gas_ml_per_ah * law.gas_cv)
    free_ppm, per_ppm = np.float32(law.moisture_free_ppm), np.float32(law.gas_ml_per_ah_ppm)
    per_areal = np.float32(law.charge_per_areal)
    for i in range(gas_ml.size):
        wet = max(half * (cathode_ppm[i] + anode_ppm[i]) - free_ppm, zero)
        gas_ml[i] = per_areal * cathode_areal[i] * max(level + spread * z[i] + per_ppm * wet, zero)


@kernel
def plating(
    critical: float,
    np_ratio: npt.NDArray[np.float32],
    cathode_thinning: npt.NDArray[np.float32],
    anode_thinning: npt.NDArray[np.float32],
    anode_porosity: npt.NDArray[np.float32],
    unwetted: npt.NDArray[np.float32],
    hole_mm: npt.NDArray[np.float32],
    least_hole_mm: float,
    by_hole: float,
    keys: npt.NDArray[np.uint64],
    entity: int,
    out: npt.NDArray[np.uint8],
) -> None:
    """Whether each cell plates metal: its local N/P is below the critical one, or a dry part or a hole makes it plate.

    Parameters
    ----------
    critical : float
        `formation_theory.plating_np_ratio` of a porous anode; what denseness adds is added here.
    np_ratio : ndarray of float32, shape (n,)
        Areal capacity of anode over cathode, the lowest of the cell's pieces, away from the edges.
    cathode_thinning, anode_thinning : ndarray of float32, shape (n,)
        Share of the coating that is missing at the edges; negative where they are heavy. Below 1.
    anode_porosity, unwetted : ndarray of float32, shape (n,)
        True porosity, and dry share.
    hole_mm : ndarray of float32, shape (n,)
        Largest hole in the anode's coating; 0 without one.
    least_hole_mm, by_hole : float
        Holes from this size plate with this probability.
    keys : ndarray of uint64, shape (2,)
        Streams: row i of the first says whether the dry part of cell i plates, of the second whether its hole does.
    entity : int
        The lot.
    out : ndarray of uint8, shape (n,)
        Filled: 1 where it does.
    """
    one, zero = np.float32(1.0), np.float32(0.0)
    least = np.float32(critical)
    for i in range(out.size):
        dense = _NP_PER_POROSITY_BELOW * max(_DENSE_POROSITY - anode_porosity[i], zero)
        edge = (one - anode_thinning[i]) / (one - cathode_thinning[i])
        out[i] = np.uint8(not (np_ratio[i] * min(edge, one) >= least + dense))  # or NaN
    smallest = np.float32(least_hole_mm)
    suspect = np.empty(out.size, np.uint8)
    for i in range(out.size):  # vectorises; few cells need the loop below
        suspect[i] = np.uint8(unwetted[i] > zero) | np.uint8(not (hole_mm[i] < smallest))
    for i in range(out.size):
        if suspect[i] == 0:
            continue
        if unwetted[i] > zero and uniform(keys[0], entity, i) < plating_probability(unwetted[i]):
            out[i] = 1
        if not (hole_mm[i] < smallest) and not (uniform(keys[1], entity, i) * (one + zero * hole_mm[i]) >= by_hole):
            out[i] = 1  # or NaN


@kernel
def hidden_defects(
    siemens: npt.NDArray[np.float32],
    cathode_unfused: npt.NDArray[np.uint8],
    anode_unfused: npt.NDArray[np.uint8],
    cathode_burnt: npt.NDArray[np.uint8],
    anode_burnt: npt.NDArray[np.uint8],
    fault: npt.NDArray[np.uint8],
    overhang_mm: npt.NDArray[np.float32],
    unwetted: npt.NDArray[np.float32],
    leak: npt.NDArray[np.float32],
    cathode_areal: npt.NDArray[np.float32],
    anode_areal: npt.NDArray[np.float32],
    plates: npt.NDArray[np.uint8],
    dry_fraction: float,
    least_areal_ratio: float,
    out: npt.NDArray[np.uint16],
) -> None:
    """One bit per mechanism for every cell, in the order of `cellfab.core.defects.MECHANISMS`.

    Parameters
    ----------
    siemens, overhang_mm, unwetted, leak, cathode_areal, anode_areal : ndarray of float32, shape (n,)
        True severities; a short, an overhang below 0, a dry share above `dry_fraction`, a leak, and an anode that takes
        less than its cathode gives.
    cathode_unfused, anode_unfused, cathode_burnt, anode_burnt, fault, plates : ndarray of uint8, shape (n,)
        Faulty joints of each side, and 1 where the separator is faulty or the anode plates.
    dry_fraction : float
        See above.
    least_areal_ratio : float
        Areal capacity of anode over cathode at which both have the same capacity: the cathode's area over the anode's.
    out : ndarray of uint16, shape (n,)
        Filled.
    """
    dry, least = np.float32(dry_fraction), np.float32(least_areal_ratio)
    zero = np.float32(0.0)
    # What is not a number is taken for bad, so that it cannot pass.
    for i in range(out.size):
        joints = np.uint16((cathode_unfused[i] | anode_unfused[i]) > 0) << 1
        joints |= np.uint16((cathode_burnt[i] | anode_burnt[i]) > 0) << 2
        out[i] = np.uint16(not (siemens[i] <= zero)) | joints
    for i in range(out.size):
        out[i] |= np.uint16(fault[i] > 0) << 3 | np.uint16(not (overhang_mm[i] >= zero)) << 4
    for i in range(out.size):
        out[i] |= np.uint16(not (unwetted[i] <= dry)) << 5 | np.uint16(not (leak[i] <= zero)) << 6
    for i in range(out.size):
        limited = not (anode_areal[i] >= least * cathode_areal[i])
        out[i] |= np.uint16(limited) << 7 | np.uint16(plates[i] > 0) << 8
