"""What lots cost in a plant: at stations by the time they take, at steps by what they use; money and energy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cellfab.config.economics_spec import Economics
from cellfab.config.line_spec import station_units
from cellfab.config.problems import config_error
from cellfab.core.bills import AMOUNT, LINE_BEFORE, ROWS, UNIT_HOURS, Bill, Line
from cellfab.core.causes import name_of
from cellfab.core.ledger import ENERGY_UNIT, Holding, Ledger, Posting
from cellfab.core.lot import Lot
from cellfab.economics.consumables import UncountableError, lines_of
from cellfab.economics.energy import PROCESS, STAND_BY, WARM_UP, WORKING, EnergyBook, Key, Rest
from cellfab.economics.period_cost import ELECTRICITY, HEAT, MATERIALS, energy_entries, standard_rate
from cellfab.economics.prices import weekly_prices
from cellfab.economics.shocks import with_shocks
from cellfab.economics.tariffs import TARIFFS
from cellfab.errors import ConfigError
from cellfab.scenario import Scenario
from cellfab.steps.base import Work
from cellfab.units import TICKS_PER_H, TICKS_PER_WEEK, to_ticks

_Energy = list[tuple[int, Key]]
"""Lines of a bill that are energy, and what they are in the book of energy."""


class PlantCosts:
    """The books of a replicate: ledger and energy, told of the same events.

    Parameters
    ----------
    scenario : Scenario
    economics : Economics
        Of it.
    on_posting : callable, optional
        Told every single posting of cost.

    Attributes
    ----------
    ledger : Ledger
    energy : EnergyBook
    prices : WeeklyPrices
    units : dict of str to float
        Units of each station, by which lots share its cost.
    occupied : dict of (week, station) to int
        Ticks of its units for which lots have paid.
    rests : dict of str to Rest
        When stations that are switched off after a while were off.
    """

    def __init__(
        self, scenario: Scenario, economics: Economics, on_posting: Callable[[Posting], None] | None = None
    ) -> None:
        spec = scenario.spec
        self._scenario, self._stations, self._economics = scenario, spec.line.stations, economics
        self.ledger = Ledger(on_posting)
        self.energy = EnergyBook()
        self.occupied: dict[tuple[int, str], int] = {}
        self.units = {name: station_units(station) for name, station in self._stations.items()}
        self.rests = {
            name: Rest(station.economics)
            for name, station in self._stations.items()
            if station.economics.off_after_h is not None
        }
        weeks = -(-to_ticks(spec.run.horizon_h * 3600.0) // TICKS_PER_WEEK)
        prices = weekly_prices(economics, spec.materials, spec.run.start_date, weeks)
        self.prices = with_shocks(prices, spec.shocks.values(), spec.run.start_date)
        self._counts = np.ones(4)  # of the lot at hand at a station, as `cellfab.core.bills` numbers them
        self._station_bills: dict[tuple[str, str, str, str], tuple[Bill, _Energy]] = {}
        self._place_bills: dict[tuple[str, str, tuple[str, ...], bool, bool], tuple[Bill, _Energy]] = {}

    # ---- what lots cost -------------------------------------------------------------------------------------

    def at_station(self, station: str, lot: Lot, rows: int, started: int, ended: int, ticks: int) -> None:
        """A lot was at a station: its share of the period cost, power and heat, and of what is used up there.

        Parameters
        ----------
        rows : int
            Alive when it came.
        started, ended : int
            Ticks between which it was worked on.
        ticks : int
            Unit time that it took.
        """
        week = ended // TICKS_PER_WEEK
        occupied = (week, station)
        self.occupied[occupied] = self.occupied.get(occupied, 0) + ticks
        if station in self.rests and self.rests[station].works(started, ended):
            self._warm_up(station, started // TICKS_PER_WEEK)
        kind = (station, lot.product, lot.material, lot.unit)
        known = self._station_bills.get(kind)
        if known is None:
            known = self._station_bills[kind] = self._station_bill(station, lot)
        bill, energy = known
        if not bill.entries:
            return
        counts = self._counts
        counts[UNIT_HOURS] = ticks / TICKS_PER_H
        counts[ROWS] = rows
        counts[AMOUNT] = lot.amount
        self.ledger.charge_bill(lot, week, bill, counts, week)
        for line, key in energy:
            self.energy.used(week, key, bill.amounts.item(0, line), lot)

    def at_place(self, place: str, lot: Lot, work: Work, week: int, priced: int) -> None:
        """A step used materials and energy for a lot, at the prices of the week `priced`."""
        kind = (place, lot.product, tuple(work.materials), work.energy_kwh != 0.0, work.heat_kwh != 0.0)
        known = self._place_bills.get(kind)
        if known is None:
            known = self._place_bills[kind] = self._place_bill(place, lot, work)
        bill, energy = known
        counts = np.array([*work.materials.values(), work.energy_kwh, work.heat_kwh])
        self.ledger.charge_bill(lot, week, bill, counts, priced)
        for line, key in energy:
            self.energy.used(week, key, bill.amounts.item(0, line), lot)

    def scrapped(self, lot: Lot, losses: Sequence[tuple[int, int]], of: int, week: int, place: str) -> None:
        """Rows of a lot, by cause, are thrown away with their share of its value and of its energy."""
        named = [(name_of(code), rows) for code, rows in losses]
        self.energy.scrapped(lot, self.ledger.scrap_each(lot, named, of, week, place), of)

    def became(self, parents: Sequence[Lot], made: Lot) -> None:
        """Lots turned into another one: what they are worth goes on."""
        self.ledger.pass_on(parents, [made])
        self.energy.became(parents, made)

    def give_back_powder(self, lot: Lot, kg: float, week: int, place: str) -> None:
        """Trim goes back to the powder store: all powders of the lot in proportion."""
        powders = {
            account: quantity
            for account, quantity in self.ledger.carried(lot, "kg").items()
            if account.startswith(MATERIALS)
        }
        whole = sum(powders.values())
        shares = {account: min(quantity, quantity * kg / whole) for account, quantity in powders.items()}
        self.ledger.give_back(lot, shares, week, place)

    def finished(self, lot: Lot, rows: int, kwh: float, week: int, sink: str) -> None:
        """A lot of `rows` good cells that store `kwh` has left the line."""
        self.ledger.finish(lot, rows, kwh, week, sink)
        self.energy.finished(lot)

    # ---- what no lot pays -----------------------------------------------------------------------------------

    def close_week(self, station: str, week: int, working_h: float, whole_h: float, horizon: int) -> None:
        """Post what a station took in a week and no lot has paid for.

        Working, it takes its power for the hours of work; lots have paid for those in which they were in it, breakdowns
        included, so that the rest may be negative. Otherwise it stands by, unless it was switched off.

        Parameters
        ----------
        working_h, whole_h : float
            Hours of the week in which it worked, and in all, the mean of its units.
        horizon : int
            Ticks of the run.
        """
        economics, rest = self._stations[station].economics, self.rests.get(station)
        paid_h = self.occupied.get((week, station), 0) / self.units[station] / TICKS_PER_H
        off_h = 0.0 if rest is None else rest.off_ticks(week, horizon) / TICKS_PER_H
        for use, hours, power_kw, heat_kw in (
            (WORKING, working_h - paid_h, economics.power_kw, economics.heat_kw),
            (STAND_BY, max(whole_h - working_h - off_h, 0.0), economics.idle_power_kw, economics.idle_heat_kw),
        ):
            self._unabsorbed(week, station, use, power_kw * hours, heat_kw * hours)

    def _warm_up(self, station: str, week: int) -> None:
        """A station that was off is switched on."""
        economics = self._stations[station].economics
        self._unabsorbed(week, station, WARM_UP, economics.warm_up_kwh, economics.warm_up_heat_kwh)

    def _unabsorbed(self, week: int, station: str, use: str, electricity_kwh: float, heat_kwh: float) -> None:
        """Post energy that a station used and no lot did."""
        for entry in energy_entries(
            electricity_kwh, heat_kwh, self.prices.electricity[week], self.prices.heat[week]
        ):  # fmt: skip
            self.ledger.charge(week, station, *entry, Holding.IDLE_CAPACITY)
            self.energy.used(week, (station, entry[0], use), entry[1])

    # ---- bills ----------------------------------------------------------------------------------------------

    def _station_bill(self, station: str, lot: Lot) -> tuple[Bill, _Energy]:
        """For lots like this one."""
        economics, prices = self._stations[station].economics, self.prices
        rate = standard_rate(economics, self.units[station], self._economics)
        lines = rate.lines(prices.electricity, prices.heat)
        try:
            lines += lines_of(economics.consumables, self._economics, prices.consumables, lot)
        except UncountableError as error:
            path = ("line", "stations", station, "economics", "consumables", error.name, "per")
            hint = "per: m where lots are a length of web, per: cell from winding or stacking on, per: lot anywhere"
            raise config_error([self._scenario.resolved.problem(path, str(error), hint)]) from error
        return self._bill(station, lot.product, lines, WORKING)

    def _place_bill(self, place: str, lot: Lot, work: Work) -> tuple[Bill, _Energy]:
        """For lots that use the same materials, counted by each of them, by electricity and by heat."""
        materials, prices, lines = self._scenario.spec.materials, self.prices, []
        for count, name in enumerate(work.materials):
            if name not in materials:
                raise ConfigError(f"'{place}' uses '{name}', but `materials` has no price for it")
            bought = 1.0 / materials[name].use_efficiency
            lines.append(Line(f"{MATERIALS}{name}", materials[name].unit, count, bought, price=prices.materials[name]))
            if name in prices.duties:
                lines.append(Line(f"{TARIFFS}{name}", "usd", LINE_BEFORE, price=prices.duties[name]))
        for count, (kwh, carrier, price) in enumerate(
            ((work.energy_kwh, ELECTRICITY, prices.electricity), (work.heat_kwh, HEAT, prices.heat)),
            start=len(work.materials),
        ):
            if kwh:
                lines.append(Line(carrier, ENERGY_UNIT, count, price=price))
        return self._bill(place, lot.product, lines, PROCESS)

    def _bill(self, place: str, product: str, lines: Sequence[Line], use: str) -> tuple[Bill, _Energy]:
        bill = self.ledger.bill(place, product, lines, self.prices.weeks)
        energy = [(index, (place, line.account, use)) for index, line in enumerate(lines) if line.unit == ENERGY_UNIT]
        return bill, energy
