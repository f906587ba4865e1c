"""Lid seams of prismatic cans, cell by cell: leak sites along the seam, vent foil, particles.

Leak sites are pores that go through, more of them where lid and can gape, and places where the weld is too shallow or
goes through the lid; all are Poisson along the seam (`cellfab.kernels.leaks`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.leaks import worst_leak
from cellfab.kernels.particles import poisson_count
from cellfab.kernels.random import fill_normal, fill_uniform, uniform

PASSED, REJECTED_INSERTION, REJECTED_VENT = 0, 1, 2
_GAPING = 2.0
"""Standard deviations of the gap beyond which every seam is looked at."""


class LidLaw(NamedTuple):
    """What the closing of a can depends on, as floats."""

    pores: float
    """Mean number of open pores of a seam without a gap."""
    wide: float
    """(Median gap over the gap that doubles the pores) squared."""
    gap_log_sd: float
    off_depth: float
    """Mean number of places that are too shallow or too deep."""
    decades: float
    """Mean log10(leak rate / limit) of one leak."""
    insertion: float
    vent: float
    """Probabilities of damage at insertion and to the vent foil."""
    vent_seen: float
    particles: float
    """Mean, left on top of roll or stack."""


@kernel
def close_cans(
    law: LidLaw,
    keys: npt.NDArray[np.uint64],
    entity: int,
    leak: npt.NDArray[np.float32],
    vent: npt.NDArray[np.uint8],
    particles: npt.NDArray[np.uint8],
    verdict: npt.NDArray[np.uint8],
) -> None:
    """Insert, close and look at every cell of a lot.

    Parameters
    ----------
    law : LidLaw
        Constants.
    keys : ndarray of uint64, shape (5,)
        Streams of the seam, its gap, insertion and vent foil (which exclude each other), the vent's camera, particles.
    entity : int
        The lot.
    leak : ndarray of float32, shape (n,)
        log10(leak rate / limit) of each cell so far, 0 for a tight one; raised where seam or vent foil are worse.
    vent, particles, verdict : ndarray of uint8, shape (n,)
        Filled: 1 where the vent foil is damaged, particles on top, and the decision (`PASSED`, `REJECTED_INSERTION`,
        `REJECTED_VENT`).
    """
    n = leak.size
    u = np.empty((3, n), np.float32)
    z = np.empty(n, np.float32)
    notable = np.empty(n, np.uint8)
    fill_uniform(keys[0], entity, u[0])
    fill_normal(keys[1], entity, z)
    fill_uniform(keys[2], entity, u[1])
    fill_uniform(keys[4], entity, u[2])
    # A seam leaks if -ln(1 - u) is below its mean number of sites, so never with u above that number: looked at are
    # seams below the number of a gap two sigma wide, and those that gape more.
    usual = np.float32(law.off_depth + law.pores * (1.0 + law.wide * math.exp(2.0 * law.gap_log_sd * _GAPING)))
    gaping = np.float32(_GAPING)
    damaged, clean = np.float32(law.insertion + law.vent), np.float32(math.exp(-law.particles))
    for i in range(n):  # vectorises; few cells need the loop below
        seam = np.uint8(u[0, i] < usual) | np.uint8(z[i] > gaping)
        notable[i] = seam | np.uint8(u[1, i] < damaged) | np.uint8(u[2, i] >= clean)
        verdict[i] = PASSED
        vent[i] = 0
        particles[i] = 0
    for i in range(n):
        if notable[i] == 0:
            continue
        sites = law.off_depth + law.pores * (1.0 + law.wide * math.exp(2.0 * law.gap_log_sd * z[i]))
        leak[i] = max(leak[i], worst_leak(sites, law.decades, u[0, i]))
        event = u[1, i]
        if event < law.insertion:
            verdict[i] = REJECTED_INSERTION
        elif event < damaged:
            vent[i] = 1
            share = max((event - law.insertion) / law.vent, 1e-30)
            leak[i] = max(leak[i], -law.decades * math.log(share))
            if uniform(keys[3], entity, i) < law.vent_seen:
                verdict[i] = REJECTED_VENT
        if u[2, i] >= clean:
            particles[i] = poisson_count(law.particles, u[2, i])
