"""Winding: how far the anode stands out of every turn, what falls in, and what the winder notices."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.extremes import lowest_of_words
from cellfab.kernels.particles import poisson_count
from cellfab.kernels.random import normals_of_words, uniform
from cellfab.kernels.random_blocks import CHUNK, SHARED, fill_blocks

LEVELS = 65536.0
"""Of a 16-bit number."""

_REACH = 6.35
"""Standard deviations that no number of `normals_of_words` exceeds (it stays within 6.34)."""
FAULT, OVERHANG, CAMERA = 1, 2, 3
"""Reasons why a roll or stack is rejected, in the order in which they are looked for."""


@kernel
def align_rolls(
    key: np.uint64,
    entity: int,
    cathode_rows: npt.NDArray[np.int32],
    anode_rows: npt.NDArray[np.int32],
    cathode_width_mm: npt.NDArray[np.float32],
    anode_width_mm: npt.NDArray[np.float32],
    lowest: npt.NDArray[np.float32],
    drift_sd_mm: float,
    alignment_sd_mm: float,
    gauge_mm: float,
    limit_mm: float,
    overhang_mm: npt.NDArray[np.float32],
    short: npt.NDArray[np.uint8],
) -> None:
    """Smallest overhang of every cell, and whether the X-ray gauge reads too little.

    The gauge is read where its error can matter.

    Parameters
    ----------
    key, entity
        Stream and lot: block `i` of column 0 is about roll `i`.
    cathode_rows, anode_rows : ndarray of int32, shape (n * rolls,)
        Segments of each roll, cell by cell.
    cathode_width_mm, anode_width_mm : ndarray of float32, shapes (segments,)
        As slit.
    lowest : ndarray of float32
        Lowest of all layers' standard normal errors, by random word (`extremes.lowest_by_word`).
    drift_sd_mm, alignment_sd_mm, gauge_mm : float
        Standard deviations: telescoping of a whole roll, layer to layer, and of a reading.
    limit_mm : float
        Least reading that is accepted.
    overhang_mm : ndarray of float32, shape (n,)
        Filled: the least of the cell's rolls.
    short : ndarray of uint8, shape (n,)
        Filled: 1 where a roll of the cell reads less than the limit, or no number.
    """
    none, half, infinite = np.float32(0.0), np.float32(0.5), np.float32(np.inf)
    limit, clear = np.float32(limit_mm), np.float32(limit_mm + _REACH * gauge_mm)
    drift_sd, alignment_sd, gauge = np.float32(drift_sd_mm), np.float32(alignment_sd_mm), np.float32(gauge_mm)
    words = np.empty((4, CHUNK), np.uint32)
    layer, drift, error = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    near, error_words = np.empty(CHUNK + 1, np.int32), np.empty(CHUNK, np.uint32)
    rolls = cathode_rows.size // max(overhang_mm.size, 1)
    short[:] = 0
    if rolls > 1:
        overhang_mm[:] = infinite
    for first in range(0, cathode_rows.size, CHUNK):
        fill_blocks(key, entity, first, 0, words)
        lowest_of_words(words[0], lowest, layer)
        normals_of_words(words[1], drift)
        m = min(CHUNK, cathode_rows.size - first)
        for j in range(m):
            centred = half * (anode_width_mm[anode_rows[first + j]] - cathode_width_mm[cathode_rows[first + j]])
            layer[j] = centred - drift_sd * abs(drift[j]) + alignment_sd * layer[j]
        if rolls == 1:
            for j in range(m):
                overhang_mm[first + j] = layer[j]
        else:
            for j in range(m):
                cell = (first + j) // rolls
                # A minimum may pass over NaN; nothing times NaN does not.
                overhang_mm[cell] = min(overhang_mm[cell], layer[j]) + none * layer[j]
        count = 0
        for j in range(m):
            near[count] = j
            count += not (layer[j] >= clear)  # or NaN
        for k in range(count):
            error_words[k] = words[2, near[k]]
        normals_of_words(error_words[:count], error[:count])
        for k in range(count):
            j = near[k]
            short[(first + j) // rolls] |= np.uint8(not (layer[j] + gauge * error[k] >= limit))  # or NaN


class JoiningLaw(NamedTuple):
    """What a winder or stacker does to a cell and notices about it, as numbers."""

    fault: float
    """Probability of a fault that is always noticed."""
    separator_fault: float
    camera_false_alarm: float
    camera_seen: float
    """Probability of an alarm over a faulty separator."""
    particles: float
    """Expected number per cell that fall between the electrodes."""
    overhang_limit_mm: float


class Rejected(NamedTuple):
    """Rolls or stacks rejected for each reason, and how many of them by a reading although what was read is right."""

    fault: int
    overhang: int
    camera: int
    sound_overhang: int
    sound_camera: int


@kernel
def below(digit_key: np.uint64, entity: int, row: int, half: np.uint32, probability: float) -> bool:
    """Whether a number in (0, 1) is below `probability`: 16 bits of it are `half`, more are drawn only if they matter.

    Parameters
    ----------
    digit_key, entity, row
        Name the further digits.
    half : numpy.uint32
        0 to 65535, the leading digits.
    """
    level = probability * LEVELS
    return bool(half + 1.0 <= level or (half < level and half + uniform(digit_key, entity, row) < level))


@kernel
def inspect_cells(
    law: JoiningLaw,
    key: np.uint64,
    digit_key: np.uint64,
    entity: int,
    short: npt.NDArray[np.uint8],
    overhang_mm: npt.NDArray[np.float32],
    separator_fault: npt.NDArray[np.uint8],
    particles: npt.NDArray[np.uint8],
    codes: npt.NDArray[np.int16],
    exit_code: npt.NDArray[np.int16],
) -> Rejected:
    """Faults, particles and inspection of every roll or stack of a lot.

    All of these are rare: 16 bits of each decision's number tell most cells that nothing happens, and only for the
    others are further digits drawn.

    Parameters
    ----------
    law : JoiningLaw
        Constants.
    key, digit_key, entity
        Streams of the numbers and of their further digits; the lot. Two words of a block decide about a cell: fault,
        separator, particles and camera, 16 bits each.
    short : ndarray of uint8, shape (n,)
        1 where the X-ray gauge reads too little overhang.
    overhang_mm : ndarray of float32, shape (n,)
        True.
    separator_fault : ndarray of uint8, shape (n,)
        Filled.
    particles : ndarray of uint8, shape (n,)
        Added to, at most 255 in all.
    codes : ndarray of int16, shape (3,)
        Exit codes of `FAULT`, `OVERHANG` and `CAMERA`, of which the first that rejects a cell counts.
    exit_code : ndarray of int16, shape (n,)
        Zero on entry; those rejected get their code.

    Returns
    -------
    Rejected
    """
    words = np.empty((4, SHARED), np.uint32)
    something, reason = np.empty(SHARED, np.bool_), np.empty(SHARED, np.uint8)
    rare = np.empty(SHARED + 1, np.int32)
    low, shift = np.uint32(0xFFFF), np.uint32(16)
    limit = np.float32(law.overhang_limit_mm)
    clean = math.exp(-law.particles)
    last_fault = np.uint32(min(law.fault * LEVELS, LEVELS - 1.0))
    last_separator = np.uint32(min(law.separator_fault * LEVELS, LEVELS - 1.0))
    last_alarm = np.uint32(min(law.camera_false_alarm * LEVELS, LEVELS - 1.0))
    last_clean = np.uint32(min(clean * LEVELS, LEVELS - 1.0))
    faults, overhangs, cameras, sound_overhangs, sound_cameras = 0, 0, 0, 0, 0
    for first in range(0, exit_code.size, SHARED):
        side = (first // SHARED & 1) * 2  # cells of two chunks share their blocks
        if side == 0:
            fill_blocks(key, entity, first // 2, 0, words)
        m = min(SHARED, exit_code.size - first)
        for j in range(m):
            one, two = words[side, j], words[side + 1, j]
            something[j] = (
                ((one & low) <= last_fault)
                | ((one >> shift) <= last_separator)
                | ((two & low) >= last_clean)
                | ((two >> shift) <= last_alarm)
            )
        separator_fault[first : first + m] = 0
        count = 0
        for j in range(m):
            rare[count] = j
            reason[j] = np.uint8(OVERHANG) if short[first + j] else np.uint8(0)
            count += something[j] | (short[first + j] > 0)
        for k in range(count):
            j = rare[k]
            i = first + j
            if something[j]:
                one, two = words[side, j], words[side + 1, j]
                if below(digit_key, entity, 4 * i, one & low, law.fault):
                    reason[j] = FAULT
                fails = below(digit_key, entity, 4 * i + 1, one >> shift, law.separator_fault)
                separator_fault[i] = fails
                if (two & low) >= last_clean:
                    u = ((two & low) + uniform(digit_key, entity, 4 * i + 2)) / LEVELS
                    particles[i] = min(int(particles[i]) + poisson_count(law.particles, u), 255)
                seen = law.camera_seen if fails else law.camera_false_alarm
                if reason[j] == 0 and below(digit_key, entity, 4 * i + 3, two >> shift, seen):
                    reason[j] = CAMERA
            why = reason[j]
            if why > 0:
                exit_code[i] = codes[why - 1]
            faults += why == FAULT
            overhangs += why == OVERHANG
            cameras += why == CAMERA
            sound_overhangs += why == OVERHANG and overhang_mm[i] >= limit
            sound_cameras += why == CAMERA and separator_fault[i] == 0
    return Rejected(faults, overhangs, cameras, sound_overhangs, sound_cameras)
