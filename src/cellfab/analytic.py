"""A scenario in closed form: what each station could make alone, and so which one limits the line.

Means only: lots that pass through the physics without a clock give yields and recipe times, availability follows from
mean times to failure and repair, planned stops from the calendar. No waiting, no blocking, no ramp dynamics; so the
limit found here is an upper bound of what the simulation can show, and an instant one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cellfab.config.distribution import mean_seconds
from cellfab.config.line_spec import (
    BatchStation,
    ChannelsStation,
    DwellStation,
    FailureMode,
    Line,
    SerialStation,
    Station,
    WebStation,
)
from cellfab.core.lot import Lot
from cellfab.line.physics import Processed
from cellfab.pilot import pilot_product, route, send, source_lots
from cellfab.plant import Plant
from cellfab.scenario import Scenario


@dataclass(frozen=True, slots=True)
class StationCapacity:
    """One station by itself, never starved and never blocked.

    Attributes
    ----------
    availability : float
        Share of the calendar in which it is neither down nor planned off, 0-1.
    seconds_per_lot : float
        Of one unit, while available.
    lots_per_week : float
        Of all units.
    cells_per_week : float
        Good cells at the end of the line that those lots become; on a bare line, parts that leave the station.
    stop_seconds_per_lot : float
        The part of `seconds_per_lot` in which the step itself stops the unit (a film that breaks).
    amount_per_lot : float
        What the station works on: metres of a web, rows of a serial station, else the lot's amount; 1 on a bare line.
    unit : str
        Of that amount: "m", "cells", "kg", "trays"; empty on a bare line.
    """

    availability: float
    seconds_per_lot: float
    lots_per_week: float
    cells_per_week: float
    stop_seconds_per_lot: float = 0.0
    amount_per_lot: float = 1.0
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Closed-form answer for one product at full maturity.

    Attributes
    ----------
    stations : mapping of str to StationCapacity
    bottleneck : str
        The station with the smallest `cells_per_week`; storage without a capacity never is. Of several lines one that
        they share if it makes less than all of them together can, else the slowest of the slowest line.
    cells_per_week : float
        Upper bound of the line's good output.
    good_cells_per_lot : float
        Mean over the pilot lots; 1 on a bare line.
    good_kwh_per_lot : float
        Energy of those cells as graded; 0 on a bare line.
    """

    stations: Mapping[str, StationCapacity]
    bottleneck: str
    cells_per_week: float
    good_cells_per_lot: float
    good_kwh_per_lot: float = 0.0


def availability(failures: Mapping[str, FailureMode]) -> float:
    """Share of working time with competing failure modes: 1 / (1 + sum of mean repair over mean time to failure)."""
    load = sum(mean_seconds(mode.time_to_repair) / mean_seconds(mode.time_to_failure) for mode in failures.values())
    return 1.0 / (1.0 + load)


def planned_share(station: Station, line: Line) -> float:
    """Share of the calendar in which the station is planned on (stops of maintenance outside shifts count as in)."""
    on = 1.0
    if station.calendar is not None:
        calendar = line.calendars[station.calendar]
        on = sum(shift.end_h - shift.start_h for shift in calendar.working.values()) / calendar.cycle_h
    return on * math.prod(1.0 - stop.duration_h / stop.every_h for stop in station.maintenance.values())


def estimate(
    scenario: Scenario, product: str | None = None, *, seed: int = 1, pilot_lots: int = 4, plant: Plant | None = None
) -> Estimate:
    """Capacity of every station and of the line, for a mature line that makes one product.

    Parameters
    ----------
    scenario : Scenario
    product : str, optional
        Default: the product of a conversion, else the first one made.
    seed : int
        Names the pilot lots' random numbers.
    pilot_lots : int
        Lots whose physics is averaged (plants only).
    plant : Plant, optional
        What the lots are sent through; default: the mature line. Of one line only.

    Returns
    -------
    Estimate
    """
    if scenario.alone:
        return _of_lines(scenario, product, seed, pilot_lots)
    spec = scenario.spec
    visits: dict[str, list[tuple[Processed, int]]] = {name: [] for name in spec.line.stations}
    good, good_kwh = 1.0, 0.0
    if scenario.is_plant:
        product = pilot_product(scenario, product)
        mature = replace(scenario, spec=spec.model_copy(update={"ramp": None, "conversion": None}))
        through = Plant(mature, seed, 0) if plant is None else plant

        def act(station: str, lots: Sequence[Lot]) -> Lot:
            rows = lots[0].n_alive
            done = through.process(station, lots, 0)
            visits[station].append((done, rows if done.lot is lots[0] else done.lot.n))
            return done.lot

        stops = route(spec.line)
        sources = (source_lots(spec.line, product, ordinal) for ordinal in range(pilot_lots))
        finished = [lot for lots in sources for lot in send(stops, lots, act)]
        good = sum(lot.n_alive for lot in finished) / pilot_lots
        good_kwh = sum(lot.attributes.get("good_energy_kwh", 0.0) for lot in finished) / pilot_lots
    stations = {name: _capacity(station, spec.line, visits[name], good) for name, station in spec.line.stations.items()}
    bottleneck = min(stations, key=lambda name: stations[name].cells_per_week)
    return Estimate(stations, bottleneck, stations[bottleneck].cells_per_week, good, good_kwh)


