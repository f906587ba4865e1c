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
from cellfab.kernels.random import fill_words, philox

BLOCK = 64
"""Segments that share a rate axis."""
RATE_AT_MOST = 10.0
"""Events per segment that are told apart: what would be more is that."""
EVERYWHERE = np.empty(0, np.int32)
"""For `kind` where one rate holds at all positions."""
_ROOM = 256  # events that there is room for at first
_LOW_32 = np.uint64(0xFFFFFFFF)
_SHIFT_32 = np.uint64(32)
_PLACE = np.uint64(BLOCK - 1)


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
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
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
    rows : ndarray of int32, shape (m,)
        Row ``lane * positions + position`` of each event, in no order; one that has two events comes twice.
    first, second : ndarray of uint32, shape (m,)
        Two random words of each event.

    Raises
    ------
    ValueError
        If a rate that holds somewhere is not a number: it would pass for one of nothing.
    """
    per_lane = (planned + BLOCK - 1) // BLOCK
    highest, busiest = np.zeros(per_lane), 0.0
    limits = np.empty(positions)
    for position in range(positions):
        expected = rate[kind[position] if kind.size > 0 else 0] * share
        if np.isnan(expected):
            raise ValueError("a rate of events is not a number")
        limits[position] = BLOCK * min(expected, RATE_AT_MOST)
        highest[position // BLOCK] = max(highest[position // BLOCK], limits[position])
        busiest = max(busiest, limits[position])
    found, room = 0, _ROOM if busiest > 0.0 else 0
    rows, first, second = np.empty(room, np.int32), np.empty(room, np.uint32), np.empty(room, np.uint32)
    if room == 0:
        return rows, first, second
    lowest = np.empty(4 * lanes * per_lane, np.uint32)  # all blocks' first points at once: most have none
    fill_words(key, entity, 0, lowest)
    low, high = np.uint64(entity) & _LOW_32, np.uint64(entity) >> _SHIFT_32
    key_low, key_high = key & _LOW_32, key >> _SHIFT_32
    for part in range(per_lane):
        top = highest[part]
        if not top > 0.0:
            continue
        none = math.exp(-top)
        for lane in range(lanes):
            block = np.uint64(lane * per_lane + part)
            at = 4 * int(block)
            one, two = np.uint64(lowest[at]), np.uint64(lowest[at + 1])
            u = _uniform(one, two)
            if u <= none:  # nearly always: the logarithm need not be taken
                continue
            three, four = np.uint64(lowest[at + 2]), np.uint64(lowest[at + 3])
            height, point = -math.log(u), 0
            while height < top:
                position = part * BLOCK + int(two & _PLACE)
                if position < positions and height < limits[position]:
                    if found == room:
                        rows, first, second = _doubled(rows), _doubled(first), _doubled(second)
                        room *= 2
                    rows[found] = lane * positions + position
                    first[found] = np.uint32(three)
                    second[found] = np.uint32(four)
                    found += 1
                point += 1
                one, two, three, four = philox(block, np.uint64(point), low, high, key_low, key_high)
                height -= math.log(_uniform(one, two))
    return rows[:found], first[:found], second[:found]


@kernel
def _uniform(one: np.uint64, two: np.uint64) -> float:
    """Midpoint of the cell of (0, 1) that 52 bits of two words name."""
    return float((np.float64((one << np.uint64(20)) | (two >> np.uint64(12))) + 0.5) * 2.0**-52)


@kernel
def _doubled(values):  # type: ignore[no-untyped-def]
    """The same values with as much room again behind them."""
    out = np.empty(2 * values.size, values.dtype)
    out[: values.size] = values
    return out


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
