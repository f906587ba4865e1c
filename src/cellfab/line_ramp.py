"""The ramp of a line: the book of its stations, what lines learn from each other, and how a bare line ramps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cellfab.config.line_spec import ChannelsStation, DwellStation, Station, station_units
from cellfab.core.lot import Lot
from cellfab.ramp.book import RampBook
from cellfab.ramp.lessons import Lessons
from cellfab.ramp.pace import Pace
from cellfab.scenario import Scenario
from cellfab.units import TICKS_PER_S, TICKS_PER_WEEK


def ramp_book(scenario: Scenario) -> RampBook | None:
    """Where every station stands in its ramp, and what several lines learn from each other; None without a ramp."""
    spec, layout = scenario.spec, scenario.layout
    if spec.ramp is None:
        return None
    units = {name: station_units(station) for name, station in spec.line.stations.items()}
    return RampBook(spec.ramp, units, lessons=lessons_of(scenario, units), absent=layout.begins().keys() & units.keys())


def lessons_of(scenario: Scenario, names: Iterable[str]) -> Lessons | None:
    """What the lines of a scenario learn from each other at the stations (or places) named; None: nothing."""
    lines, layout = scenario.spec.lines, scenario.layout
    if lines is None or lines.shared_lessons_share == 0.0:
        return None
    peers = {}
    for name in names:
        station, dot, machine = name.partition(".")
        copies = layout.copies(layout.written[station])
        peers[name] = tuple(copy + dot + machine for copy in copies if copy != station)
    return Lessons(peers, lines.shared_lessons_share, round(lines.lessons_delay_weeks * TICKS_PER_WEEK))


class UnitTime(NamedTuple):
    """How much of a station's unit time a lot takes."""

    cells_per_tray: int
    """0: it has no trays."""
    by_amount: bool
    """A lot takes as many places as it amounts to."""

    @classmethod
    def of(cls, station: Station) -> UnitTime:
        """That of a station as written."""
        trays = station.cells_per_tray if isinstance(station, ChannelsStation) else 0
        return cls(trays, isinstance(station, DwellStation))

    def ticks(self, lot: Lot, spent: int, seconds: float | None = None) -> int:
        """Unit time of a lot that spent so many ticks; each of its trays takes a position for the recipe's time."""
        if self.cells_per_tray:
            trays = math.ceil(lot.n_alive / self.cells_per_tray)
            return trays * (spent if seconds is None else round(seconds * TICKS_PER_S))
        if self.by_amount:
            return round(lot.amount * spent)
        return spent


class LineRamp:
    """How the stations of a bare line get faster and more reliable; implements `cellfab.line.physics.Ramping`.

    Parameters
    ----------
    scenario : Scenario
        With a `ramp`.
    book : RampBook
        Of it.
    """

    def __init__(self, scenario: Scenario, book: RampBook) -> None:
        self._book, self._layout, self._lines = book, scenario.layout, scenario.spec.lines
        self._unit_time: Mapping[str, UnitTime] = {
            name: UnitTime.of(station) for name, station in scenario.spec.line.stations.items()
        }

    def begins(self, station: str, now: int) -> None:
        """A station of a later line starts with what is known by then on the line that it copies."""
        model = self._layout.twin(station)
        if model is not None and self._lines is not None:
            self._book.begin_like(station, model, now, 1.0 - self._lines.transfer_loss_share)

    def pace(self, station: str, now: int) -> Pace:
        """Ramp factors of the station."""
        return self._book.pace(station, now)

    def worked(self, station: str, lot: Lot, started: int, ended: int) -> None:
        """Let the station learn."""
        self._book.advance(station, ended, self._unit_time[station].ticks(lot, ended - started), started)
