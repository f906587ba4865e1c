"""Filling: the dose each cell gets, what the scales read, and leaks of its seal."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.inspection import detection_probability
from cellfab.kernels.random_blocks import CHUNK, fill_blocks, normal_pairs

LEAST_BLOCKED, MOST_BLOCKED = 0.6, 0.95
"""Share of the dose that a blocked nozzle gives, uniform between these (assumption)."""
PASSED = 0
REJECTED_MASS = 1
REJECTED_LEAK = 2

_SKIP = 12
_LOW = np.uint32((1 << _SKIP) - 1)
_SHIFT = np.uint32(_SKIP)
_HALF, _PER_24_BITS, _PER_32_BITS = np.float32(0.5), np.float32(2.0**-24), np.float32(2.0**-32)


class FillLaw(NamedTuple):
    """What filling depends on, as floats."""

    nominal_g: float
    """Dosed here."""
    later_g: float
    """To be dosed by a second filling."""
    cathode_g: float
    anode_g: float
    """Electrolyte that would fill a coating without solids."""
    separator_g: float
    """In the separator's pores."""
    dosing_cv: float
    blocked: float
    """Probability that a nozzle is blocked."""
    scale_error: float
    """Standard deviation, relative to the nominal dose."""
    tolerance: float
    leak: float
    """Probability that a seal leaks."""
    leak_decades: float
    """Mean of log10(leak rate / limit) of a leaking seal."""
    false_alarm: float
    ceiling: float
    midpoint: float
    width: float
    """Of the leak test; see `cellfab.kernels.inspection`."""


class Filled(NamedTuple):
    """What became of the living cells."""

    electrolyte_g: float
    """In all of them, rejected ones included."""
    mass: int
    leak: int
    """Rejected for either."""
    sound_mass: int
    sound_leak: int
    """Those among them whose true dose is within the tolerance, or that are tight."""


