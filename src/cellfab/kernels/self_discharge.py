"""Self-discharge of a lot under test: what each cell loses, what is read, and the limit each tray sets for itself."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel

_TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation, for a normal law."""
FEWEST = 8
"""A tray with fewer cells borrows the mean limit of the others: its own deviation would be a guess (assumption)."""


class RestLaw(NamedTuple):
    """What self-discharge and its measurement make of a cell: K in mV/d, or a current in uA/Ah; as floats."""

    chemical: float
    """Median reading of a cell without a short."""
    chemical_log_sd: float
    per_siemens_ah: float
    """What a short of 1 S adds in a cell of 1 Ah."""
    grown_d: float
    """A short that needs more days than these does not conduct in the test."""
    noise: float
    sigmas: float
    """Robust standard deviations above the tray's median at which a cell is rejected."""


class Seen(NamedTuple):
    """Cells that came, by what the tests make of their shorts; rejects of either test without one; all of them."""

    seen: int
    missed: int
    dormant: int
    sound_1: int
    sound_2: int
    rejected_1: int
    rejected_2: int


@kernel
def rest_cells(
    law: RestLaw,
    z_chemical: npt.NDArray[np.float32],
    z_reading: npt.NDArray[np.float32],
    capacity_ah: npt.NDArray[np.float32],
    siemens: npt.NDArray[np.float32],
    delay_d: npt.NDArray[np.float32],
    position: npt.NDArray[np.int32],
    cells_per_tray: int,
    came: npt.NDArray[np.bool_],
    true: npt.NDArray[np.float32],
    read: npt.NDArray[np.float32],
    high: npt.NDArray[np.uint8],
) -> None:
    """Let every cell of a lot rest, measure it, and mark what stands out of its tray.

    Parameters
    ----------
    law : RestLaw
        Constants.
    z_chemical, z_reading : ndarray of float32, shape (n,)
        Normal numbers: chemical self-discharge, and reading.
    capacity_ah : ndarray of float32, shape (n,)
        True capacity.
    siemens, delay_d : ndarray of float32, shape (n,)
        Shorts, and days until they conduct.
    position : ndarray of int32, shape (n,)
        Place of each cell, counted through all trays.
    cells_per_tray : int
        Places of a tray.
    came : ndarray of bool, shape (n,)
        Cells that are tested; the others are never marked.
    true, read : ndarray of float32, shape (n,)
        Filled, in the unit of the law.
    high : ndarray of uint8, shape (n,)
        Filled: 1 where the reading is above the tray's limit, or NaN.
    """
    n = high.size
    fill_lognormal(z_chemical, law.chemical, law.chemical_log_sd, true)
    rare = np.empty(n + 1, np.int32)  # the few cells with a short
    few = 0
    for i in range(n):
        rare[few] = i
        few += not (siemens[i] + delay_d[i] <= np.float32(0.0))
    for at in range(few):
        i = rare[at]
        if math.isnan(siemens[i] + delay_d[i]):
            true[i] = np.nan
        elif siemens[i] > np.float32(0.0) and delay_d[i] <= np.float32(law.grown_d):
            true[i] += np.float32(law.per_siemens_ah) * siemens[i] / capacity_ah[i]
    noise = np.float32(law.noise)
    for i in range(n):
        read[i] = true[i] + noise * z_reading[i]
    limit = np.empty(n, np.float32)
    tray_limits(read, position, cells_per_tray, came, law.sigmas, limit)
    for i in range(n):
        high[i] = np.uint8(not (read[i] <= limit[i])) & np.uint8(came[i])  # or NaN


@kernel
def count_shorts(
    siemens: npt.NDArray[np.float32],
    delay_d: npt.NDArray[np.float32],
    grown_d: float,
    came: npt.NDArray[np.bool_],
    reason: npt.NDArray[np.uint8],
    codes: npt.NDArray[np.int16],
    exit_code: npt.NDArray[np.int16],
) -> Seen:
    """Scrap what the tests reject; sort shorts by whether a test saw them, and rejects by whether they have one.

    Parameters
    ----------
    siemens, delay_d, grown_d
        As in `rest_cells` and `RestLaw`.
    came : ndarray of bool, shape (n,)
        Cells that were tested.
    reason : ndarray of uint8, shape (n,)
        0, or which of the tests (1, 2) rejects the cell; 0 for cells that did not come.
    codes : ndarray of int16, shape (2,)
        Exit codes of these tests.
    exit_code : ndarray of int16, shape (n,)
        Those rejected get their code.
    """
    seen, missed, dormant, sound_1, sound_2 = 0, 0, 0, 0, 0
    rejected_1, rejected_2 = 0, 0
    rare = np.empty(reason.size + 1, np.int32)
    few = 0
    for i in range(reason.size):
        rare[few] = i
        few += (siemens[i] > np.float32(0.0)) | (reason[i] > 0)
    for at in range(few):
        i = rare[at]
        conducts = False
        if siemens[i] > np.float32(0.0) and came[i]:
            conducts = delay_d[i] <= np.float32(grown_d)
            seen += conducts and reason[i] > 0
            missed += conducts and reason[i] == 0
            dormant += not conducts and reason[i] == 0
        if reason[i] > 0:
            exit_code[i] = codes[reason[i] - 1]
            rejected_1 += reason[i] == 1
            rejected_2 += reason[i] == 2
        if reason[i] > 0 and not conducts:
            sound_1 += reason[i] == 1
            sound_2 += reason[i] == 2
    return Seen(seen, missed, dormant, sound_1, sound_2, rejected_1, rejected_2)


