"""Degassing of pouches, cell by cell: the gas that stays, the electrolyte that goes, and what both do to the cell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import fill_normal, fill_uniform

PASSED, REJECTED_SWOLLEN = 0, 1
MOST_BLOCKED = 0.99
"""Some of the electrode always works (assumption)."""


class DegasLaw(NamedTuple):
    """What degassing depends on, as floats."""

    left: float
    """Mean share of the gas that stays."""
    left_cv: float
    missed: float
    """Probability that the pouch is not pierced: all gas stays."""
    carried_g_per_ml: float
    """Electrolyte that leaves with the gas."""
    flashed: float
    """Share of the electrolyte that evaporates in the vacuum."""
    pores_g: float
    """Electrolyte that fills the pores."""
    blocked_per_ml: float
    """Share of the electrode that a mL of gas keeps from working."""
    gauge_ml: float
    limit_ml: float
    """Error of the thickness gauge, and what it rejects above, both as gas."""
    dry: float
    """Dry share from which a cell counts as under-wetted."""


@kernel
def degas_cells(
    law: DegasLaw,
    keys: npt.NDArray[np.uint64],
    entity: int,
    leak_bit: int,
    dry_bit: int,
    gas_ml: npt.NDArray[np.float32],
    leak: npt.NDArray[np.float32],
    electrolyte_g: npt.NDArray[np.float32],
    capacity_ah: npt.NDArray[np.float32],
    dcir_mohm: npt.NDArray[np.float32],
    defects: npt.NDArray[np.uint16],
    residual_ml: npt.NDArray[np.float32],
    verdict: npt.NDArray[np.uint8],
) -> None:
    """Degas every cell of a lot.

    Parameters
    ----------
    law : DegasLaw
        Constants.
    keys : ndarray of uint64, shape (3,)
        Streams of the gas left, of piercing, and of the thickness gauge.
    entity : int
        The lot.
    leak_bit, dry_bit : int
        Values of these mechanisms in `defects`.
    gas_ml, leak : ndarray of float32, shape (n,)
        Gas made, and log10(leak rate / limit) with the final seal.
    electrolyte_g, capacity_ah, dcir_mohm : ndarray of float32, shape (n,)
        Changed.
    defects : ndarray of an unsigned integer, shape (n,)
        Bits are added.
    residual_ml : ndarray of float32, shape (n,)
        Filled.
    verdict : ndarray of uint8, shape (n,)
        Filled: `PASSED` or `REJECTED_SWOLLEN`.
    """
    n = verdict.size
    z_left, z_gauge, u = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    fill_normal(keys[0], entity, z_left)
    fill_uniform(keys[1], entity, u)
    fill_normal(keys[2], entity, z_gauge)
    zero, one = np.float32(0.0), np.float32(1.0)
    left, left_cv, missed = np.float32(law.left), np.float32(law.left_cv), np.float32(law.missed)
    carried, flashed, per_pores = (
        np.float32(law.carried_g_per_ml), np.float32(law.flashed), np.float32(1.0 / law.pores_g),
    )  # fmt: skip
    per_ml, most = np.float32(law.blocked_per_ml), np.float32(MOST_BLOCKED)
    gauge, limit, dry = np.float32(law.gauge_ml), np.float32(law.limit_ml), np.float32(law.dry)
    for i in range(n):
        share = min(max(left * (one + left_cv * z_left[i]), zero), one)
        evacuated = u[i] >= missed
        stays = gas_ml[i] * (share if evacuated else one)
        before = electrolyte_g[i]
        lost = flashed * before + carried * (gas_ml[i] - stays)
        after = max(before - (lost if evacuated else zero), zero)
        starved = max(one - after * per_pores, zero) - max(one - before * per_pores, zero)
        idle = min(one - (one - min(stays * per_ml, most)) * (one - starved), most)
        residual_ml[i] = stays
        electrolyte_g[i] = after
        capacity_ah[i] *= one - idle
        dcir_mohm[i] /= one - idle
        defects[i] |= (leak_bit if leak[i] > zero else 0) | (dry_bit if idle > dry else 0)
        verdict[i] = stays + gauge * z_gauge[i] > limit
