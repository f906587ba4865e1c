"""Racks: cells of grade A, matched by their readings across lots into strings in series."""

from __future__ import annotations

import math

import numpy as np

from cellfab.core.lot import Lot

NEEDED = ("match_least_ah", "match_width_ah", "match_least_mohm", "match_width_mohm", "cells_in_series")
"""Facts in a graded lot's attributes: where bins start, how wide they are, and cells in a string."""
GRADE_A = 1


class Racks:
    """Strings made of the cells of one product, in the order in which lots are finished.

    A cell waits in the open string of its bin until that is full.

    Attributes
    ----------
    strings : int
        Complete ones.
    cells : int
        Cells of grade A so far, in strings or waiting.
    """

    def __init__(self) -> None:
        from cellfab.kernels.matching import CAPACITY_BINS, RESISTANCE_BINS

        bins = CAPACITY_BINS * RESISTANCE_BINS
        self.strings = 0
        self.cells = 0
        self._open = np.zeros(bins, np.int64), np.zeros(bins), np.zeros(bins)
        self._usable_ah = 0.0
        self._held_ah = 0.0

    def add(self, lot: Lot) -> None:
        """Match the living cells of grade A of a finished lot; of one that was not graded there are none."""
        from cellfab.kernels.matching import MatchLaw, match_cells

        facts, columns = lot.attributes, lot.columns
        if "grade" not in columns or not all(name in facts for name in NEEDED):
            return
        least_ah, width_ah, least_mohm, width_mohm, cells = (facts[name] for name in NEEDED)
        fit = lot.alive() & (columns["grade"] == GRADE_A)
        found = match_cells(
            MatchLaw(least_ah, width_ah, least_mohm, width_mohm, int(cells)), fit, columns["capacity_measured_ah"],
            columns["dcir_measured_mohm"], columns["capacity_ah"], *self._open,
        )  # fmt: skip
        self.cells += int(np.count_nonzero(fit))
        self.strings += found.strings
        self._usable_ah += found.usable_ah
        self._held_ah += found.held_ah

    @property
    def waiting(self) -> int:
        """Cells in strings that are not full."""
        return int(self._open[0].sum())

    @property
    def usable_fraction(self) -> float:
        """Share of the true capacity in strings that their weakest cells leave usable; NaN before the first is full."""
        return self._usable_ah / self._held_ah if self.strings else math.nan
