"""A plant's line reduced to what a fleet asks of it, measured from the line's own physics and not typed.

Pilot lots go through every step at five maturities, without a clock. They tell what a lot becomes (good kWh), what it
takes (materials, energy, consumables), how long each station needs for it, and where cells are lost. One simulated run
of the mature line tells what waiting and blocking leave of the closed-form capacity. Money that comes with the calendar
follows from the line's economics.

What is reduced: the line as a whole has one maturity, the mean of its stations' weighted by the cells that each loses
before it has learned anything and no longer when it is mature.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.analytic import Estimate, estimate, lot_seconds
from cellfab.config.distribution import mean_seconds
from cellfab.config.line_spec import FailureMode, SerialStation, Station, StationEconomics, WebStation, making_only
from cellfab.core.lot import Lot
from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.economics.consumables import CONSUMABLES, of_the_plant
from cellfab.economics.crew_labour import crew_wage
from cellfab.economics.period_cost import (
    BUILDING,
    CAPITAL,
    ELECTRICITY,
    HEAT,
    MATERIALS,
    weekly_period_cost,
    weekly_plant_cost,
)
from cellfab.errors import ConfigError
from cellfab.line.physics import Processed
from cellfab.pilot import pilot_product, route
from cellfab.plant import Plant
from cellfab.rated import rated_output
from cellfab.scenario import Scenario
from cellfab.units import HOURS_PER_WEEK, SECONDS_PER_WEEK, TICKS_PER_S

Floats = npt.NDArray[np.float64]

MATURITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""At which lots are looked at; between them values are interpolated in a straight line."""
LOTS = 8
"""At each maturity. Good cells of a lot scatter by some 4 %, so their mean is known within 1.5 %."""
_KWH_PER_GWH = 1e6


class Times(NamedTuple):
    """Seconds of one unit of a station for one lot: `fixed` + max(`paced` / released rate, `recipe`)."""

    fixed: float
    paced: float
    recipe: float

    def slower(self, rate: float) -> float:
        """Share of its lots that the station makes at a released rate, 0-1."""
        return (self.fixed + max(self.paced, self.recipe)) / (self.fixed + max(self.paced / rate, self.recipe))


class Failing(NamedTuple):
    """A machine of a station: mean repair over mean time to failure, and its speed over that of the slowest one."""

    load: float
    speed: float


class WeeklyCost(NamedTuple):
    """What a week costs whether anything is made or not, usd.

    Attributes
    ----------
    whole : float
        With everybody there.
    operators : float
        The part that laid-off operators save, their overhead included.
    capital : float
        The part that is a charge for equipment and building.
    per_added_musd : float
        More of it for each million dollars spent on a conversion; `capital_per_added_musd` is the charge in that.
    """

    whole: float
    operators: float
    capital: float
    per_added_musd: float
    capital_per_added_musd: float


@dataclass(frozen=True, slots=True)
class Response:
    """One line as a fleet sees it. Arrays with the axis `maturity` have one value for each of `MATURITIES`.

    Attributes
    ----------
    scenario, digest, product : str
    gwh_per_year : float
        Good output of the mature line, as simulated.
    stations : tuple of str
    lots_per_week : array, shape (stations, maturity)
        Of each station at full speed, never starved or blocked; a mature line's waiting is counted in `effectiveness`.
    times : tuple of Times
        Of each station, mature.
    failing : tuple of tuple of Failing
        Of each station.
    weights : array, shape (stations,)
        Of each station in the maturity of the line; they add up to 1.
    effectiveness : float
        Simulated output of the mature line over its closed form.
    kwh_per_lot, cells_per_lot, begun_per_lot : array, shape (maturity,)
        Good kWh, good cells, and cells begun.
    use : mapping of account to array, shape (maturity,)
        What a lot takes: of materials what is bought, of energy kWh, of consumables their unit.
    weekly : WeeklyCost
    work_weeks : float
        From the first powder of a lot to its last test, at work only.
    """

    scenario: str
    digest: str
    product: str
    gwh_per_year: float
    stations: tuple[str, ...]
    lots_per_week: Floats
    times: tuple[Times, ...]
    failing: tuple[tuple[Failing, ...], ...]
    weights: Floats
    effectiveness: float
    kwh_per_lot: Floats
    cells_per_lot: Floats
    begun_per_lot: Floats
    use: dict[str, Floats] = field(repr=False)
    weekly: WeeklyCost
    work_weeks: float

    def at(self, values: Floats, maturity: float) -> float:
        """A value between those of the pilots."""
        return float(np.interp(maturity, MATURITIES, values))

    def availability(self, station: int, failing: float) -> float:
        """Of a station over the mature one's, where repair over time to failure is `failing` times as much as there.

        Of a chain that of its worst machine by rate, as in the closed form.
        """
        machines = self.failing[station]
        now = min(one.speed / (1.0 + failing * one.load) for one in machines)
        return now / min(one.speed / (1.0 + one.load) for one in machines)


