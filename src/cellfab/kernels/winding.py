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
    overhang_mm: npt.NDArray[np.float32],
    read_mm: npt.NDArray[np.float32],
) -> None:
    """Smallest overhang of every cell, true and as the X-ray gauge reads it.

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
    overhang_mm, read_mm : ndarray of float32, shape (n,)
        Filled: the least of the cell's rolls.
    """
    none, half, infinite = np.float32(0.0), np.float32(0.5), np.float32(np.inf)
    drift_sd, alignment_sd, gauge = np.float32(drift_sd_mm), np.float32(alignment_sd_mm), np.float32(gauge_mm)
    words = np.empty((4, CHUNK), np.uint32)
    layer, drift, error = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    rolls = cathode_rows.size // max(overhang_mm.size, 1)
    if rolls > 1:
        overhang_mm[:] = infinite
        read_mm[:] = infinite
    for first in range(0, cathode_rows.size, CHUNK):
        fill_blocks(key, entity, first, 0, words)
        lowest_of_words(words[0], lowest, layer)
        normals_of_words(words[1], drift)
        normals_of_words(words[2], error)
        m = min(CHUNK, cathode_rows.size - first)
        for j in range(m):
            centred = half * (anode_width_mm[anode_rows[first + j]] - cathode_width_mm[cathode_rows[first + j]])
            layer[j] = centred - drift_sd * abs(drift[j]) + alignment_sd * layer[j]
            error[j] = layer[j] + gauge * error[j]
        if rolls == 1:
            for j in range(m):
                overhang_mm[first + j] = layer[j]
                read_mm[first + j] = error[j]
        else:
            for j in range(m):
                cell = (first + j) // rolls
                # A minimum may pass over NaN; nothing times NaN does not.
                overhang_mm[cell] = min(overhang_mm[cell], layer[j]) + none * layer[j]
                read_mm[cell] = min(read_mm[cell], error[j]) + none * error[j]


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
    read_mm: npt.NDArray[np.float32],
    separator_fault: npt.NDArray[np.uint8],
    particles: npt.NDArray[np.uint8],
    reason: npt.NDArray[np.uint8],
) -> None:
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
    read_mm : ndarray of float32, shape (n,)
        Overhang read by X-ray.
    separator_fault : ndarray of uint8, shape (n,)
        Filled.
    particles : ndarray of uint8, shape (n,)
        Added to, at most 255 in all.
    reason : ndarray of uint8, shape (n,)
        Filled: 0, or the first of `FAULT`, `OVERHANG`, `CAMERA` that rejects the cell.
    """
    words = np.empty((4, SHARED), np.uint32)
    something = np.empty(SHARED, np.bool_)
    low, shift = np.uint32(0xFFFF), np.uint32(16)
    limit = np.float32(law.overhang_limit_mm)
    clean = math.exp(-law.particles)
    last_fault = np.uint32(min(law.fault * LEVELS, LEVELS - 1.0))
    last_separator = np.uint32(min(law.separator_fault * LEVELS, LEVELS - 1.0))
    last_alarm = np.uint32(min(law.camera_false_alarm * LEVELS, LEVELS - 1.0))
    last_clean = np.uint32(min(clean * LEVELS, LEVELS - 1.0))
    for first in range(0, reason.size, SHARED):
        side = (first // SHARED & 1) * 2  # cells of two chunks share their blocks
        if side == 0:
            fill_blocks(key, entity, first // 2, 0, words)
        m = min(SHARED, reason.size - first)
        for j in range(m):
            one, two = words[side, j], words[side + 1, j]
            something[j] = (
                ((one & low) <= last_fault)
                | ((one >> shift) <= last_separator)
                | ((two & low) >= last_clean)
                | ((two >> shift) <= last_alarm)
            )
            separator_fault[first + j] = 0
            reason[first + j] = 0 if read_mm[first + j] >= limit else OVERHANG  # or NaN
        for j in range(m):
            if not something[j]:
                continue
            i = first + j
            one, two = words[side, j], words[side + 1, j]
            if below(digit_key, entity, 4 * i, one & low, law.fault):
                reason[i] = FAULT
            fails = below(digit_key, entity, 4 * i + 1, one >> shift, law.separator_fault)
            separator_fault[i] = fails
            if (two & low) >= last_clean:
                u = ((two & low) + uniform(digit_key, entity, 4 * i + 2)) / LEVELS
                particles[i] = min(int(particles[i]) + poisson_count(law.particles, u), 255)
            seen = law.camera_seen if fails else law.camera_false_alarm
            if reason[i] == 0 and below(digit_key, entity, 4 * i + 3, two >> shift, seen):
                reason[i] = CAMERA
