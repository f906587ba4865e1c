"""Rare things that happen at points of a web: holes, particles, flawed cuts.

A Poisson process over the segments of the roll as planned, drawn block by block of segments. Think of a rate axis
above each block: over block and axis together points lie with density 1, and an event is a point below the rate of its
segment (thinning; Lewis and Shedler 1979, Nav. Res. Logist. Q. 26, 403). The points of a block are drawn from the
lowest up, by exponential steps, until one lies above the block's highest rate. So it costs next to nothing where little
happens, a rate that is higher anywhere adds events and takes none away, and a roll cut short keeps the events of what
is left.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import philox

BLOCK = 64
"""Segments that share a rate axis."""
RATE_AT_MOST = 10.0
"""Events per segment that are told apart: what would be more is that."""
_LOW_32 = np.uint64(0xFFFFFFFF)
_SHIFT_32 = np.uint64(32)
_PLACE = np.uint64(BLOCK - 1)


@kernel
def scatter_events(
    key: np.uint64,
    entity: int,
    rate: npt.NDArray[np.float64],
    lanes: int,
    positions: int,
    planned: int,
    rows: npt.NDArray[np.int32],
    words: npt.NDArray[np.uint32],
) -> int:
    """Scatter events over a web.

    Parameters
    ----------
    key : numpy.uint64
        Stream. Blocks are `BLOCK` positions of one lane of the roll as planned. Counter (block, k) is about the k-th
        lowest point of the block: its step along the rate axis (52 bits), its place (6 bits), and two words for the
        caller.
    entity : int
        The web.
    rate : ndarray of float64, shape (positions,) or (1,)
        Expected events per segment; more than `RATE_AT_MOST` counts as that.
    lanes, positions, planned : int
        Lanes, positions of each, and positions as planned.
    rows : ndarray of int32, shape (m,)
        Written from the front: row ``lane * positions + position`` of each event, in no order; a row may come twice.
    words : ndarray of uint32, shape (m, 2)
        Written: two random words of each event.

    Returns
    -------
    int
        Events, at most m: if it is m, there may be more. -1 if a rate is not a number.
    """
    per_lane = (planned + BLOCK - 1) // BLOCK
    highest = np.zeros(per_lane)
    for position in range(positions):
        here = min(rate[min(position, rate.size - 1)], RATE_AT_MOST)
        if np.isnan(rate[min(position, rate.size - 1)]):
            return -1
        highest[position // BLOCK] = max(highest[position // BLOCK], here)
    low, high = np.uint64(entity) & _LOW_32, np.uint64(entity) >> _SHIFT_32
    key_low, key_high = key & _LOW_32, key >> _SHIFT_32
    found = 0
    for part in range(per_lane):
        top = BLOCK * highest[part]
        if not top > 0.0:
            continue
        none = math.exp(-top)
        for lane in range(lanes):
            block = np.uint64(lane * per_lane + part)
            height, point = 0.0, 0
            while True:
                one, two, three, four = philox(block, np.uint64(point), low, high, key_low, key_high)
                u = (np.float64((one << np.uint64(20)) | (two >> np.uint64(12))) + 0.5) * 2.0**-52
                if point == 0 and u <= none:  # nearly always: the logarithm need not be taken
                    break
                height -= math.log(u)
                if height >= top:
                    break
                position = part * BLOCK + int(two & _PLACE)
                kept = height < BLOCK * min(rate[min(position, rate.size - 1)], RATE_AT_MOST)
                if kept and position < positions and found < rows.size:
                    rows[found] = lane * positions + position
                    words[found, 0] = np.uint32(three)
                    words[found, 1] = np.uint32(four)
                    found += 1
                point += 1
    return found


def rate_of(probability: float) -> float:
    """Rate of events of which a segment has at least one with `probability` (0-1): -ln(1 - p), `RATE_AT_MOST` at most.

    The one for a probability above 1 - e^-10 falls short by less than 5e-5.
    """
    return min(-math.log1p(-probability), RATE_AT_MOST) if probability < 1.0 else RATE_AT_MOST


@kernel
def scrap_at(rows: npt.NDArray[np.int32], code: int, exit_code: npt.NDArray[np.int16]) -> int:
    """Give the living ones of some rows the exit code `code`; return how many there were. A row may come twice."""
    scrapped = 0
    for i in range(rows.size):
        if exit_code[rows[i]] == 0:
            exit_code[rows[i]] = code
            scrapped += 1
    return scrapped
