"""Electrodes of a cell out of consecutive good segments of a lane, and what cells inherit from them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel

_STRIDE = 32


@kernel
def count_good(exit_code: npt.NDArray[np.int16], skip: int, good: npt.NDArray[np.int64]) -> None:
    """Good segments per lane behind the first `skip` of them: `good`, shape (lanes,), is filled."""
    positions = exit_code.size // good.size
    for lane in range(good.size):
        count = 0
        for row in range(lane * positions, (lane + 1) * positions):
            count += exit_code[row] == 0
        good[lane] = max(count - skip, 0)


@kernel
def take_good(
    exit_code: npt.NDArray[np.int16], skip: int, wanted: npt.NDArray[np.int64], rows: npt.NDArray[np.int32]
) -> None:
    """List the first `wanted` good segments of each lane, behind the first `skip` of them.

    Parameters
    ----------
    exit_code : ndarray of int16, shape (lanes * positions,)
        0 where a segment is good; lane-major.
    skip : int
        Good segments lost at the start of each daughter roll (threading, leader and tail).
    wanted : ndarray of int64, shape (lanes,)
        At most what `count_good` finds.
    rows : ndarray of int32, shape (sum of wanted + 1,)
        Filled; the last element is room to write to.
    """
    positions = exit_code.size // wanted.size
    taken = 0
    for lane in range(wanted.size):
        row = lane * positions
        passed = 0
        while passed < skip and wanted[lane] > 0:
            passed += exit_code[row] == 0
            row += 1
        end = taken + wanted[lane]
        while taken < end:
            rows[taken] = row
            taken += exit_code[row] == 0
            row += 1


@kernel
def take_cells(
    cathode_code: npt.NDArray[np.int16],
    anode_code: npt.NDArray[np.int16],
    lanes: int,
    cathode_pieces: int,
    anode_pieces: int,
    cathode_skip: int,
    anode_skip: int,
    cathode_rows: npt.NDArray[np.int32],
    anode_rows: npt.NDArray[np.int32],
) -> int:
    """Deal the good segments of both webs out to cells, lane by lane, until one web has too few for another cell.

    Parameters
    ----------
    cathode_code, anode_code : ndarray of int16, shape (lanes * positions,)
        0 where a segment is good; lane-major. The webs may differ in length.
    lanes : int
        Of either web.
    cathode_pieces, anode_pieces : int
        Segments of a cell.
    cathode_skip, anode_skip : int
        Good segments lost at the start of each daughter roll.
    cathode_rows, anode_rows : ndarray of int32, shape (lanes * positions + 1,)
        Filled from the front: the segments of the cells, cell by cell.

    Returns
    -------
    int
        Cells.
    """
    cathodes, anodes = np.empty(lanes, np.int64), np.empty(lanes, np.int64)
    count_good(cathode_code, cathode_skip, cathodes)
    count_good(anode_code, anode_skip, anodes)
    cells = 0
    for lane in range(lanes):
        dealt = min(cathodes[lane] // cathode_pieces, anodes[lane] // anode_pieces)
        cathodes[lane], anodes[lane] = dealt * cathode_pieces, dealt * anode_pieces
        cells += dealt
    take_good(cathode_code, cathode_skip, cathodes, cathode_rows)
    take_good(anode_code, anode_skip, anodes, anode_rows)
    return cells


@kernel
def areal_capacities(
    rows: npt.NDArray[np.int32],
    loading: npt.NDArray[np.float32],
    active: npt.NDArray[np.float32],
    specific: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> float:
    """Areal capacity of every piece: loading x active fraction x specific capacity.

    Parameters
    ----------
    rows : ndarray of int32, shape (n,)
        Each piece's segment.
    loading, active, specific : ndarray of float32, shape (segments,)
        mg/cm2, mass fraction, mAh/g.
    out : ndarray of float32, shape (n,)
        Filled, mAh/cm2.

    Returns
    -------
    float
        Sum of the pieces' loadings, mg/cm2.
    """
    for i in range(rows.size):
        at = rows[i]
        out[i] = loading[at] * active[at] * specific[at] * np.float32(1e-3)
    # Eight sums at once, because one alone waits for each addition.
    a, b, c, d, e, f, g, h = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    whole = rows.size - rows.size % 8
    for i in range(0, whole, 8):
        a += np.float64(loading[rows[i]])
        b += np.float64(loading[rows[i + 1]])
        c += np.float64(loading[rows[i + 2]])
        d += np.float64(loading[rows[i + 3]])
        e += np.float64(loading[rows[i + 4]])
        f += np.float64(loading[rows[i + 5]])
        g += np.float64(loading[rows[i + 6]])
        h += np.float64(loading[rows[i + 7]])
    total = a + b + c + d + e + f + g + h
    for i in range(whole, rows.size):
        total += loading[rows[i]]
    return float(total)


@kernel
def inherit(
    rows: npt.NDArray[np.int32],
    loading: npt.NDArray[np.float32],
    active: npt.NDArray[np.float32],
    specific: npt.NDArray[np.float32],
    porosity: npt.NDArray[np.float32],
    moisture: npt.NDArray[np.float32],
    burr: npt.NDArray[np.float32],
    areal_of_piece: npt.NDArray[np.float32],
    mean_porosity: npt.NDArray[np.float32],
    mean_moisture: npt.NDArray[np.float32],
    highest_burr: npt.NDArray[np.float32],
) -> float:
    """What cells have of either electrode: `areal_capacities`, two means and the highest burr, in one call.

    Rows of shape (n * pieces,), values by segment; `areal_of_piece` of the shape of rows, the others of shape (n,).

    Returns
    -------
    float
        Sum of the pieces' loadings, mg/cm2.
    """
    mean_of_pieces(rows, porosity, mean_porosity)
    mean_of_pieces(rows, moisture, mean_moisture)
    highest_of_pieces(rows, burr, highest_burr)
    used: float = areal_capacities(rows, loading, active, specific, areal_of_piece)
    return used


@kernel
def least_ratio(
    cathode: npt.NDArray[np.float32], anode: npt.NDArray[np.float32], neighbours: int, out: npt.NDArray[np.float32]
) -> None:
    """Lowest N/P ratio of the pieces of a cell that face each other.

    Parameters
    ----------
    cathode, anode : ndarray of float32, shapes (n * pieces,) and (n * (pieces + neighbours - 1),)
        Areal capacities of the pieces, cell by cell, mAh/cm2.
    neighbours : int
        Anode pieces that one cathode piece faces: 1 in a roll, 2 in a stack that begins and ends with an anode.
    out : ndarray of float32, shape (n,)
        Filled.
    """
    pieces = cathode.size // max(out.size, 1)
    anodes = pieces + neighbours - 1
    if pieces == 1 and neighbours == 1:
        for i in range(out.size):
            out[i] = anode[i] / cathode[i]
        return
    ratio = np.empty(pieces, np.float32)
    for i in range(out.size):
        first, facing = i * pieces, i * anodes
        for piece in range(pieces):
            one, other = anode[facing + piece], anode[facing + piece + neighbours - 1]
            ratio[piece] = (one if one < other else other) / cathode[first + piece]
        a, b, c, d = ratio[0], ratio[0], ratio[0], ratio[0]
        fours = pieces - pieces % 4
        for k in range(0, fours, 4):  # four at once, because one alone waits for each comparison
            a = ratio[k] if ratio[k] < a else a
            b = ratio[k + 1] if ratio[k + 1] < b else b
            c = ratio[k + 2] if ratio[k + 2] < c else c
            d = ratio[k + 3] if ratio[k + 3] < d else d
        for k in range(fours, pieces):
            a = ratio[k] if ratio[k] < a else a
        a, c = (a if a < b else b), (c if c < d else d)
        out[i] = a if a < c else c


@kernel
def mean_of_pieces(rows: npt.NDArray[np.int32], values: npt.NDArray[np.float32], out: npt.NDArray[np.float32]) -> None:
    """Mean over the pieces of each cell: rows of shape (n * pieces,), values by segment, out of shape (n,)."""
    pieces = rows.size // max(out.size, 1)
    if pieces == 1:
        for i in range(out.size):
            out[i] = values[rows[i]]
        return
    share = np.float32(1.0 / max(pieces, 1))
    for i in range(out.size):
        a, b, c, d = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
        first, end = i * pieces, (i + 1) * pieces
        fours = end - pieces % 4
        for k in range(first, fours, 4):  # four sums at once, because one alone waits for each addition
            a += values[rows[k]]
            b += values[rows[k + 1]]
            c += values[rows[k + 2]]
            d += values[rows[k + 3]]
        for k in range(fours, end):
            a += values[rows[k]]
        out[i] = (a + b + c + d) * share


@kernel
def mean_of_neighbours(values: npt.NDArray[np.float32], out: npt.NDArray[np.float32]) -> None:
    """Mean over the pieces of each cell: values of shape (n * pieces,), cell by cell, out of shape (n,)."""
    pieces = values.size // max(out.size, 1)
    share = np.float32(1.0 / max(pieces, 1))
    for i in range(out.size):
        total = np.float32(0.0)
        for k in range(i * pieces, (i + 1) * pieces):
            total += values[k]
        out[i] = total * share


@kernel
def highest_of_pieces(
    rows: npt.NDArray[np.int32], values: npt.NDArray[np.float32], out: npt.NDArray[np.float32]
) -> None:
    """Highest over the pieces of each cell; shapes as in `mean_of_pieces`."""
    pieces = rows.size // max(out.size, 1)
    if pieces == 1:
        for i in range(out.size):
            out[i] = values[rows[i]]
        return
    for i in range(out.size):
        highest = values[rows[i * pieces]]
        for k in range(i * pieces + 1, (i + 1) * pieces):
            value = values[rows[k]]
            highest = max(highest, value) + np.float32(0.0) * value  # a maximum may pass over NaN
        out[i] = highest


@kernel
def add_over_pieces(rows: npt.NDArray[np.int32], values: npt.NDArray[np.uint8], out: npt.NDArray[np.uint8]) -> None:
    """Add the sum over the pieces of each cell to `out`, at most 255 in all, for values that are seldom not 0.

    Parameters
    ----------
    rows : ndarray of int32, shape (n * pieces,)
        Segments of the cells, ascending.
    values : ndarray of uint8, shape (segments,)
    out : ndarray of uint8, shape (n,)
        Added to.
    """
    pieces = rows.size // max(out.size, 1)
    place = 0
    for first in range(0, values.size, _STRIDE):
        end = min(first + _STRIDE, values.size)
        some = np.uint8(0)
        for row in range(first, end):
            some |= values[row]
        if some == 0:
            continue
        for row in range(first, end):
            if values[row] == 0:
                continue
            above = rows.size
            while place < above:  # the place of the row among the ascending rows
                middle = (place + above) // 2
                if rows[middle] < row:
                    place = middle + 1
                else:
                    above = middle
            if place < rows.size and rows[place] == row:
                out[place // pieces] = min(int(out[place // pieces]) + int(values[row]), 255)


@kernel
def raise_over_pieces(
    rows: npt.NDArray[np.int32], values: npt.NDArray[np.float32], out: npt.NDArray[np.float32]
) -> None:
    """Raise `out` to the highest value of each cell's pieces, for values that are seldom not 0; NaN stays.

    Parameters
    ----------
    rows : ndarray of int32, shape (n * pieces,)
        Segments of the cells, ascending.
    values : ndarray of float32, shape (segments,)
        Not negative.
    out : ndarray of float32, shape (n,)
        Changed.
    """
    pieces = rows.size // max(out.size, 1)
    none = np.float32(0.0)
    place = 0
    for first in range(0, values.size, _STRIDE):
        part = values[first : first + _STRIDE]
        some = np.uint8(0)
        for j in range(part.size):
            some |= np.uint8(not (part[j] <= none))
        if some == 0:
            continue
        for j in range(part.size):
            if part[j] <= none:
                continue
            row, above = first + j, rows.size
            while place < above:  # the place of the row among the ascending rows
                middle = (place + above) // 2
                if rows[middle] < row:
                    place = middle + 1
                else:
                    above = middle
            if place < rows.size and rows[place] == row:
                cell = place // pieces
                out[cell] = max(out[cell], part[j]) + none * part[j]  # a maximum may pass over NaN
