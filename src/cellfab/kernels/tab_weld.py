"""Ultrasonic welds of one side's foils to their tab, cell by cell: energy, joint, inspection, second weld."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.inspection import detection_probability
from cellfab.kernels.particles import poisson_count
from cellfab.kernels.random import fill_normal, fill_uniform, uniform

LEAST_CONDUCTANCE = 0.3
"""Share of a sound weld's conductance that is left at the least energy (assumption)."""
_CONTACT = 1e-3
"""Conductance, in sound welds, of a tab without a single conducting weld: pressed contact (assumption)."""
MOST_TORN = 0.99
"""Some foils always hold (assumption)."""
PASSED, REJECTED_COLD, REJECTED_TORN = 0, 1, 2


class TabLaw(NamedTuple):
    """What one side's welds depend on, as floats; energies relative to what the joint needs."""

    energy: float
    """Set energy."""
    noise: float
    """Weld to weld, relative, 1 sigma."""
    wear_per_weld: float
    """Relative energy lost with each weld of a horn."""
    least: float
    """Below, foils do not join."""
    full: float
    """From here on the joint is complete."""
    most: float
    """Above, foils tear."""
    weld_mohm: float
    tab_mohm: float
    """Tab and foils, in series with the welds."""
    touching_share: float
    """Of the cold welds: how many conduct by contact."""
    touching_low: float
    touching_high: float
    """Resistance of such a contact over a sound weld's, log-uniform between these."""
    torn_at_limit: float
    torn_per_excess: float
    """Share of the weld's foils torn at the limit, and more for each part of excess energy."""
    particles: float
    """Mean of one weld."""
    false_alarm: float
    """Per cell."""
    cold_ceiling: float
    cold_midpoint: float
    cold_width: float
    """Detection of a cold weld against missing energy over the least."""
    torn_ceiling: float
    """Detection of a torn weld."""
    rework_success: float
    rework_tear: float
    """Probability that a second weld tears foils."""


@kernel
def weld_tabs(
    law: TabLaw,
    energy_keys: npt.NDArray[np.uint64],
    keys: npt.NDArray[np.uint64],
    entity: int,
    first_weld: int,
    welds_per_horn: int,
    tilt: npt.NDArray[np.float64],
    resistance_mohm: npt.NDArray[np.float32],
    unfused: npt.NDArray[np.uint8],
    burnt: npt.NDArray[np.uint8],
    torn: npt.NDArray[np.float32],
    particles: npt.NDArray[np.uint8],
    rewelded: npt.NDArray[np.uint8],
    verdict: npt.NDArray[np.uint8],
) -> None:
    """Weld and inspect one side of every cell of a lot.

    Parameters
    ----------
    law : TabLaw
        Constants of the side.
    energy_keys : ndarray of uint64, shape (welds,)
        Streams of the energy of each weld of a cell.
    keys : ndarray of uint64, shape (3,)
        Streams of the inspection, of particles, and of what happens to faulty welds (16 rows for each cell and weld).
    entity : int
        The lot.
    first_weld : int
        Welds that the horn has made since its change when the lot comes.
    welds_per_horn : int
        Welds between changes.
    tilt : ndarray of float64, shape (horns,)
        Energy that arrives under the tilt of the horn in use, and of those that replace it while the lot is welded.
    resistance_mohm, torn : ndarray of float32, shape (n,)
        Filled: resistance of the side, and torn share of its foils.
    unfused, burnt, particles, rewelded, verdict : ndarray of uint8, shape (n,)
        Filled: cold and torn welds (after rework), particles, 1 where welded again, and the decision (`PASSED`,
        `REJECTED_COLD`, `REJECTED_TORN`).
    """
    n = verdict.size
    welds = energy_keys.size
    z = np.empty(n, np.float32)
    mean = np.empty(n, np.float32)
    faulty = np.zeros(n, np.uint8)
    missed = np.ones(n, np.float32)  # probability that no cold weld is seen
    conductance = np.zeros(n, np.float32)  # in sound welds
    one = np.float32(1.0)
    noise = np.float32(law.noise)
    least, most = np.float32(law.least), np.float32(law.most)
    per_full = np.float32(1.0 / (law.full - law.least))
    floor = np.float32(LEAST_CONDUCTANCE)
    unfused[:] = np.uint8(0)
    burnt[:] = np.uint8(0)
    torn[:] = np.float32(0.0)
    for weld in range(welds):
        count, horn = first_weld + weld, 0
        while count >= welds_per_horn:
            count -= welds_per_horn
            horn += 1
        for i in range(n):
            mean[i] = law.energy * tilt[horn] * (1.0 - law.wear_per_weld * count)
            count += welds
            if count >= welds_per_horn:
                count -= welds_per_horn
                horn += 1
        fill_normal(energy_keys[weld], entity, z)
        for i in range(n):
            energy = mean[i] * (one + noise * z[i])
            sound = (energy >= least) & (energy <= most)
            share = min(max((energy - least) * per_full, floor), one)
            conductance[i] += share if sound else np.float32(0.0)
            faulty[i] = not sound
        for i in range(n):
            if faulty[i]:
                _faulty_weld(
                    law, mean[i] * (one + noise * z[i]), welds, keys[2], entity, 16 * (i * welds + weld), i,
                    conductance, unfused, burnt, torn, missed,
                )  # fmt: skip
    _finish(
        law,
        welds,
        keys,
        entity,
        conductance,
        missed,
        resistance_mohm,
        unfused,
        burnt,
        torn,
        particles,
        rewelded,
        verdict,
    )