@kernel
def fill_cells(
    law: FillLaw,
    key: np.uint64,
    entity: int,
    cathode_porosity: npt.NDArray[np.float32],
    anode_porosity: npt.NDArray[np.float32],
    electrolyte_g: npt.NDArray[np.float32],
    pore_filling: npt.NDArray[np.float32],
    leak: npt.NDArray[np.float32],
    position: npt.NDArray[np.int32],
    codes: npt.NDArray[np.int16],
    exit_code: npt.NDArray[np.int16],
) -> Filled:
    """Fill, seal, weigh and leak-test every cell, and put those that pass into trays.

    Parameters
    ----------
    law : FillLaw
        Constants.
    key, entity
        Name the draws: block i of the stream belongs to cell i. The leading 20 bits of two words are the errors of pump
        and scales, their last 12 bits together the leak test's uniform number; the other words are nozzle and seal.
    cathode_porosity, anode_porosity : ndarray of float32, shape (n,)
        Of each cell.
    electrolyte_g, pore_filling : ndarray of float32, shape (n,)
        Filled: true mass of electrolyte, and that mass with what a second filling adds over what the cell's pores hold.
    leak : ndarray of float32, shape (n,)
        log10(leak rate / limit) of the seals made before, 0 where they are tight; raised to that of the worst seal.
    position : ndarray of int32, shape (n,)
        Filled: living cells are counted through in their order; the others get -1.
    codes : ndarray of int16, shape (2,)
        Exit codes of `REJECTED_MASS` and `REJECTED_LEAK`.
    exit_code : ndarray of int16, shape (n,)
        0 where a cell is alive; living cells that are rejected get their code.

    Returns
    -------
    Filled
    """
    n = leak.size
    words = np.empty((4, CHUNK), np.uint32)
    z_dose, z_scale = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    dose = np.empty(CHUNK, np.float32)
    u_nozzle, u_seal, u_test = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    rare, decided = np.empty(CHUNK, np.uint8), np.empty(CHUNK, np.uint8)
    eights = rare.view(np.uint64)
    filled_g, place = 0.0, np.int32(0)
    mass, leaky, sound_mass, sound_leak = 0, 0, 0, 0
    one, zero = np.float32(1.0), np.float32(0.0)
    cv, blocked, nominal = np.float32(law.dosing_cv), np.float32(law.blocked), np.float32(law.nominal_g)
    scale, tolerance, leaking = np.float32(law.scale_error), np.float32(law.tolerance), np.float32(law.leak)
    sound, later = np.float32(law.false_alarm), np.float32(law.later_g)
    cathode_g, anode_g, separator_g = np.float32(law.cathode_g), np.float32(law.anode_g), np.float32(law.separator_g)
    for done in range(0, n, CHUNK):
        m = min(CHUNK, n - done)
        fill_blocks(key, entity, done, 0, words)
        normal_pairs(words[0], words[1], _SKIP, z_dose, z_scale)
        # Slices from the first row on: the compiler then knows that no index is counted from the end.
        grams, filling = electrolyte_g[done : done + m], pore_filling[done : done + m]
        leaks, codes_here, places = leak[done : done + m], exit_code[done : done + m], position[done : done + m]
        for j in range(CHUNK):
            dose[j] = one + cv * z_dose[j]
            u_nozzle[j] = (np.float32(words[2, j]) + _HALF) * _PER_32_BITS
            u_seal[j] = (np.float32(words[3, j]) + _HALF) * _PER_32_BITS
            both = ((words[0, j] & _LOW) << _SHIFT) | (words[1, j] & _LOW)
            u_test[j] = (np.float32(np.int32(both)) + _HALF) * _PER_24_BITS
        for j in range(CHUNK):
            rare[j] = (u_nozzle[j] < blocked) | (u_seal[j] < leaking)
        for j in range(m):
            rare[j] |= leaks[j] > zero
        for j in range(m):
            decided[j] = np.uint8(u_test[j] < sound) << np.uint8(1)
        for eight in range(CHUNK // 8):
            if eights[eight] == 0:
                continue
            for j in range(8 * eight, min(8 * eight + 8, m)):
                if u_nozzle[j] < blocked:
                    share = LEAST_BLOCKED + (MOST_BLOCKED - LEAST_BLOCKED) * np.float64(u_nozzle[j]) / law.blocked
                    dose[j] = np.float64(dose[j]) * share
                if u_seal[j] < leaking:
                    leaks[j] = max(leaks[j], np.float32(-law.leak_decades * math.log(np.float64(u_seal[j]) / law.leak)))
                if leaks[j] > zero:
                    seen = detection_probability(np.float64(leaks[j]), law.ceiling, law.midpoint, law.width)
                    decided[j] = (
                        REJECTED_LEAK if u_test[j] < law.false_alarm + (1.0 - law.false_alarm) * seen else PASSED
                    )
        cathode, anode = cathode_porosity[done : done + m], anode_porosity[done : done + m]
        for j in range(m):
            grams[j] = nominal * dose[j]
        for j in range(m):
            filling[j] = (nominal * dose[j] + later) / (cathode_g * cathode[j] + anode_g * anode[j] + separator_g)
        for j in range(m):
            off = abs(dose[j] + scale * z_scale[j] - one) > tolerance
            decided[j] = REJECTED_MASS if off else decided[j]
        for j in range(m):
            came = codes_here[j] == 0
            filled_g += np.float64(grams[j]) if came else 0.0
            if decided[j] > 0 and came:
                came = False
                codes_here[j] = codes[decided[j] - 1]
                if decided[j] == REJECTED_MASS:
                    mass += 1
                    sound_mass += abs(grams[j] / nominal - one) <= tolerance
                else:
                    leaky += 1
                    sound_leak += leaks[j] == zero
            places[j] = place if came else np.int32(-1)
            place += np.int32(came)
    return Filled(filled_g, mass, leaky, sound_mass, sound_leak)
