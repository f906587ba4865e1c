"""Winding: which electrode segment meets which, and how far the anode stands out."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel


@kernel
def pair_segments(
    cathode_alive: npt.NDArray[np.bool_],
    anode_alive: npt.NDArray[np.bool_],
    lanes: int,
    cathode_skip: int,
    anode_skip: int,
    cathode_row: npt.NDArray[np.int32],
    anode_row: npt.NDArray[np.int32],
) -> int:
    """In each lane, let the k-th good cathode segment meet the k-th good anode segment.

    Parameters
    ----------
    cathode_alive, anode_alive : ndarray of bool, shapes (lanes * positions,)
        Segments still good, lane-major; the two webs may have different numbers of positions.
    lanes : int
        Daughter rolls of each web.
    cathode_skip, anode_skip : int
        Good segments lost at the start of each daughter roll (threading, leader and tail).
    cathode_row, anode_row : ndarray of int32
        Filled from the front with the rows that meet; as long as the shorter web.

    Returns
    -------
    int
        Number of pairs.
    """
    cathode_positions = cathode_alive.size // lanes
    anode_positions = anode_alive.size // lanes
    pairs = 0
    for lane in range(lanes):
        c = lane * cathode_positions
        a = lane * anode_positions
        c_end = c + cathode_positions
        a_end = a + anode_positions
        c_skip = cathode_skip
        a_skip = anode_skip
        while True:
            while c < c_end and (not cathode_alive[c] or c_skip > 0):
                c_skip -= cathode_alive[c]
                c += 1
            while a < a_end and (not anode_alive[a] or a_skip > 0):
                a_skip -= anode_alive[a]
                a += 1
            if c >= c_end or a >= a_end:
                break
            cathode_row[pairs] = c
            anode_row[pairs] = a
            pairs += 1
            c += 1
            a += 1
    return pairs


def turns(length_m: float, core_mm: float, roll_mm: float) -> float:
    """Turns of a wound electrode: its length over the mean circumference."""
    return 2e3 * length_m / (math.pi * (core_mm + roll_mm))
