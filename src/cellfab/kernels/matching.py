"""Matching: graded cells are dealt into bins of like readings, and each bin fills one string of cells after another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel

CAPACITY_BINS, RESISTANCE_BINS = 64, 32
"""Per axis; readings beyond the last bin count to it."""


class MatchLaw(NamedTuple):
    """Which cells stand together in a string, as numbers; a width of 0 makes one bin of all."""

    least_ah: float
    """Start of the first bin of capacity."""
    width_ah: float
    least_mohm: float
    width_mohm: float
    cells: int
    """In a string."""


class Matched(NamedTuple):
    """Strings that some cells have completed."""

    strings: int
    usable_ah: float
    """Cells of a string times its least true capacity, over all strings: the weakest cell ends a discharge."""
    held_ah: float
    """True capacity of all cells in them."""


@kernel
def match_cells(
    law: MatchLaw,
    fit: npt.NDArray[np.bool_],
    read_ah: npt.NDArray[np.float32],
    read_mohm: npt.NDArray[np.float32],
    capacity_ah: npt.NDArray[np.float32],
    waiting: npt.NDArray[np.int64],
    least_ah: npt.NDArray[np.float64],
    sum_ah: npt.NDArray[np.float64],
) -> Matched:
    """Put every fit cell into the open string of its bin.

    Parameters
    ----------
    law : MatchLaw
    fit : ndarray of bool, shape (n,)
        Cells that are matched.
    read_ah, read_mohm : ndarray of float32, shape (n,)
        Readings, which decide about the bin.
    capacity_ah : ndarray of float32, shape (n,)
        True capacity.
    waiting, least_ah, sum_ah : ndarray, shape (CAPACITY_BINS * RESISTANCE_BINS,)
        The open string of each bin: its cells, their least and their total true capacity. Changed; all zero at first.
    """
    strings, usable, held = 0, 0.0, 0.0
    per_ah = 1.0 / law.width_ah if law.width_ah > 0.0 else 0.0
    per_mohm = 1.0 / law.width_mohm if law.width_mohm > 0.0 else 0.0
    for i in range(fit.size):
        if not fit[i]:
            continue
        row = min(max(int((read_ah[i] - law.least_ah) * per_ah), 0), CAPACITY_BINS - 1)
        at = row * RESISTANCE_BINS + min(max(int((read_mohm[i] - law.least_mohm) * per_mohm), 0), RESISTANCE_BINS - 1)
        least_ah[at] = min(least_ah[at], np.float64(capacity_ah[i])) if waiting[at] > 0 else np.float64(capacity_ah[i])
        sum_ah[at] += capacity_ah[i]
        waiting[at] += 1
        if waiting[at] == law.cells:
            strings += 1
            usable += law.cells * least_ah[at]
            held += sum_ah[at]
            waiting[at] = 0
            sum_ah[at] = 0.0
    return Matched(strings, usable, held)
