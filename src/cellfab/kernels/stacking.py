"""Stacking: sheets thrown out before they are laid, and how far the anodes stand out of all edges of a stack."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.extremes import interpolate
from cellfab.kernels.random import normals_of_words
from cellfab.kernels.random_blocks import CHUNK, SHARED, fill_blocks
from cellfab.kernels.winding import LEVELS, below

_HALVES = 8  # 16-bit numbers in the four words of a block


@kernel
def fill_halves(key: np.uint64, entity: int, out: npt.NDArray[np.uint16]) -> None:
    """Fill `out` with random 16-bit numbers; element i depends on (key, entity, i) only.

    The halves of the words of a chunk of blocks follow each other, so that every loop runs over neighbours.
    """
    words = np.empty((4, SHARED), np.uint32)
    for chunk in range(0, out.size, _HALVES * SHARED):
        fill_blocks(key, entity, chunk // _HALVES, 0, words)
        for half in range(_HALVES):
            first = chunk + half * SHARED
            shift = np.uint32(16 * (half & 1))
            for j in range(min(SHARED, out.size - first)):
                out[first + j] = np.uint16((words[half >> 1, j] >> shift) & np.uint32(0xFFFF))


@kernel
def throw_out_sheets(
    key: np.uint64,
    digit_key: np.uint64,
    entity: int,
    planned: int,
    lanes: int,
    flaw: npt.NDArray[np.uint8],
    sound_probability: float,
    flawed_probability: float,
    code: int,
    exit_code: npt.NDArray[np.int16],
) -> int:
    """Scrap the sheets that a camera takes for bad.

    A sheet's 16-bit number decides, and where it leaves doubt, a uniform number for its further digits: as if one
    number of 69 bits had been drawn for each.

    Parameters
    ----------
    key, digit_key, entity
        Streams of the numbers and of their further digits; the web.
    planned, lanes : int
        Positions per lane as planned: number lane * planned + position is that sheet's; lanes.
    flaw : ndarray of uint8, shape (lanes * positions,)
        Not 0 where a sheet has a damaged edge.
    sound_probability, flawed_probability : float
        That a sheet without and with a damaged edge is thrown out.
    code, exit_code
        Exit code of those thrown out; ndarray of int16, shape (lanes * positions,), changed.

    Returns
    -------
    int
        Sheets newly scrapped.
    """
    positions = exit_code.size // lanes
    halves = np.empty(lanes * planned, np.uint16)
    fill_halves(key, entity, halves)
    doubt_sound = np.uint16(min(sound_probability * LEVELS, LEVELS - 1.0))
    doubt_flawed = np.uint16(min(flawed_probability * LEVELS, LEVELS - 1.0))
    candidate = np.empty(positions, np.bool_)
    scrapped = 0
    for lane in range(lanes):
        first, number = lane * positions, lane * planned
        for j in range(positions):
            doubt = doubt_flawed if flaw[first + j] != 0 else doubt_sound
            candidate[j] = (halves[number + j] <= doubt) & (exit_code[first + j] == 0)
        for j in range(positions):
            if candidate[j]:
                probability = flawed_probability if flaw[first + j] != 0 else sound_probability
                if below(digit_key, entity, number + j, np.uint32(halves[number + j]), probability):
                    exit_code[first + j] = code
                    scrapped += 1
    return scrapped


@kernel
def align_sheets(
    key: np.uint64,
    entity: int,
    farthest: npt.NDArray[np.float32],
    accuracy_mm: float,
    gauge_mm: float,
    cathode_width_mm: npt.NDArray[np.float32],
    anode_width_mm: npt.NDArray[np.float32],
    along_mm: float,
    limit_mm: float,
    overhang_mm: npt.NDArray[np.float32],
    short: npt.NDArray[np.uint8],
) -> None:
    """Smallest overhang over all sheets and edges of every stack, and whether the X-ray gauge reads too little.

    A cathode sheet that lies off by e leaves ``centred - |e|`` on one of two opposite edges; in each of the two
    directions the farthest of all sheets counts.

    Parameters
    ----------
    key, entity
        Stream and lot: the words of block `i` of column 0 are about cell `i` (across, along, reading).
    farthest : ndarray of float32
        Largest size of all sheets' standard normal errors, as a function of one normal number (`extremes.farthest`).
    accuracy_mm, gauge_mm : float
        Standard deviations of a sheet's place and of a reading.
    cathode_width_mm, anode_width_mm : ndarray of float32, shape (n,)
        As slit, mean of the cell's sheets.
    along_mm : float
        Overhang of centred sheets along the web, where they are cut to length.
    limit_mm : float
        Least reading that is accepted.
    overhang_mm : ndarray of float32, shape (n,)
        Filled.
    short : ndarray of uint8, shape (n,)
        Filled: 1 where the gauge reads less than the limit, or no number.
    """
    limit = np.float32(limit_mm)
    half, accuracy, gauge = np.float32(0.5), np.float32(accuracy_mm), np.float32(gauge_mm)
    cut = np.float32(along_mm)
    words = np.empty((4, CHUNK), np.uint32)
    across, along, error = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    for first in range(0, overhang_mm.size, CHUNK):
        fill_blocks(key, entity, first, 0, words)
        normals_of_words(words[0], across)
        normals_of_words(words[1], along)
        normals_of_words(words[2], error)
        interpolate(across, farthest, across)
        interpolate(along, farthest, along)
        for j in range(min(CHUNK, overhang_mm.size - first)):
            i = first + j
            centred = half * (anode_width_mm[i] - cathode_width_mm[i])
            overhang = min(centred - accuracy * across[j], cut - accuracy * along[j])
            overhang_mm[i] = overhang
            short[i] = not (overhang + gauge * error[j] >= limit)  # or NaN
