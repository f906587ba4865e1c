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
from cellfab.kernels.random_blocks import fill_blocks

BLOCK = 64
"""Segments that share a rate axis."""
RATE_AT_MOST = 10.0
"""Events per segment that are told apart: what would be more is that."""
EVERYWHERE = np.empty(0, np.int32)
"""For `kind` where one rate holds at all positions."""
_ROOM = 256  # events that there is room for at first
_PLACE = np.uint32(BLOCK - 1)


@kernel
def scatter_events(
    key: np.uint64,
    entity: int,
    rate: npt.NDArray[np.float64],
    kind: npt.NDArray[np.int32],
    share: float,
    lanes: int,
    positions: int,
    planned: int,
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Scatter events over a web.

    Parameters
    ----------
    key : numpy.uint64
        Stream. Blocks are `BLOCK` positions of one lane of the roll as planned. Counter (block, k) is about the k-th
        lowest point of the block: its step along the rate axis (52 bits), its place (6 bits), and two words for the
        caller.
    entity : int
        The web.
    rate : ndarray of float64, shape (kinds,)
        Expected events per segment.
    kind : ndarray of int32, shape (positions,) or (0,)
        Which of the rates holds at a position; if empty, the first holds everywhere.
    share : float
        Of the rates, the share that is meant. More than `RATE_AT_MOST` then counts as that.
    lanes, positions, planned : int
        Lanes, positions of each, and positions as planned.

    Returns
    -------
    rows : ndarray of uint32, shape (m,)
        Row ``lane * positions + position`` of each event, in no order; one that has two events comes twice.
    first, second : ndarray of uint32, shape (m,)
        Two random words of each event.

    Raises
    ------
    ValueError
        If a rate that holds somewhere is not a number: it would pass for one of nothing.
    """
    per_lane = (planned + BLOCK - 1) // BLOCK
    limits, highest, busiest = np.zeros(per_lane * BLOCK), np.zeros(per_lane), 0.0
    before, limit = -1, 0.0
    for position in range(positions):
        here = kind[position] if kind.size > 0 else 0
        if here != before:  # seldom: positions come charge by charge
            before, expected = here, rate[here] * share
            if np.isnan(expected):
                raise ValueError("a rate of events is not a number")
            limit = BLOCK * min(expected, RATE_AT_MOST)
            busiest = max(busiest, limit)
        limits[position] = limit
        if limit > highest[position // BLOCK]:
            highest[position // BLOCK] = limit
    events, found = np.empty((3, _ROOM if busiest > 0.0 else 0), np.uint32), 0
    if busiest <= 0.0:
        return events[0], events[1], events[2]

    # All blocks' k-th points at once: those of a block depend on one another, those of several blocks do not.
    words = np.empty((4, lanes * per_lane), np.uint32)
    fill_blocks(key, entity, 0, 0, words)
    open_blocks, heights, going = np.empty(lanes * per_lane, np.int32), np.zeros(lanes * per_lane), 0
    for part in range(per_lane):
        none = math.exp(-highest[part])
        for lane in range(lanes):
            block = lane * per_lane + part
            open_blocks[going] = block
            going += int(_uniform(words[0, block], words[1, block]) > none)  # nearly never: so few logarithms
    point = 0
    while going > 0:
        if point > 0:
            fill_blocks(key, entity, 0, point, words)
        if found + going > events.shape[1]:
            longer = np.empty((3, 2 * (found + going)), np.uint32)
            for i in range(found):
                longer[0, i], longer[1, i], longer[2, i] = events[0, i], events[1, i], events[2, i]
            events = longer
        still = 0
        for i in range(going):
            block = open_blocks[i]
            lane, part = block // per_lane, block % per_lane
            height = heights[i] - math.log(_uniform(words[0, block], words[1, block]))
            position = part * BLOCK + int(words[1, block] & _PLACE)
            events[0, found] = lane * positions + position
            events[1, found], events[2, found] = words[2, block], words[3, block]
            found += int(height < limits[position])  # without a jump that cannot be foreseen
            open_blocks[still], heights[still] = block, height
            still += int(height < highest[part])
        going = still
        point += 1
    return events[0][:found], events[1][:found], events[2][:found]


@kernel
def _uniform(one: np.uint32, two: np.uint32) -> float:
    """Midpoint of the cell of (0, 1) that 52 bits of two words name."""
    cell = (np.uint64(one) << np.uint64(20)) | (np.uint64(two) >> np.uint64(12))
    return float((np.float64(cell) + 0.5) * 2.0**-52)


def rate_of(probability: float) -> float:
    """Rate of events of which a segment has at least one with `probability` (0-1): -ln(1 - p), `RATE_AT_MOST` at most.

    The one for a probability above 1 - e^-10 falls short by less than 5e-5.
    """
    return min(-math.log1p(-probability), RATE_AT_MOST) if probability < 1.0 else RATE_AT_MOST


@kernel
def scrap_at(rows: npt.NDArray[np.uint32], code: int, exit_code: npt.NDArray[np.int16]) -> int:
    """Give the living ones of some rows the exit code `code`; return how many there were. A row may come twice."""
    scrapped = 0
    for i in range(rows.size):
        if exit_code[rows[i]] == 0:
            exit_code[rows[i]] = code
            scrapped += 1
    return scrapped


@kernel
def scrap_across(first: int, after: int, positions: int, code: int, exit_code: npt.NDArray[np.int16]) -> int:
    """Give what is alive of positions `first` to `after` - 1 of all lanes the exit code `code`; return how many."""
    scrapped = 0
    for lane in range(exit_code.size // max(positions, 1)):
        for row in range(lane * positions + first, lane * positions + min(after, positions)):
            if exit_code[row] == 0:
                exit_code[row] = code
                scrapped += 1
    return scrapped