@kernel
def _faulty_weld(  # type: ignore[no-untyped-def]
    law, energy, welds, key, entity, row, i, conductance, unfused, burnt, torn, missed
):
    """A weld of too little or too much energy."""
    if energy > law.most:
        burnt[i] += 1
        share = min(law.torn_at_limit + law.torn_per_excess * (energy / law.most - 1.0), MOST_TORN)
        torn[i] = min(torn[i] + share / welds, MOST_TORN)
        conductance[i] += 1.0
        return
    unfused[i] += 1
    severity = 1.0 - energy / law.least
    missed[i] *= 1.0 - detection_probability(severity, law.cold_ceiling, law.cold_midpoint, law.cold_width)
    contact = uniform(key, entity, row)
    if contact < law.touching_share:
        spread = math.log(law.touching_high / law.touching_low)
        conductance[i] += math.exp(-spread * contact / law.touching_share) / law.touching_low


@kernel
def _finish(  # type: ignore[no-untyped-def]
    law, welds, keys, entity, conductance, missed,
    resistance_mohm, unfused, burnt, torn, particles, rewelded, verdict,
):  # fmt: skip
    """Inspect every side, weld it a second time after an alarm, count particles and add up the resistance."""
    n = verdict.size
    u_alarm, u_particles = np.empty(n, np.float32), np.empty(n, np.float32)
    fill_uniform(keys[0], entity, u_alarm)
    fill_uniform(keys[1], entity, u_particles)
    one = np.float32(1.0)
    sound = np.float32(1.0 - law.false_alarm)
    clean = np.float32(math.exp(-law.particles * welds))
    weld_mohm, tab_mohm, contact = np.float32(law.weld_mohm), np.float32(law.tab_mohm), np.float32(_CONTACT)
    for i in range(n):
        verdict[i] = PASSED
        rewelded[i] = 0
        row = 16 * i * welds + 8
        made = welds
        if burnt[i] > 0 and uniform(keys[2], entity, row) < 1.0 - (1.0 - law.torn_ceiling) ** burnt[i]:
            verdict[i] = REJECTED_TORN
        elif u_alarm[i] < one - sound * missed[i]:
            made = 2 * welds
            rewelded[i] = 1
            if unfused[i] > 0 and uniform(keys[2], entity, row + 1) < law.rework_success:
                conductance[i] += unfused[i]
                unfused[i] = 0
                missed[i] = 1.0
            if uniform(keys[2], entity, row + 2) < law.rework_tear:
                burnt[i] += 1
                torn[i] = min(torn[i] + law.torn_at_limit / welds, MOST_TORN)
            if uniform(keys[2], entity, row + 3) < 1.0 - (1.0 - law.false_alarm) * missed[i]:
                verdict[i] = REJECTED_COLD
            elif burnt[i] > 0 and uniform(keys[2], entity, row + 4) < 1.0 - (1.0 - law.torn_ceiling) ** burnt[i]:
                verdict[i] = REJECTED_TORN
        particles[i] = 0
        if made > welds or u_particles[i] >= clean:
            particles[i] = poisson_count(law.particles * made, u_particles[i])
        resistance_mohm[i] = weld_mohm / max(conductance[i], contact) + tab_mohm