class _Pilot(Plant):
    """A plant all of whose places stand at one maturity, and whose lots pay as they pass, in the prices of week 0."""

    def __init__(self, scenario: Scenario, seed: int, maturity: float) -> None:
        super().__init__(scenario, seed, 0)
        self._maturity = maturity
        self.times: dict[str, list[Times]] = {name: [] for name in scenario.spec.line.stations}

    def maturity(self, station: str, now: int) -> float:
        """The same everywhere and always."""
        return self._maturity

    def process(self, station: str, lots: Sequence[Lot], now: int) -> Processed:
        """Let the steps act, and have the lot pay at once."""
        rows = lots[0].n_alive
        done = super().process(station, lots, now)
        rows = rows if done.lot is lots[0] else done.lot.n
        spec = self.scenario.spec.line.stations[station]
        self.times[station].append(_times(spec, done, rows))
        self.worked(station, done.lot, 0, round(lot_seconds(spec, done, rows) * TICKS_PER_S))
        return done


def measure(scenario: Scenario, product: str | None = None, *, seed: int = 1, lots: int = LOTS) -> Response:
    """Reduce the line of a scenario; of several lines the first.

    Parameters
    ----------
    scenario : Scenario
        A plant.
    product : str, optional
        Default: a conversion's new product, else the first one made.
    seed : int
        Names the random numbers of the pilots and of the mature run.
    lots : int
        At each maturity.

    Raises
    ------
    ConfigError
        If the scenario is a bare line, or has no such product or no `economics`.
    """
    line = scenario.one_line
    product = pilot_product(line, product)
    only = making_only(line.spec.line, product)
    spec = line.spec.model_copy(update={"ramp": None, "conversion": None, "line": only})
    still = replace(line, spec=spec)
    pilots = [_Pilot(still, seed, maturity) for maturity in MATURITIES]
    found = [estimate(still, product, seed=seed, pilot_lots=lots, plant=pilot) for pilot in pilots]
    mature = found[-1]
    names = tuple(spec.line.stations)
    if not mature.good_kwh_per_lot:
        raise ConfigError(f"scenario '{scenario.name}' makes no good cells of '{product}', even when it is mature")
    rated = rated_output(still, seed)[product]
    kwh_per_cell = mature.good_kwh_per_lot / mature.good_cells_per_lot
    return Response(
        scenario=scenario.name,
        digest=scenario.digest,
        product=product,
        gwh_per_year=rated * kwh_per_cell * WEEKS_PER_YEAR / _KWH_PER_GWH,
        stations=names,
        lots_per_week=np.array([[one.stations[name].lots_per_week for one in found] for name in names]),
        times=tuple(_mean_times(pilots[-1].times[name]) for name in names),
        failing=tuple(_failing(spec.line.stations[name]) for name in names),
        weights=_weights(names, pilots[0], pilots[-1], lots),
        effectiveness=rated / mature.cells_per_week,
        kwh_per_lot=np.array([one.good_kwh_per_lot for one in found]),
        cells_per_lot=np.array([one.good_cells_per_lot for one in found]),
        begun_per_lot=np.array([sum(pilot.cells_started.values()) / lots for pilot in pilots]),
        use=_use(pilots, lots),
        weekly=_weekly(line),
        work_weeks=_work_seconds(line, mature) / SECONDS_PER_WEEK,
    )


def _times(station: Station, done: Processed, rows: int) -> Times:
    """What of a lot's time at a station follows the released rate."""
    whole = lot_seconds(station, done, rows)
    if isinstance(station, WebStation):
        running = done.lot.attributes["length_m"] / station.speed_m_per_min * 60.0
        recipe = done.seconds or 0.0
        return Times(whole - max(running, recipe), running, recipe)
    follows = station.kind in ("serial", "batch") and done.seconds is None
    moving = whole - done.stops_s
    return Times(done.stops_s, moving, 0.0) if follows else Times(done.stops_s, 0.0, moving)


