"""What a line can make of each product, week by week, by the dates of a conversion's plan: nothing is simulated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from cellfab.config.conversion_spec import Conversion
from cellfab.config.distribution import mean_seconds
from cellfab.config.line_spec import ChannelsStation, SerialStation, Station
from cellfab.config.ramp_spec import Ramp
from cellfab.ramp.book import RampBook
from cellfab.ramp.conversion import ConversionPlan
from cellfab.units import TICKS_PER_WEEK

_SECONDS_PER_WEEK = 7 * 24 * 3600.0
_LOAD = 0.8
"""Share of the time that a station works while the line runs: moves the laws of use only (assumption)."""
PLANNED = "slowest station at its released speed, or full channels; never stopping, every cell good"
"""What a planned capacity is, wherever it is told."""


class WeekCapacity(NamedTuple):
    """What a line can make in a week.

    Attributes
    ----------
    week : int
    product : str
    cells : float
        At the released speed of the slowest unit-by-unit station or, if they are fewer, as many as the channels of
        formation and grading take; never stopping, every cell good.
    sold_share : float
        Share of them that may be sold: 0 before the release.
    """

    week: int
    product: str
    cells: float
    sold_share: float


def cells_per_week(stations: Mapping[str, Station]) -> dict[str, float]:
    """Of each unit-by-unit station at nominal speed, never stopping."""
    found = {}
    for name, station in stations.items():
        if isinstance(station, SerialStation):
            machines = station.machines.values() or (station,)
            cycle = max(mean_seconds(machine.cycle) for machine in machines if machine.cycle is not None)
            found[name] = _SECONDS_PER_WEEK * station.parallel / cycle if cycle > 0.0 else math.inf
    return found


def channel_cells_per_week(stations: Mapping[str, Station], recipes: Mapping[str, float]) -> float:
    """What the channels of a line take at most, always full; they have recipes, and no speed that is released.

    Parameters
    ----------
    stations : mapping of str to Station
    recipes : mapping of str to float
        Seconds that a tray is on the channels of a station whose time is its step's.

    Returns
    -------
    float
        Cells per week of the smallest station of channels; infinite without one.
    """
    least = math.inf
    for name, station in stations.items():
        if isinstance(station, ChannelsStation):
            seconds = recipes.get(name, 0.0) if station.occupied is None else mean_seconds(station.occupied)
            if seconds > 0.0:
                least = min(least, _SECONDS_PER_WEEK * station.positions * station.cells_per_tray / seconds)
    return least


def weekly_capacity(
    stations: Mapping[str, Station],
    units: Mapping[str, float],
    channels: Mapping[str, float],
    conversion: Conversion,
    plan: ConversionPlan,
    release: int,
    ramp: Ramp | None,
    weeks: int,
) -> list[WeekCapacity]:
    """Capacity of the old product up to the stop, and of the new one from the restart on.

    Parameters
    ----------
    stations : mapping of str to Station
        Of one line.
    units : mapping of str to float
        Parallel units of each station.
    channels : mapping of str to float
        Of each product, the cells that the line's channels take in a week (`channel_cells_per_week`).
    conversion : Conversion
    plan : ConversionPlan
    release : int
        Tick from which on what is made may be sold.
    ramp : Ramp or None
        Laws by which speeds are released; None: nominal speed from the first day.
    weeks : int

    Returns
    -------
    list of WeekCapacity
        One or two rows a week; empty if no station of the line works unit by unit.
    """
    nominal = cells_per_week(stations)
    if not nominal or all(math.isinf(value) for value in nominal.values()):
        return []
    book = None if ramp is None else RampBook(ramp, {name: units[name] for name in nominal})
    rows = []
    converted = False
    for week in range(weeks):
        first, last = week * TICKS_PER_WEEK, (week + 1) * TICKS_PER_WEEK
        old = max(min(last, plan.stop) - first, 0)
        new = max(last - max(first, plan.restart), 0)
        sold = max(last - max(first, release), 0)
        if old and conversion.product_from is not None:
            product = conversion.product_from
            rows.append(_row(week, product, min(_slowest(nominal, book, first), channels[product]), old, 1.0))
            _work(book, nominal, first, first + old)
        if new:
            if not converted and book is not None:
                _convert(book, nominal, conversion, plan.restart)
            converted = True
            begun, product = last - new, conversion.product_to
            cells = min(_slowest(nominal, book, begun), channels[product])
            rows.append(_row(week, product, cells, new, min(sold / new, 1.0)))
            _work(book, nominal, begun, last)
    return rows


def _row(week: int, product: str, per_week: float, ticks: int, sold_share: float) -> WeekCapacity:
    return WeekCapacity(week, product, per_week * ticks / TICKS_PER_WEEK, sold_share)


def _slowest(nominal: Mapping[str, float], book: RampBook | None, tick: int) -> float:
    return min(value * (1.0 if book is None else book.pace(name, tick).rate) for name, value in nominal.items())


def _work(book: RampBook | None, stations: Mapping[str, float], first: int, last: int) -> None:
    if book is not None:
        for name in stations:
            book.advance(name, last, _LOAD * (last - first), first)


def _convert(book: RampBook, stations: Mapping[str, float], conversion: Conversion, restart: int) -> None:
    kept = 1.0 if conversion.people is None else 1.0 - conversion.people.lost_share
    for name in stations:
        laws = None if conversion.ramp is None else conversion.ramp.of(name)
        book.convert(name, restart, kept * conversion.task(name).carried_share, laws)


def weeks_to_rate(rows: list[WeekCapacity], product: str, mature_cells: float, share: float = 0.9) -> int | None:
    """First week at whose end a product can be made at a share of its mature rate, and sold; None without one."""
    for row in rows:
        if row.product == product and row.sold_share > 0.0 and row.cells >= share * mature_cells:
            return row.week + 1
    return None
