"""Winding: which electrode segment meets which, and how far the anode stands out."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.particles import poisson_count


@kernel
def pair_segments(
    cathode_alive: npt.NDArray[np.bool_],
    anode_alive: npt.NDArray[np.bool_],
    lanes: int,
    cathode_skip: int,
    anode_skip: int,
    cathode_row: npt.NDArray[np.int32],
    anode_row: npt.NDArray[np.int32],
) -> int:
    """In each lane, let the k-th good cathode segment meet the k-th good anode segment.

    Parameters
    ----------
    cathode_alive, anode_alive : ndarray of bool, shapes (lanes * positions,)
        Segments still good, lane-major; the two webs may have different numbers of positions.
    lanes : int
        Daughter rolls of each web.
    cathode_skip, anode_skip : int
        Good segments lost at the start of each daughter roll (threading, leader and tail).
    cathode_row, anode_row : ndarray of int32
        Filled from the front with the rows that meet; as long as the shorter web.

    Returns
    -------
    int
        Number of pairs.
    """
    cathode_positions = cathode_alive.size // lanes
    anode_positions = anode_alive.size // lanes
    pairs = 0
    for lane in range(lanes):
        c = lane * cathode_positions
        a = lane * anode_positions
        c_end = c + cathode_positions
        a_end = a + anode_positions
        c_skip = cathode_skip
        a_skip = anode_skip
        while True:
            while c < c_end and (not cathode_alive[c] or c_skip > 0):
                c_skip -= cathode_alive[c]
                c += 1
            while a < a_end and (not anode_alive[a] or a_skip > 0):
                a_skip -= anode_alive[a]
                a += 1
            if c >= c_end or a >= a_end:
                break
            cathode_row[pairs] = c
            anode_row[pairs] = a
            pairs += 1
            c += 1
            a += 1
    return pairs


@kernel
def inherit(
    row: npt.NDArray[np.int32],
    loading: npt.NDArray[np.float32],
    active: npt.NDArray[np.float32],
    specific: npt.NDArray[np.float32],
    width_mm: npt.NDArray[np.float32],
    notch_flaw: npt.NDArray[np.float32],
    half_width_sign: float,
    areal: npt.NDArray[np.float32],
    centred_mm: npt.NDArray[np.float32],
    flaws: npt.NDArray[np.uint8],
) -> float:
    """Give the cells what follows from one of their electrodes, in one pass over the segments they were wound from.

    Parameters
    ----------
    row : ndarray of int32, shape (n,)
        Each cell's segment.
    loading, active, specific, width_mm, notch_flaw : ndarray, shape (segments,)
        mg/cm2, mass fraction, mAh/g, mm, and 1 where the notch's edge is flawed.
    half_width_sign : float
        +0.5 for the anode, -0.5 for the cathode.
    areal : ndarray of float32, shape (n,)
        Filled: mAh/cm2.
    centred_mm : ndarray of float32, shape (n,)
        Added to: overhang of electrodes without any shift.
    flaws : ndarray of uint8, shape (n,)
        Added to.

    Returns
    -------
    float
        Sum of the loading over the cells, mg/cm2.
    """
    total = 0.0
    for i in range(row.size):
        at = row[i]
        coated = loading[at]
        total += coated
        areal[i] = coated * active[at] * specific[at] * np.float32(1e-3)
        centred_mm[i] += np.float32(half_width_sign) * width_mm[at]
        flaws[i] += np.uint8(notch_flaw[at])
    return total


@kernel
def gather(values: npt.NDArray[np.float32], row: npt.NDArray[np.int32], out: npt.NDArray[np.float32]) -> None:
    """Fill ``out[i] = values[row[i]]``; the rows are known to be there."""
    for i in range(row.size):
        out[i] = values[row[i]]


@kernel
def sum_of_good(values: npt.NDArray[np.float32], good: npt.NDArray[np.bool_]) -> float:
    """Sum over the rows that are good, in float64."""
    total = 0.0
    for i in range(values.size):
        total += values[i] if good[i] else 0.0
    return total


class WinderLaw(NamedTuple):
    """What one winder does to its rolls, as numbers."""

    drift_sd_mm: float
    alignment_sd_mm: float
    overhang_limit_mm: float
    gauge_mm: float
    fault: float
    """Probability of a winding fault, which is always noticed."""
    separator_fault: float
    camera_false_alarm: float
    camera_seen: float
    """Probability of an alarm over a faulty separator."""
    particles: float
    """Expected number per cell."""


FAULT, OVERHANG, CAMERA = 1, 2, 3
"""Reasons why the winder rejects a roll, in the order in which they are looked for."""


@kernel
def wind_rolls(
    law: WinderLaw,
    z: npt.NDArray[np.float32],
    u: npt.NDArray[np.float32],
    lowest: npt.NDArray[np.float32],
    centred_mm: npt.NDArray[np.float32],
    flaws: npt.NDArray[np.uint8],
    overhang_mm: npt.NDArray[np.float32],
    separator_fault: npt.NDArray[np.uint8],
    particles: npt.NDArray[np.uint8],
    reason: npt.NDArray[np.uint8],
) -> None:
    """Align, soil and inspect every roll of a lot.

    Parameters
    ----------
    law : WinderLaw
        Constants.
    z : ndarray of float32, shape (2, n)
        Normal numbers: drift of the roll, error of the X-ray gauge.
    u : ndarray of float32, shape (4, n)
        Uniform numbers: winding fault, separator fault, particles, camera.
    lowest : ndarray of float32, shape (n,)
        Lowest of all layers' standard normal errors.
    centred_mm, flaws : ndarray, shape (n,)
        See `inherit`.
    overhang_mm, separator_fault, particles : ndarray, shape (n,)
        Filled.
    reason : ndarray of uint8, shape (n,)
        Filled: 0, or the first of `FAULT`, `OVERHANG`, `CAMERA` that rejects the roll.
    """
    drift_sd = np.float32(law.drift_sd_mm)
    alignment_sd = np.float32(law.alignment_sd_mm)
    gauge = np.float32(law.gauge_mm)
    limit = np.float32(law.overhang_limit_mm)
    no_particle = np.float32(math.exp(-law.particles))
    for i in range(reason.size):
        overhang = centred_mm[i] - drift_sd * abs(z[0, i]) + alignment_sd * lowest[i]
        overhang_mm[i] = overhang
        faulty = u[1, i] < law.separator_fault
        separator_fault[i] = faulty
        particles[i] = flaws[i]
        if u[2, i] >= no_particle:
            particles[i] += poisson_count(law.particles, u[2, i])
        reason[i] = 0
        if u[0, i] < law.fault:
            reason[i] = FAULT
        elif overhang + gauge * z[1, i] < limit:
            reason[i] = OVERHANG
        elif u[3, i] < law.camera_false_alarm or (faulty and u[3, i] < law.camera_seen):
            reason[i] = CAMERA
