"""What lies between the electrodes of dry cells, and a high-voltage test that looks for it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.inspection import detection_probability
from cellfab.kernels.particles import BURR_RISK, largest_pareto_um
from cellfab.kernels.random import fill_uniform, normal_quantile, uniform

GROSS = 1.5
"""Severity of a faulty separator; a particle of so many separator thicknesses has severity 1 (assumption)."""
QUIET, FALSE_ALARM, ALARM = 0, 1, 2


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
    separator_um: float
    false_alarm: float
    ceiling: float
    midpoint: float
    width: float
    """Detection, see `cellfab.kernels.inspection`."""


@kernel
def look_between(
    law: DryLaw,
    keys: npt.NDArray[np.uint64],
    entity: int,
    inside: npt.NDArray[np.uint8],
    on_faces: npt.NDArray[np.uint8],
    cathode_burr_um: npt.NDArray[np.float32],
    anode_burr_um: npt.NDArray[np.float32],
    fault: npt.NDArray[np.uint8],
    particle_um: npt.NDArray[np.float32],
    verdict: npt.NDArray[np.uint8],
) -> None:
    """Find the largest particle between the electrodes of every cell, and test the cell.

    The test sees severity max(particle / (1.5 separator), burr / separator if above `BURR_RISK`, 1.5 for a faulty
    separator); 0 is a sound cell, on which it raises false alarms only.

    Parameters
    ----------
    law : DryLaw
        Constants.
    keys : ndarray of uint64, shape (3,)
        Streams: whether a particle on the faces gets in, sizes (rows 2 i and 2 i + 1 belong to cell i), the test.
    entity : int
        The lot.
    inside, on_faces : ndarray of uint8, shape (n,)
        Particles wound or stacked in, and particles lying on the end faces.
    cathode_burr_um, anode_burr_um : ndarray of float32, shape (n,)
        Highest burr of each electrode.
    fault : ndarray of uint8, shape (n,)
        1 where the separator is faulty.
    particle_um : ndarray of float32, shape (n,)
        Filled: size of the largest particle; 0 where there is none.
    verdict : ndarray of uint8, shape (n,)
        Filled: `QUIET`, `FALSE_ALARM` on a sound cell, or `ALARM`.
    """
    n = verdict.size
    u_face, u_test, suspect = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.uint8)
    fill_uniform(keys[0], entity, u_face)
    fill_uniform(keys[2], entity, u_test)
    # Of k particles one gets in with probability 1 - (1 - t)^k, never more than k t.
    transport = np.float32(law.transport)
    risk_um, false_alarm = np.float32(BURR_RISK * law.separator_um), np.float32(law.false_alarm)
    for i in range(n):  # vectorises; few cells need the loop below
        burr = np.uint8(cathode_burr_um[i] > risk_um) | np.uint8(anode_burr_um[i] > risk_um)
        arrives = np.uint8(u_face[i] < transport * np.float32(on_faces[i]))
        suspect[i] = burr | arrives | np.uint8(inside[i] > 0) | fault[i] | np.uint8(u_test[i] < false_alarm)
        particle_um[i] = np.float32(0.0)
        verdict[i] = QUIET
    for i in range(n):
        if suspect[i] == 0:
            continue
        size = 0.0
        if inside[i] > 0:
            size = largest_pareto_um(inside[i], uniform(keys[1], entity, 2 * i), law.smallest_um, law.exponent)
        if u_face[i] < 1.0 - (1.0 - law.transport) ** on_faces[i]:
            z = normal_quantile(uniform(keys[1], entity, 2 * i + 1))
            size = max(size, law.face_median_um * math.exp(law.face_log_sd * z))
        particle_um[i] = size
        burr_um = max(cathode_burr_um[i], anode_burr_um[i])
        severity = max(size / (GROSS * law.separator_um), GROSS * fault[i])
        if burr_um > risk_um:
            severity = max(severity, burr_um / law.separator_um)
        if severity > 0.0:
            seen = detection_probability(severity, law.ceiling, law.midpoint, law.width)
            if u_test[i] < law.false_alarm + (1.0 - law.false_alarm) * seen:
                verdict[i] = ALARM
        elif u_test[i] < false_alarm:
            verdict[i] = FALSE_ALARM