_LOG2_E = np.float32(1.4426950408889634)
_POWERS = np.array([np.log(2.0) ** k / float(np.prod(np.arange(1, k + 1))) for k in range(7)]).astype(np.float32)
_P0, _P1, _P2, _P3, _P4, _P5, _P6 = _POWERS


@kernel
def fill_lognormal(z: npt.NDArray[np.float32], median: float, log_sd: float, out: npt.NDArray[np.float32]) -> None:
    """Fill ``out = median * exp(log_sd * z)``, relative error below 1e-6, by a power of two and a series.

    The library's exponential is called number by number; this one vectorises. Exponents are kept within 2**+-120.
    """
    per_z, level = np.float32(log_sd) * _LOG2_E, np.float32(median)
    bits = np.empty(z.size, np.int32)
    power = bits.view(np.float32)
    for i in range(z.size):
        y = min(max(per_z * z[i], np.float32(-120.0)), np.float32(120.0))
        whole = np.floor(y + np.float32(0.5))
        f = y - whole
        bits[i] = (np.int32(whole) + np.int32(127)) << np.int32(23)
        out[i] = level * (_P0 + f * (_P1 + f * (_P2 + f * (_P3 + f * (_P4 + f * (_P5 + f * _P6))))))
    for i in range(z.size):
        out[i] *= power[i]


@kernel
def tray_limits(
    values: npt.NDArray[np.float32],
    position: npt.NDArray[np.int32],
    cells_per_tray: int,
    came: npt.NDArray[np.bool_],
    sigmas: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Limit of each cell's tray: median plus `sigmas` robust standard deviations (1.4826 times the median deviation).

    Parameters
    ----------
    values : ndarray of float32, shape (n,)
        What is measured.
    position : ndarray of int32, shape (n,)
        Place of each cell, counted through all trays; of cells that did not come it is not looked at.
    cells_per_tray : int
        Places of a tray.
    came : ndarray of bool, shape (n,)
        Cells that are in the trays.
    sigmas : float
        Robust standard deviations above the median.
    out : ndarray of float32, shape (n,)
        Filled; infinite for cells that did not come.
    """
    n, last = values.size, -1
    for i in range(n):
        if came[i]:
            last = max(last, position[i])
    tray = np.empty(n, np.int32)
    places, most = cells_per_tray, 0
    while True:
        trays = max(last, 0) // places + 1
        grid = np.empty(places * trays, np.float32)  # a tray is a column: trays are sorted abreast
        count = np.empty(trays, np.int32)
        grid[:] = np.float32(np.inf)
        count[:] = 0
        inside, start = 0, 0
        for i in range(n):
            if came[i]:
                place = position[i] - start
                if place < 0 or place >= places:  # seldom: cells come in the order of their places
                    inside = position[i] // places
                    start = inside * places
                    place = position[i] - start
                if values[i] < np.float32(np.inf):  # a NaN would spoil the order of its tray
                    grid[place * trays + inside] = values[i]
            tray[i] = inside
        for i in range(places):
            row = grid[i * trays : (i + 1) * trays]
            for t in range(trays):
                count[t] += np.int32(row[t] < np.float32(np.inf))
        for t in range(trays):
            most = max(most, count[t])
        if most >= FEWEST or places > last:
            break
        places = last + 1  # no tray can judge itself: the lot is one

    middle, limit = np.empty(trays, np.float32), np.empty(trays, np.float32)
    middle[:] = np.float32(0.0)
    limit[:] = np.float32(0.0)
    for turn in range(2):  # the median, then the median distance from it
        weight = np.float32(1.0 if turn == 0 else sigmas * _TO_SIGMA)
        for i in range(places):
            row = grid[i * trays : (i + 1) * trays]
            for t in range(trays):
                row[t] = abs(row[t] - middle[t]) if turn > 0 else row[t]
        sort_columns(grid, places)
        for t in range(trays):
            if count[t] > 0:
                low, high = grid[(count[t] - 1) // 2 * trays + t], grid[count[t] // 2 * trays + t]
                middle[t] = (low + high) * np.float32(0.5)
                limit[t] += weight * middle[t]
    total, full = 0.0, 0
    for t in range(trays):
        if count[t] >= FEWEST:
            total += np.float64(limit[t])
            full += 1
    for t in range(trays):
        if count[t] < FEWEST and full > 0:
            limit[t] = total / full
    for i in range(n):
        out[i] = limit[tray[i]] if came[i] else np.float32(np.inf)


@kernel
def sort_columns(grid: npt.NDArray[np.float32], rows: int) -> None:
    """Sort each column of a table in place, ascending, all columns abreast.

    Batcher's merge exchange (Knuth, The Art of Computer Programming 3, algorithm 5.2.2 M): the pairs it compares do
    not depend on the values, so that columns are compared side by side without a branch. Of the pairs (i, i + d) with
    i & p = r, those with neighbouring i are compared together: rows lie one behind the other.

    Parameters
    ----------
    grid : ndarray of float32, shape (rows * columns,)
        Row by row.
    rows : int
        At least 1.
    """
    columns = grid.size // rows
    top = 1
    while 2 * top < rows:
        top *= 2
    step = top
    while step > 0:
        reach, rest, distance = top, 0, step
        while True:
            for i in range(rest, rows - distance, 2 * step):
                first, far, m = i * columns, (i + distance) * columns, min(step, rows - distance - i) * columns
                upper, lower = grid[first : first + m], grid[far : far + m]
                for t in range(m):
                    a, b = upper[t], lower[t]
                    upper[t] = min(a, b)
                    lower[t] = max(a, b)
            if reach == step:
                break
            distance = reach - step
            reach //= 2
            rest = step
        step //= 2
