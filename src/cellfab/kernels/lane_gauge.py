"""A size that each lane has its own offset of, measured segment by segment: width of a lane, height of its flags."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import normals_of_words
from cellfab.kernels.random_rows import REACH, fill_row_normals, fill_words_from


@kernel
def measure_lanes(
    entity: int,
    planned: int,
    lane_offset: npt.NDArray[np.float32],
    noise_key: np.uint64,
    noise_sd: float,
    gauge_key: np.uint64,
    gauge_sd: float,
    design: float,
    tolerance: float,
    off_code: int,
    value: npt.NDArray[np.float32],
    exit_code: npt.NDArray[np.int16],
) -> int:
    """True size of every segment, and which ones are read as off; the gauge is read only where it matters.

    Size = design + the lane's offset + noise of the segment.

    Parameters
    ----------
    entity, planned : int
        The web, and positions per lane as planned: number lane * planned + position is that segment's.
    lane_offset : ndarray of float32, shape (lanes,)
        Offset of each lane.
    noise_key, noise_sd, gauge_key, gauge_sd
        Streams and 1 sigma of the segments' own noise and of the gauge.
    design, tolerance, off_code
        Size aimed at; deviation read that scraps a segment; its exit code.
    value : ndarray of float32, shape (lanes * positions,) or (0,)
        True size, written if there is room.
    exit_code : ndarray of int16, shape (lanes * positions,)
        Changed.

    Returns
    -------
    int
        Rows scrapped.
    """
    lanes = lane_offset.size
    positions = exit_code.size // lanes
    words = np.empty(positions + 3, np.uint32)
    offset = np.empty(positions, np.float32)
    doubtful = np.empty(positions, np.int32)
    gauge = np.empty(positions, np.float32)
    noise, aim = np.float32(noise_sd), np.float32(design)
    clear = np.float32(tolerance - REACH * gauge_sd)
    off = 0
    for lane in range(lanes):
        first = lane * positions
        normals_of_words(fill_words_from(noise_key, entity, lane * planned, words), offset)
        for position in range(positions):
            offset[position] = lane_offset[lane] + noise * offset[position]
        if value.size:
            for position in range(positions):
                value[first + position] = aim + offset[position]
        doubts = 0
        for position in range(positions):
            doubtful[doubts] = lane * planned + position
            doubts += (abs(offset[position]) > clear) & (exit_code[first + position] == 0)
        fill_row_normals(gauge_key, entity, doubtful[:doubts], gauge)
        for i in range(doubts):
            position = doubtful[i] - lane * planned
            if abs(offset[position] + np.float32(gauge_sd) * gauge[i]) > np.float32(tolerance):
                exit_code[first + position] = off_code
                off += 1
    return off
