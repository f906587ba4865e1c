"""Rows of a web: a field drawn over lanes and positions, and the few rows that a gauge has to decide about.

Segment (lane, position) is row ``lane * positions + position``. Its random numbers bear the number that it has on the
roll as planned, ``lane * planned + position``: a roll cut short keeps the numbers of what is left. Most rows are clear
of every limit, so the search looks at a block of rows at once and only then at each; there it writes every number and
keeps it by moving on, for a jump that cannot be foreseen costs more than a needless write.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random_rows import fill_row_normals

GAUGE_REACH = 4.0
"""Standard deviations at which a gauge's error is cut off: what lies further from a limit need not be read."""
_BLOCK = 64


@kernel
def lay_field(
    base: float,
    across: npt.NDArray[np.float32],
    per_position: npt.NDArray[np.float32],
    along: npt.NDArray[np.float32],
    noise: float,
    z: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    """Fill ``out[lane, position] = base + across[lane] + per_position[lane] position + along[position] + noise z``.

    Parameters
    ----------
    base : float
    across, per_position : ndarray of float32, shape (lanes,)
        Offset of each lane, and what it gains from one position to the next.
    along : ndarray of float32, shape (positions,)
    noise : float
        1 sigma of what single segments have of their own.
    z : ndarray of float32, shape (lanes * planned,)
        Standard normal numbers of the roll as planned.
    out : ndarray of float32, shape (lanes * positions,)
        Written; may be `z` itself where the roll is as planned.
    """
    lanes, positions = across.size, along.size
    planned = z.size // max(lanes, 1)
    own = np.float32(noise)
    for lane in range(lanes):
        start, slope = np.float32(base) + across[lane], per_position[lane]
        drawn = z[lane * planned : lane * planned + positions]
        row = out[lane * positions : (lane + 1) * positions]
        for position in range(positions):
            row[position] = start + slope * np.float32(position) + along[position] + own * drawn[position]


@kernel
def doubtful_rows(
    values: npt.NDArray[np.float32],
    low: float,
    high: float,
    positions: int,
    planned: int,
    exit_code: npt.NDArray[np.int16],
    rows: npt.NDArray[np.int32],
) -> int:
    """Numbers of the living rows whose value is not within [low, high]; NaN is not.

    Parameters
    ----------
    values : ndarray of float32, shape (n,)
    low, high : float
    positions, planned : int
        Of a lane, and of a lane as planned.
    exit_code : ndarray of int16, shape (n,)
    rows : ndarray of int32, shape (n,)
        Written from the front: numbers on the roll as planned.

    Returns
    -------
    int
        How many.
    """
    least, most = np.float32(low), np.float32(high)
    found = 0
    doubtful = np.empty(_BLOCK, np.uint8)
    for start in range(0, values.size, _BLOCK):
        part, codes = values[start : start + _BLOCK], exit_code[start : start + _BLOCK]
        hits = np.int32(0)
        for i in range(part.size):
            doubtful[i] = np.uint8(not ((part[i] >= least) & (part[i] <= most))) & np.uint8(codes[i] == 0)
            hits += np.int32(doubtful[i])
        if hits > 0:
            for i in range(part.size):
                rows[found] = start + i
                found += int(doubtful[i])
    if planned != positions:
        for i in range(found):
            rows[i] += rows[i] // np.int32(positions) * np.int32(planned - positions)
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
    positions: int,
    planned: int,
    code: int,
    exit_code: npt.NDArray[np.int16],
) -> tuple[int, int]:
    """Read the values of some rows with error and scrap those that read outside [low, high], or as no number.

    Reading = (value + z (absolute + relative value)) exp(log_spread z), z cut off at `GAUGE_REACH`.

    Parameters
    ----------
    rows : ndarray of int32, shape (m,)
        Numbers on the roll as planned.
    z : ndarray of float32, shape (m,)
        Standard normal numbers of those rows.
    values : ndarray of float32, shape (n,)
    absolute, relative, log_spread : float
        1 sigma of the gauge, in the values' unit, relative to the value, and of its logarithm.
    low, high : float
    positions, planned : int
        As in `doubtful_rows`.
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
    missing = np.int32(planned - positions)
    for i in range(rows.size):
        row = rows[i] if missing == 0 else rows[i] - rows[i] // np.int32(planned) * missing
        value = float(values[row])
        error = min(max(float(z[i]), -GAUGE_REACH), GAUGE_REACH)
        read = value + error * (absolute + relative * value)
        if log_spread > 0.0:
            read *= math.exp(log_spread * error)
        off = not low <= read <= high
        exit_code[row] = code if off else exit_code[row]
        scrapped += off
        sound += off and low <= value <= high
    return scrapped, sound


@kernel
def gauge_rows(
    key: np.uint64,
    entity: int,
    values: npt.NDArray[np.float32],
    clear_low: float,
    clear_high: float,
    low: float,
    high: float,
    absolute: float,
    relative: float,
    log_spread: float,
    positions: int,
    planned: int,
    code: int,
    exit_code: npt.NDArray[np.int16],
    rows: npt.NDArray[np.int32],
) -> tuple[int, int]:
    """Read the living rows that the gauge's error could put outside [low, high], and scrap those that it does.

    `doubtful_rows` of [clear_low, clear_high], read as `judge_rows` says, with the normal numbers that `fill_normal`
    would give to the roll as planned; `rows`, shape (n,), is room to work in.

    Returns
    -------
    tuple of int
        Rows scrapped, and those among them whose true value is within [low, high].
    """
    found = doubtful_rows(values, clear_low, clear_high, positions, planned, exit_code, rows)
    if found == 0:
        return 0, 0
    z = np.empty(found, np.float32)
    fill_row_normals(key, entity, rows[:found], z)
    judged: tuple[int, int] = judge_rows(
        rows[:found], z, values, absolute, relative, log_spread, low, high, positions, planned, code, exit_code
    )  # fmt: skip
    return judged
