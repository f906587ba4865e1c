"""Racks: cells of one grade, matched by their readings across lots into strings in series."""

from __future__ import annotations

import math

import numpy as np

from cellfab.core.lot import Lot
from cellfab.kernels import AtFirstUse

matching = AtFirstUse("matching")

NEEDED = ("match_least_ah", "match_width_ah", "match_least_mohm", "match_width_mohm", "cells_in_series")
"""Facts in a graded lot's attributes: where bins start, how wide they are, and cells in a string; of a buyer's cells
with a point and its name behind them."""
GRADE_A = 1


def bins(
    least_ah: float, width_ah: float, rated_mohm: float, width_fraction: float, cells: int, buyer: str = ""
) -> dict[str, float]:
    """The facts above: bins of capacity from `least_ah` on, of resistance from half of the rated one on."""
    numbers = (least_ah, width_ah, 0.5 * rated_mohm, width_fraction * rated_mohm, float(cells))
    return dict(zip(_needed(buyer), numbers, strict=True))


def _needed(buyer: str) -> tuple[str, ...]:
    return tuple(f"{name}.{buyer}" for name in NEEDED) if buyer else NEEDED


class Racks:
    """Strings made of the cells of one product, in the order in which lots are finished.

    A cell waits in the open string of its bin until that is full.

    Parameters
    ----------
    grade : int
        Whose cells are matched.
    buyer : str
        Who takes that grade; empty where grades are A and B.

    Attributes
    ----------
    strings : int
        Complete ones.
    cells : int
        Cells of the grade so far, in strings or waiting.
    """

    def __init__(self, grade: int = GRADE_A, buyer: str = "") -> None:
        number = matching.CAPACITY_BINS * matching.RESISTANCE_BINS
        self.strings = 0
        self.cells = 0
        self._grade, self._needed = grade, _needed(buyer)
        self._open = np.zeros(number, np.int64), np.zeros(number), np.zeros(number)
        self._usable_ah = 0.0
        self._held_ah = 0.0

    def add(self, lot: Lot) -> None:
        """Match the living cells of the grade of a finished lot; of one that was not graded there are none."""
        facts, columns = lot.attributes, lot.columns
        if "grade" not in columns or not all(name in facts for name in self._needed):
            return
        least_ah, width_ah, least_mohm, width_mohm, cells = (facts[name] for name in self._needed)
        fit = lot.alive() & (columns["grade"] == self._grade)
        law = matching.MatchLaw(least_ah, width_ah, least_mohm, width_mohm, int(cells))
        found = matching.match_cells(
            law, fit, columns["capacity_measured_ah"],
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
