"""Cells by line, where a plant has several: a cell belongs to the line on which it was wound or stacked."""

from __future__ import annotations

from typing import NamedTuple

from cellfab.config.copying import Layout
from cellfab.core.lot import Lot


class Key(NamedTuple):
    """Where a number of cells is counted."""

    week: int
    line: str
    product: str


class LineCounts:
    """What each line has made; nothing is counted where there is only one.

    A cell that is made on a shared station belongs to the line that finishes it; before, to none ("").

    Parameters
    ----------
    layout : Layout

    Attributes
    ----------
    started, good, unsold, scrapped : dict of Key to int
    good_kwh : dict of Key to float
        Stored energy of the cells sold.
    """

    def __init__(self, layout: Layout) -> None:
        self.started: dict[Key, int] = {}
        self.good: dict[Key, int] = {}
        self.unsold: dict[Key, int] = {}
        self.scrapped: dict[Key, int] = {}
        self.good_kwh: dict[Key, float] = {}
        self._layout = layout
        self._line: dict[int, str] = {}

    def made(self, place: str, lot: Lot, week: int) -> None:
        """Cells have come into being at a place."""
        if self._layout.lines:
            line = self._line[lot.identity] = self._layout.line_of.get(place.partition(".")[0], "")
            _add(self.started, Key(week, line, lot.product), lot.n)

    def lost(self, lot: Lot, cells: int, week: int) -> None:
        """Cells of a lot were scrapped."""
        if self._layout.lines:
            _add(self.scrapped, Key(week, self._line.get(lot.identity, ""), lot.product), cells)

    def finished(self, sink: str, lot: Lot, cells: int, kwh: float, week: int) -> None:
        """A lot of cells has reached a sink."""
        if not self._layout.lines:
            return
        line = self._line.pop(lot.identity, "") or self._layout.line_of.get(sink, "")
        key = Key(week, line, lot.product)
        _add(self.good if lot.sellable else self.unsold, key, cells)
        if lot.sellable:
            self.good_kwh[key] = self.good_kwh.get(key, 0.0) + kwh


def _add(counts: dict[Key, int], key: Key, cells: int) -> None:
    counts[key] = counts.get(key, 0) + cells