def _of_lines(scenario: Scenario, product: str | None, seed: int, pilot_lots: int) -> Estimate:
    """Several lines: what is shared limits all of them together, what is not each by itself."""
    layout = scenario.layout
    by_line: dict[str, Estimate] = {}
    for name, one in scenario.alone.items():
        twin = next((other for other in by_line if scenario.alone[other].spec.line == one.spec.line), None)
        by_line[name] = by_line[twin] if twin else estimate(one, product, seed=seed, pilot_lots=pilot_lots)
    first = by_line[layout.lines[0]]
    stations = {
        name: by_line[layout.line_of.get(name, layout.lines[0])].stations[layout.written[name]]
        for name in scenario.spec.line.stations
    }
    shared = {name: one.cells_per_week for name, one in stations.items() if name not in layout.line_of}
    own: dict[str, dict[str, float]] = {line: {} for line in layout.lines}
    for name, line in layout.line_of.items():
        if name in stations:
            own[line][name] = stations[name].cells_per_week
    together = sum(min(limits.values(), default=math.inf) for limits in own.values())
    limits = min((limits for limits in own.values() if limits), key=lambda limits: min(limits.values()), default=shared)
    if min(shared.values(), default=math.inf) < together:
        together, limits = min(shared.values()), shared
    bottleneck = min(limits, key=lambda name: limits[name])
    return Estimate(stations, bottleneck, together, first.good_cells_per_lot, first.good_kwh_per_lot)


def _capacity(
    station: Station, line: Line, visits: list[tuple[Processed, int]], good_cells_per_lot: float
) -> StationCapacity:
    stops, amount, unit = 0.0, 1.0, ""
    if visits:
        stops = sum(done.stops_s for done, _ in visits) / len(visits)
        amount = sum(_amount(station, done, rows) for done, rows in visits) / len(visits)
        unit = _unit(station, visits[0][0])
        seconds = sum(lot_seconds(station, done, rows) for done, rows in visits) / len(visits)
        units = float(station.parallel)
        if isinstance(station, ChannelsStation):
            trays = sum(math.ceil(done.lot.n_alive / station.cells_per_tray) for done, _ in visits) / len(visits)
            units = station.positions / trays
        elif isinstance(station, DwellStation):
            units = math.inf if station.capacity is None else station.capacity / amount
    else:
        seconds, units = _part_seconds(station), float(station.parallel)
        if isinstance(station, ChannelsStation):
            units = float(station.positions)
        elif isinstance(station, DwellStation):
            units = math.inf if station.capacity is None else station.capacity
    up = planned_share(station, line) * _availability(station)
    lots_per_week = up * units * 604_800.0 / seconds if seconds else math.inf
    return StationCapacity(up, seconds, lots_per_week, lots_per_week * good_cells_per_lot, stops, amount, unit)


def _amount(station: Station, done: Processed, rows: int) -> float:
    """What the station works on in one lot."""
    if isinstance(station, WebStation):
        return done.lot.attributes["length_m"]
    if isinstance(station, SerialStation):
        return rows
    if isinstance(station, ChannelsStation):
        return done.lot.n_alive
    return done.lot.amount


def _unit(station: Station, done: Processed) -> str:
    """The unit of `_amount`."""
    if isinstance(station, WebStation):
        return "m"
    return "cells" if isinstance(station, SerialStation | ChannelsStation) else done.lot.unit


def _availability(station: Station) -> float:
    """Of a chain: of its worst machine by rate, since buffers let the others catch up (an upper bound)."""
    if isinstance(station, SerialStation) and station.machines:
        slowest = max(mean_seconds(machine.cycle) for machine in station.machines.values())
        return min(
            availability(machine.failures) * slowest / mean_seconds(machine.cycle)
            for machine in station.machines.values()
        )
    return availability(station.failures)


def lot_seconds(station: Station, done: Processed, rows: int) -> float:
    """Mean time of one unit for one lot, stops included."""
    if done.seconds is not None and not isinstance(station, WebStation):
        return done.seconds + done.stops_s
    if isinstance(station, SerialStation):
        return rows * _part_seconds(station) + done.stops_s
    if isinstance(station, BatchStation):
        cycles = 1 if station.charges_per_cycle is None else math.ceil(rows / station.charges_per_cycle)
        return cycles * mean_seconds(station.cycle) + done.stops_s
    if isinstance(station, WebStation):
        splice = 0.0 if station.splice is None else mean_seconds(station.splice)
        running = done.lot.attributes["length_m"] / station.speed_m_per_min * 60.0
        return splice + max(running, done.seconds or 0.0) + done.stops_s
    return _part_seconds(station) + done.stops_s


def _part_seconds(station: Station) -> float:
    """Mean time of one unit for one part (one lot of one row)."""
    if isinstance(station, SerialStation):
        if station.machines:
            return max(mean_seconds(machine.cycle) for machine in station.machines.values())
        return 0.0 if station.cycle is None else mean_seconds(station.cycle)
    if isinstance(station, BatchStation):
        return mean_seconds(station.cycle) / station.batch_lots
    if isinstance(station, WebStation):
        return 60.0 / station.speed_m_per_min + (0.0 if station.splice is None else mean_seconds(station.splice))
    law = station.occupied if isinstance(station, ChannelsStation) else station.minimum
    return 0.0 if law is None else mean_seconds(law)
