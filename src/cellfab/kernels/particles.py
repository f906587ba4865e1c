"""Particles between the electrodes, and the shorts they make.

Counts are Poisson in area (plus what each process step adds), sizes follow a Pareto law as particle counts of
cleanliness tests do (ISO 14644-1 scales with a power of the size). A particle wider than the separator can bear shorts
mechanically; a metal on the cathode face dissolves where the cathode's potential is above the metal's, and grows back
as a bridge from the anode days later.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import normal_quantile, philox

_MOST = 255
_LOW_32 = np.uint64(0xFFFFFFFF)
_SHIFT_32 = np.uint64(32)
BURR_RISK = 0.7
"""Burr over separator thickness above which a cell is prone to a short (assumption)."""


@kernel
def poisson_count(mean: float, u: float) -> int:
    """Poisson number by inversion of one uniform: a larger mean never gives a smaller number. Capped at 255."""
    term = math.exp(-mean)
    total = term
    count = 0
    while u >= total and count < _MOST:
        count += 1
        term *= mean / count
        total += term
    return count


@kernel
def add_counts(counts: npt.NDArray[np.uint8], total: npt.NDArray[np.uint8]) -> None:
    """Add numbers of particles to `total`, capped at 255; arrays of shape (n,)."""
    for i in range(total.size):
        total[i] += min(counts[i], np.uint8(_MOST) - total[i])


@kernel
def largest_pareto_um(count: int, u: float, smallest_um: float, exponent: float) -> float:
    """Largest of `count` sizes with ``P(D > d) = (d / d0) ** -m``, by inversion; grows with the count on the same u."""
    # 1 - u**(1/count) without losing the digits of a u near 1.
    size: float = smallest_um * (-math.expm1(math.log(u) / count)) ** (-1.0 / exponent)
    return size


@kernel
def logistic(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow."""
    if x < -700.0:
        return 0.0
    return 1.0 / (1.0 + math.exp(-x))


@kernel
def dissolution_probability(cathode_v: float, metal_v: float) -> float:
    """Probability that a metal on the cathode face dissolves; potentials in V against lithium.

    A logistic of width 0.05 V whose midpoint lies 0.10 V above the metal's own potential, for the overpotential that
    dissolution needs (assumption).
    """
    probability: float = logistic((cathode_v - metal_v - 0.10) / 0.05)
    return probability


class ShortLaw(NamedTuple):
    """What makes a defect a short, as floats."""

    separator_um: float
    mechanical_midpoint: float
    """Particle size over separator thickness at which half of them pierce it."""
    mechanical_width: float
    on_cathode: float
    on_anode: float
    """Shares of the particles on each face; the rest lies at the edge, where nothing faces it."""
    dissolving: float
    """Share of the particles' metals that dissolve at this cathode (`dissolution_probability` over the mix)."""
    bridge_um: float
    """Smallest particle with enough metal to bridge the separator."""
    delay_median_d: float
    delay_log_sd: float
    """Lognormal time from first charge to bridge at the ageing temperature."""
    burr_contact: float
    """Probability that a burr as high as the separator touches the other electrode."""
    fault_contact: float
    """Probability that a separator fault (fold, pinhole, scorch) conducts."""
    resistance_median_ohm: float
    """Of a particle of `resistance_reference_um`; falls with the square of its size."""
    resistance_reference_um: float
    resistance_log_sd: float
    fault_um: float
    """Width of the contact that a separator fault makes."""


