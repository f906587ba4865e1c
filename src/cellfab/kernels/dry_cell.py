"""What lies between the electrodes of dry cells, and a high-voltage test that looks for it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.inspection import detection_probability
from cellfab.kernels.particles import BURR_RISK, largest_pareto_um
from cellfab.kernels.random import normal_quantile, uniform
from cellfab.kernels.random_blocks import CHUNK, fill_blocks

GROSS = 1.5
"""Severity of a faulty separator; a particle of so many separator thicknesses has severity 1 (assumption)."""
QUIET, FALSE_ALARM, ALARM, CLOSING_FAULT = 0, 1, 2, 3
_HALF, _PER_WORD = np.float32(0.5), np.float32(2.0**-32)


class DryLaw(NamedTuple):
    """Sizes of particles and the test, as floats."""

    smallest_um: float
    exponent: float
    """Pareto law of the particles wound or stacked in."""
    transport: float
    """Probability that a particle on an end face gets between the electrodes."""
    face_median_um: float
    face_log_sd: float
    """Lognormal law of its size."""
    exposed: float
    """Probability that a metal particle mixed into a coating stands out of it."""
    separator_um: float
    false_alarm: float
    ceiling: float
    midpoint: float
    width: float
    """Detection, see `cellfab.kernels.inspection`."""


class Tested(NamedTuple):
    """Living cells scrapped, by the test's verdict on them."""

    false_alarm: int
    alarm: int
    closing_fault: int