def _mean_times(found: Sequence[Times]) -> Times:
    return Times(*(math.fsum(values) / len(found) for values in zip(*found, strict=True)))


def _failing(station: Station) -> tuple[Failing, ...]:
    """Machines of a chain, or the station itself."""
    if isinstance(station, SerialStation) and station.machines:
        slowest = max(mean_seconds(machine.cycle) for machine in station.machines.values())
        return tuple(
            Failing(_load(machine.failures), slowest / mean_seconds(machine.cycle))
            for machine in station.machines.values()
        )
    return (Failing(_load(station.failures), 1.0),)


def _load(failures: Mapping[str, FailureMode]) -> float:
    return math.fsum(
        mean_seconds(mode.time_to_repair) / mean_seconds(mode.time_to_failure) for mode in failures.values()
    )


def _weights(names: Sequence[str], young: Plant, mature: Plant, lots: int) -> Floats:
    """Of each station: cells lost there by a lot of a line that has learned nothing, less those of a mature one."""
    lost = dict.fromkeys(names, 0.0)
    for sign, plant in ((1.0, young), (-1.0, mature)):
        for count in plant.tally.scraps():
            station = count.place.split(".")[0]
            if station in lost:
                lost[station] += sign * count.cell_equivalents / lots
    gained = np.array([max(lost[name], 0.0) for name in names])
    whole = gained.sum()
    return gained / whole if whole else np.full(len(names), 1.0 / len(names))


def _use(pilots: Sequence[Plant], lots: int) -> dict[str, Floats]:
    """Quantity by account that a lot takes, at each maturity."""
    use: dict[str, Floats] = {}
    for index, pilot in enumerate(pilots):
        for debit in pilot.ledger.debits():
            if debit.account in (ELECTRICITY, HEAT) or debit.account.startswith((MATERIALS, CONSUMABLES)):
                use.setdefault(debit.account, np.zeros(len(pilots)))[index] += debit.quantity / lots
    return dict(sorted(use.items()))


def _weekly(scenario: Scenario) -> WeeklyCost:
    """Stations, what they share, crews; prices of energy and consumables are those of the scenario's first day."""
    spec = scenario.spec
    economics = spec.economics
    assert economics is not None, "a plant without economics has been refused"
    start = spec.run.start_date
    entries = [entry for one in spec.line.stations.values() for entry in weekly_period_cost(one.economics, economics)]
    power, heat = economics.electricity_usd_per_kwh.at(start), economics.heat_usd_per_kwh.at(start)
    entries += weekly_plant_cost(economics, power, heat)
    entries += of_the_plant(
        economics, {name: [one.price_usd.at(start)] for name, one in economics.consumables.items()}, 0
    )
    whole = math.fsum(usd for _, _, _, usd in entries)
    ratio = economics.labour.paid_ratio * HOURS_PER_WEEK
    whole += math.fsum(crew.size * crew_wage(crew, economics.labour) * ratio for crew in spec.line.crews.values())
    without = math.fsum(
        usd
        for one in spec.line.stations.values()
        for _, _, _, usd in weekly_period_cost(one.economics.model_copy(update={"operators": 0.0}), economics)
    )
    manned = math.fsum(
        usd for one in spec.line.stations.values() for _, _, _, usd in weekly_period_cost(one.economics, economics)
    )
    added = weekly_period_cost(StationEconomics(capex_musd=1.0), economics)
    return WeeklyCost(
        whole,
        manned - without,
        math.fsum(usd for account, _, _, usd in entries if account in (CAPITAL, BUILDING)),
        math.fsum(usd for _, _, _, usd in added),
        math.fsum(usd for account, _, _, usd in added if account == CAPITAL),
    )


def _work_seconds(scenario: Scenario, mature: Estimate) -> float:
    """Along the longest way from a source to a sink."""
    longest = dict.fromkeys(scenario.spec.line.sources, 0.0)
    for stop in route(scenario.spec.line):
        own = mature.stations[stop.node].seconds_per_lot if stop.is_station else 0.0
        longest[stop.node] = own + max(longest[giver] for giver in stop.givers)
    return max(longest.values())