@kernel
def soft_shorts(
    law: ShortLaw,
    particle_um: npt.NDArray[np.float32],
    cathode_burr_um: npt.NDArray[np.float32],
    anode_burr_um: npt.NDArray[np.float32],
    fault: npt.NDArray[np.uint8],
    key: np.uint64,
    entity: int,
    siemens: npt.NDArray[np.float32],
    delay_d: npt.NDArray[np.float32],
) -> tuple[int, int]:
    """Whether each cell gets a short, how well it conducts and when.

    Parameters
    ----------
    law : ShortLaw
        Constants.
    particle_um, cathode_burr_um, anode_burr_um : ndarray of float32, shape (n,)
        Largest particle between the electrodes (0: none) and highest burr of each; the higher one counts.
    fault : ndarray of uint8, shape (n,)
        1 where the separator is faulty.
    key, entity
        Name the draws: blocks 2 i and 2 i + 1 of the stream belong to cell i, one to its particle and one to its
        burr and separator fault.
    siemens, delay_d : ndarray of float32, shape (n,)
        Filled: conductance of all shorts of the cell (0: none), and days from first charge until the first conducts;
        NaN where a size is.

    Returns
    -------
    tuple of int
        Cells with a short, and those among them whose first short takes days to grow.
    """
    cells, later = 0, 0
    risk_um = np.float32(BURR_RISK * law.separator_um)
    none = np.float32(0.0)
    suspect = np.empty(siemens.size, np.uint8)
    for i in range(siemens.size):  # vectorises; nearly no cell needs the loop below
        burr = np.uint8(not (cathode_burr_um[i] <= risk_um)) | np.uint8(not (anode_burr_um[i] <= risk_um))
        suspect[i] = np.uint8(not (particle_um[i] <= none)) | burr | fault[i]
    siemens[:] = none
    delay_d[:] = none
    for i in range(siemens.size):
        if suspect[i] == 0:
            continue
        if math.isnan(particle_um[i] + cathode_burr_um[i] + anode_burr_um[i]):
            siemens[i] = delay_d[i] = np.nan
            continue
        conductance = 0.0
        delay = 0.0
        if particle_um[i] > none:
            conductance, delay = _particle_short(law, particle_um[i], key, entity, 2 * i)
        burr_um = max(cathode_burr_um[i], anode_burr_um[i])
        if burr_um > risk_um or fault[i] > 0:
            touches, contact, conducts, hole = block_uniforms(key, entity, 2 * i + 1)
            touching = law.burr_contact * logistic((burr_um / law.separator_um - 1.0) / 0.05)
            if burr_um > risk_um and touches < touching:
                conductance += _contact_siemens(law, burr_um, contact)
                delay = 0.0
            if fault[i] > 0 and conducts < law.fault_contact:
                conductance += _contact_siemens(law, law.fault_um, hole)
                delay = 0.0
        siemens[i] = conductance
        delay_d[i] = delay
        cells += conductance > 0.0
        later += delay > 0.0
    return cells, later


@kernel
def block_uniforms(key, entity, block):  # type: ignore[no-untyped-def]
    """The four words of one Philox block as uniform numbers ``(word + 1/2) / 2**32`` in (0, 1)."""
    row, name = np.uint64(block), np.uint64(entity)
    word_0, word_1, word_2, word_3 = philox(
        row & _LOW_32, row >> _SHIFT_32, name & _LOW_32, name >> _SHIFT_32, key & _LOW_32, key >> _SHIFT_32
    )
    scale, half = 2.0**-32, 0.5
    first, second = (np.float64(word_0) + half) * scale, (np.float64(word_1) + half) * scale
    return first, second, (np.float64(word_2) + half) * scale, (np.float64(word_3) + half) * scale


@kernel
def _particle_short(law, size_um, key, entity, block):  # type: ignore[no-untyped-def]
    """Conductance and delay of the short a particle makes: at once by piercing, or later by dissolving."""
    place, u, when, contact = block_uniforms(key, entity, block)
    if place >= law.on_cathode + law.on_anode:
        return 0.0, 0.0
    pierces = logistic((size_um / law.separator_um - law.mechanical_midpoint) / law.mechanical_width)
    delay = 0.0
    if u >= pierces:
        if place >= law.on_cathode or size_um < law.bridge_um:
            return 0.0, 0.0
        if u >= 1.0 - (1.0 - pierces) * (1.0 - law.dissolving):
            return 0.0, 0.0
        delay = law.delay_median_d * math.exp(law.delay_log_sd * normal_quantile(when))
    return _contact_siemens(law, size_um, contact), delay


@kernel
def _contact_siemens(law, width_um, u):  # type: ignore[no-untyped-def]
    """Conductance of a contact: lognormal, its median growing with the square of its width."""
    scale = (width_um / law.resistance_reference_um) ** 2
    return scale / law.resistance_median_ohm * math.exp(-law.resistance_log_sd * normal_quantile(u))