@kernel
def look_between(
    law: DryLaw,
    closing_fault: float,
    cells_key: np.uint64,
    sizes_key: np.uint64,
    metal_key: np.uint64,
    entity: int,
    inside: npt.NDArray[np.uint8],
    on_faces: npt.NDArray[np.uint8],
    mixed_in_um: npt.NDArray[np.float32],
    cathode_burr_um: npt.NDArray[np.float32],
    anode_burr_um: npt.NDArray[np.float32],
    fault: npt.NDArray[np.uint8],
    particle_um: npt.NDArray[np.float32],
    codes: npt.NDArray[np.int16],
    exit_code: npt.NDArray[np.int16],
) -> Tested:
    """Find the largest particle between the electrodes of every cell, close the cell and test it.

    The test sees severity max(particle / (1.5 separator), burr / separator if above `BURR_RISK`, 1.5 for a faulty
    separator); 0 is a sound cell, on which it raises false alarms only. A size that is NaN is an alarm.

    Parameters
    ----------
    law : DryLaw
        Constants.
    closing_fault : float
        Probability that the cell is damaged when it is closed; every such fault is noticed.
    cells_key, sizes_key, metal_key
        Streams: blocks of the cells (words: whether a particle on the faces gets in, the test, a fault at closing);
        sizes of particles (rows 2 i and 2 i + 1 belong to cell i); whether metal in a coating stands out (row i).
    entity : int
        The lot.
    inside, on_faces : ndarray of uint8, shape (n,)
        Particles wound or stacked in, and particles lying on the end faces.
    mixed_in_um : ndarray of float32, shape (n,)
        Largest metal particle in the coatings; 0 without one.
    cathode_burr_um, anode_burr_um : ndarray of float32, shape (n,)
        Highest burr of each electrode.
    fault : ndarray of uint8, shape (n,)
        1 where the separator is faulty.
    particle_um : ndarray of float32, shape (n,)
        Filled: size of the largest particle between the electrodes; 0 where there is none.
    codes : ndarray of int16, shape (3,)
        Exit codes of `FALSE_ALARM` on a sound cell, `ALARM` on another, and `CLOSING_FAULT`, which comes first.
    exit_code : ndarray of int16, shape (n,)
        0 where a cell is alive; living cells get the code of their verdict.

    Returns
    -------
    Tested
    """
    n = exit_code.size
    words = np.empty((4, CHUNK), np.uint32)
    u_face, u_test, u_fault = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    suspect, rows = np.empty(CHUNK, np.uint8), np.empty(CHUNK + 1, np.int64)
    decided, counts = np.empty(CHUNK, np.uint8), np.zeros(CLOSING_FAULT + 1, np.int64)
    # Of k particles one gets in with probability 1 - (1 - t)^k, never more than k t.
    transport, damaged = np.float32(law.transport), np.float32(closing_fault)
    risk_um, false_alarm = np.float32(BURR_RISK * law.separator_um), np.float32(law.false_alarm)
    for done in range(0, n, CHUNK):
        m = min(CHUNK, n - done)
        fill_blocks(cells_key, entity, done, 0, words)
        # Slices from the first row on: the compiler then knows that no index is counted from the end.
        within, outside, flawed = inside[done : done + m], on_faces[done : done + m], fault[done : done + m]
        cathode, anode = cathode_burr_um[done : done + m], anode_burr_um[done : done + m]
        metal = mixed_in_um[done : done + m]
        largest, codes_here = particle_um[done : done + m], exit_code[done : done + m]
        for j in range(CHUNK):
            u_face[j] = (np.float32(words[0, j]) + _HALF) * _PER_WORD
            u_test[j] = (np.float32(words[1, j]) + _HALF) * _PER_WORD
            u_fault[j] = (np.float32(words[2, j]) + _HALF) * _PER_WORD
        for j in range(m):  # vectorises; few cells need the loop below
            suspect[j] = np.uint8(u_face[j] < transport * np.float32(outside[j])) | np.uint8(u_test[j] < false_alarm)
        for j in range(m):
            suspect[j] |= np.uint8(within[j] > 0) | flawed[j]
        for j in range(m):
            suspect[j] |= np.uint8(not (cathode[j] <= risk_um)) | np.uint8(not (anode[j] <= risk_um))
        for j in range(m):
            suspect[j] |= np.uint8(not (metal[j] <= np.float32(0.0)))
        for j in range(m):
            largest[j] = np.float32(0.0)
        for j in range(m):
            decided[j] = QUIET
        count = 0
        for j in range(m):
            rows[count] = j
            count += suspect[j] != 0
        for at in range(count):
            j = rows[at]
            i = done + j
            size = 0.0
            if within[j] > 0:
                size = largest_pareto_um(within[j], uniform(sizes_key, entity, 2 * i), law.smallest_um, law.exponent)
            if u_face[j] < 1.0 - (1.0 - law.transport) ** outside[j]:
                z = normal_quantile(uniform(sizes_key, entity, 2 * i + 1))
                size = max(size, law.face_median_um * math.exp(law.face_log_sd * z))
            if metal[j] > size and uniform(metal_key, entity, i) < law.exposed:
                size = metal[j]
            largest[j] = size + 0.0 * metal[j]  # no comparison finds what is not a number
            burr_um = np.float64(max(cathode[j], anode[j]))
            severity = max(size / (GROSS * law.separator_um), GROSS * flawed[j])
            if burr_um > risk_um:
                severity = max(severity, burr_um / law.separator_um)
            if severity > 0.0:
                seen = detection_probability(severity, law.ceiling, law.midpoint, law.width)
                if u_test[j] < law.false_alarm + (1.0 - law.false_alarm) * seen:
                    decided[j] = ALARM
            elif u_test[j] < false_alarm:
                decided[j] = FALSE_ALARM
            if math.isnan(cathode[j] + anode[j] + metal[j]):
                decided[j] = ALARM
        for j in range(m):
            decided[j] = CLOSING_FAULT if u_fault[j] < damaged else decided[j]
        count = 0
        for j in range(m):
            rows[count] = j
            count += (decided[j] != QUIET) & (codes_here[j] == 0)
        for at in range(count):
            why = decided[rows[at]]
            codes_here[rows[at]] = codes[why - 1]
            counts[why] += 1
    return Tested(counts[FALSE_ALARM], counts[ALARM], counts[CLOSING_FAULT])
