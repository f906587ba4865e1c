"""Rows of a web: a field drawn over lanes and positions, and the few rows that a gauge has to decide about.

Segment (lane, position) is row ``lane * positions + position``. Its random numbers bear the number that it has on the
roll as planned, ``lane * planned + position``: a roll cut short keeps the numbers of what is left. All goes lane by
lane, so that what is known of a lane stays in the L1 cache.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import fill_words_from, normals_of_words

GAUGE_REACH = 4.0
"""Standard deviations at which a gauge's error is cut off: what lies further from a limit need not be read."""


@kernel
def lay_field(
    key: np.uint64,
    entity: int,
    planned: int,
    base: float,
    scale: float,
    across: npt.NDArray[np.float32],
    per_position: npt.NDArray[np.float32],
    along: npt.NDArray[np.float32],
    noise: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Lay ``base + scale (across[lane] + per_position[lane] position + along[position]) + noise`` over a web.

    Parameters
    ----------
    key : numpy.uint64
        Stream of the noise, standard normal numbers of the roll as planned.
    entity : int
        The web.
    planned : int
        Positions as planned.
    base, scale : float
    across, per_position : ndarray of float32, shape (lanes,)
        Offset of each lane, and what it gains from one position to the next.
    along : ndarray of float32, shape (positions,)
    noise : float
        1 sigma of what single segments have of their own.
    out : ndarray of float32, shape (lanes * positions,)
        Written.
    """
    positions = along.size
    own, times = np.float32(noise), np.float32(scale)
    words, z = np.empty(positions + 3, np.uint32), np.empty(positions, np.float32)
    for lane in range(across.size):
        normals_of_words(fill_words_from(key, entity, lane * planned, words), z)
        start, slope = np.float32(base) + times * across[lane], times * per_position[lane]
        row = out[lane * positions : (lane + 1) * positions]
        for position in range(positions):
            row[position] = start + slope * np.float32(position) + times * along[position] + own * z[position]


@kernel
def lay_columns(
    of_charge: npt.NDArray[np.float32],
    charge: npt.NDArray[np.int32],
    of_lane: npt.NDArray[np.float32],
    by_charge: npt.NDArray[np.float32],
    charge_of_row: npt.NDArray[np.int16],
    by_lane: npt.NDArray[np.float32],
) -> None:
    """Give every row what its charge and its lane have.

    Parameters
    ----------
    of_charge : ndarray of float32, shape (columns, charges)
    charge : ndarray of int32, shape (positions,)
        Charge of each position.
    of_lane : ndarray of float32, shape (lanes,)
    by_charge, charge_of_row, by_lane : ndarray, shapes (columns, n), (n,) and (n,), n = lanes * positions
        Written.
    """
    positions = charge.size
    for lane in range(of_lane.size):
        codes = charge_of_row[lane * positions : (lane + 1) * positions]
        own = by_lane[lane * positions : (lane + 1) * positions]
        for position in range(positions):
            codes[position] = charge[position]
            own[position] = of_lane[lane]
    for column in range(of_charge.shape[0]):
        values, first = of_charge[column], by_charge[column, :positions]
        for position in range(positions):
            first[position] = values[charge[position]]
        for lane in range(1, of_lane.size):
            row = by_charge[column, lane * positions : (lane + 1) * positions]
            for position in range(positions):
                row[position] = first[position]


@kernel
def doubtful_rows(
    values: npt.NDArray[np.float32],
    low: float,
    high: float,
    exit_code: npt.NDArray[np.int16],
    marks: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.int32],
) -> int:
    """Numbers of the living rows whose value is not within [low, high]; NaN is not.

    Most are within, so they are looked at eight at a time and only then one by one; there every number is written and
    kept by moving on, for a jump that cannot be foreseen costs more than a needless write.

    Parameters
    ----------
    values : ndarray of float32, shape (n,)
    low, high : float
    exit_code : ndarray of int16, shape (n,)
    marks : ndarray of uint8
        Room to work in: n, rounded up to eights; zeros behind n.
    rows : ndarray of int32
        As much room; written from the front.

    Returns
    -------
    int
        How many.
    """
    least, most = np.float32(low), np.float32(high)
    hits = np.int32(0)
    for i in range(values.size):
        marks[i] = np.uint8(not ((values[i] >= least) & (values[i] <= most))) & np.uint8(exit_code[i] == 0)
        hits += np.int32(marks[i])
    if hits == 0:
        return 0
    found, eights = 0, marks.view(np.uint64)
    for eight in range(eights.size):
        if eights[eight] > 0:
            for i in range(8 * eight, 8 * eight + 8):
                rows[found] = i
                found += int(marks[i])
    return found


@kernel
def judge_rows(
    rows: npt.NDArray[np.int32],
    z: npt.NDArray[np.float32],
    values: npt.NDArray[np.float32],
    absolute: float,
    relative: float,
    log_spread: float,
    low: float,
    high: float,
    code: int,
    exit_code: npt.NDArray[np.int16],
) -> tuple[int, int]:
    """Read the values of some living rows with error and scrap those that read outside [low, high], or as no number.

    Reading = (value + z (absolute + relative value)) exp(log_spread z), z cut off at `GAUGE_REACH`.

    Parameters
    ----------
    rows : ndarray of int32, shape (m,)
    z : ndarray of float32, shape (m,)
        Standard normal numbers of those rows.
    values : ndarray of float32, shape (n,)
    absolute, relative, log_spread : float
        1 sigma of the gauge, in the values' unit, relative to the value, and of its logarithm.
    low, high : float
    code : int
        Exit code of rows that read outside.
    exit_code : ndarray of int16, shape (n,)
        Changed.

    Returns
    -------
    tuple of int
        Rows scrapped, and those among them whose true value is within [low, high].
    """
    scrapped, sound = 0, 0
    for i in range(rows.size):  # without a jump that cannot be foreseen
        value = float(values[rows[i]])
        error = min(max(float(z[i]), -GAUGE_REACH), GAUGE_REACH)
        read = value + error * (absolute + relative * value)
        if log_spread > 0.0:
            read *= math.exp(log_spread * error)
        off = 1 - int((read >= low) & (read <= high))
        exit_code[rows[i]] = code * off
        scrapped += off
        sound += off & int((value >= low) & (value <= high))
    return scrapped, sound


@kernel
def gauge_rows(
    key: np.uint64,
    entity: int,
    values: npt.NDArray[np.float32],
    low: float,
    high: float,
    absolute: float,
    relative: float,
    log_spread: float,
    positions: int,
    planned: int,
    code: int,
    exit_code: npt.NDArray[np.int16],
) -> tuple[int, int]:
    """Read the living rows that the gauge's error could put outside [low, high], and scrap those that it does.

    `doubtful_rows` of what is clear of the limits, read as `judge_rows` says, with the normal numbers that
    `fill_normal` would give to the roll as planned.

    Returns
    -------
    tuple of int
        Rows scrapped, and those among them whose true value is within [low, high].
    """
    shrink, reach = math.exp(GAUGE_REACH * log_spread), 1.0 - GAUGE_REACH * relative
    clear_low = (low * shrink + GAUGE_REACH * absolute) / reach if reach > 0.0 else math.inf
    clear_high = (high / shrink - GAUGE_REACH * absolute) / (1.0 + GAUGE_REACH * relative)
    room = 8 * ((positions + 7) // 8)
    marks, rows = np.zeros(room, np.uint8), np.empty(room, np.int32)
    words, z = np.empty(positions + 3, np.uint32), np.empty(positions, np.float32)
    picked = np.empty(positions, np.uint32)
    scrapped, sound = 0, 0
    for lane in range(values.size // max(positions, 1)):
        here = values[lane * positions : (lane + 1) * positions]
        codes = exit_code[lane * positions : (lane + 1) * positions]
        found = doubtful_rows(here, clear_low, clear_high, codes, marks, rows)
        if found == 0:
            continue
        drawn = fill_words_from(key, entity, lane * planned, words)
        for i in range(found):
            picked[i] = drawn[rows[i]]
        normals_of_words(picked[:found], z[:found])
        off, right = judge_rows(
            rows[:found], z, here, absolute, relative, log_spread, low, high, code, codes
        )  # fmt: skip
        scrapped += off
        sound += right
    return scrapped, sound
