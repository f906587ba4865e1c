"""Notching: height of the flags and flaws of the cut, and what a camera makes of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import normals_of_words
from cellfab.kernels.random_rows import REACH, fill_row_normals, fill_words_from, last_word_below


@kernel
def measure_heights(
    entity: int,
    planned: int,
    lane_mm: npt.NDArray[np.float32],
    noise_key: np.uint64,
    noise_mm: float,
    gauge_key: np.uint64,
    gauge_mm: float,
    tolerance_mm: float,
    off_code: int,
    height_mm: npt.NDArray[np.float32],
    exit_code: npt.NDArray[np.int16],
) -> int:
    """Which flags are read as off; the gauge is read only where it matters.

    Parameters
    ----------
    entity, planned : int
        The web, and positions per lane as planned: number lane * planned + position is that segment's.
    lane_mm : ndarray of float32, shape (lanes,)
        Height error of each lane.
    noise_key, noise_mm, gauge_key, gauge_mm
        Streams and 1 sigma of the segments' own noise and of the gauge.
    tolerance_mm, off_code
        Error read that scraps a segment; its exit code.
    height_mm : ndarray of float32, shape (lanes * positions,) or (0,)
        True error, written if there is room.
    exit_code : ndarray of int16, shape (lanes * positions,)
        Changed.

    Returns
    -------
    int
        Rows scrapped.
    """
    lanes = lane_mm.size
    positions = exit_code.size // lanes
    words = np.empty(positions + 3, np.uint32)
    error = np.empty(positions, np.float32)
    doubtful = np.empty(positions, np.int32)
    gauge = np.empty(positions, np.float32)
    noise = np.float32(noise_mm)
    clear = np.float32(tolerance_mm - REACH * gauge_mm)
    off = 0
    for lane in range(lanes):
        first = lane * positions
        normals_of_words(fill_words_from(noise_key, entity, lane * planned, words), error)
        for position in range(positions):
            error[position] = lane_mm[lane] + noise * error[position]
        if height_mm.size:
            for position in range(positions):
                height_mm[first + position] = error[position]
        doubts = 0
        for position in range(positions):
            doubtful[doubts] = lane * planned + position
            doubts += (abs(error[position]) > clear) & (exit_code[first + position] == 0)
        fill_row_normals(gauge_key, entity, doubtful[:doubts], gauge)
        for i in range(doubts):
            position = doubtful[i] - lane * planned
            if abs(error[position] + np.float32(gauge_mm) * gauge[i]) > np.float32(tolerance_mm):
                exit_code[first + position] = off_code
                off += 1
    return off


@kernel
def inspect_cuts(
    entity: int,
    planned: int,
    lanes: int,
    flaw_key: np.uint64,
    flaw_probability: float,
    camera_key: np.uint64,
    seen_share: float,
    false_alarm_probability: float,
    seen_code: int,
    flaw: npt.NDArray[np.uint8],
    exit_code: npt.NDArray[np.int16],
) -> int:
    """Flaws of the cut, and which cuts the camera takes for flawed.

    Parameters
    ----------
    entity, planned, lanes : int
        As in `measure_heights`.
    flaw_key, flaw_probability, camera_key, seen_share, false_alarm_probability
        Streams; probabilities of a flaw, of seeing it, and of an alarm without one.
    seen_code : int
        Exit code of cuts taken for flawed.
    flaw : ndarray of uint8, shape (lanes * positions,)
        Written: 1 or 0.
    exit_code : ndarray of int16, shape (lanes * positions,)
        Changed.

    Returns
    -------
    int
        Rows scrapped.
    """
    positions = exit_code.size // lanes
    flaw_scratch, camera_scratch = np.empty(positions + 3, np.uint32), np.empty(positions + 3, np.uint32)
    flawed = last_word_below(flaw_probability)
    seen, alarm = last_word_below(seen_share), last_word_below(false_alarm_probability)
    scrapped = 0
    for lane in range(lanes):
        first = lane * positions
        flaw_words = fill_words_from(flaw_key, entity, lane * planned, flaw_scratch)
        camera_words = fill_words_from(camera_key, entity, lane * planned, camera_scratch)
        for position in range(positions):
            is_flawed = (flaw_words[position] <= flawed) & (flawed > 0)
            last = seen if is_flawed else alarm
            code = exit_code[first + position]
            noticed = (camera_words[position] <= last) & (last > 0) & (code == 0)
            flaw[first + position] = is_flawed
            exit_code[first + position] = seen_code if noticed else code
            scrapped += noticed
    return scrapped
