"""What a week costs whether anything is made or not, and how lots take their share of it.

Labour, capital, floor, maintenance and overhead come with the calendar. Lots absorb them at a standard rate per hour
that they occupy a unit of the station, set at normal utilisation; at the end of each week the rest is posted as idle
capacity, so that the week's account holds exactly what the week cost. Idle capacity is negative in a week in which the
station worked more than normally.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cellfab.config.economics_spec import Economics
from cellfab.config.line_spec import StationEconomics
from cellfab.core.bills import UNIT_HOURS, Line
from cellfab.core.ledger import ENERGY_UNIT, Entry, Holding, Ledger
from cellfab.economics.capital import WEEKS_PER_YEAR, annuity, straight_line
from cellfab.units import HOURS_PER_WEEK

LABOUR = "labour"
"""Operators; "labour.maintenance" is a crew."""
CAPITAL = "capital"
BUILDING = "building"
MAINTENANCE = "maintenance"
OVERHEAD = "overhead"
ELECTRICITY = "electricity"
HEAT = "heat"
MATERIALS = "materials."
"""Prefix of material accounts: "materials.lfp"."""
WORKING_CAPITAL = "working_capital"
"""Interest on money bound in stock and bills; its quantity is that money."""
CAPITAL_ACCOUNTS = frozenset({CAPITAL, BUILDING, WORKING_CAPITAL})
"""What cash cost leaves out: the yearly charge for equipment and building, and interest on working capital."""
PLANT = "plant"
"""The name under which costs of no single station are posted."""


def weekly_period_cost(station: StationEconomics, economics: Economics) -> tuple[Entry, ...]:
    """Labour, capital charge, building, maintenance and overhead of one calendar week (168 h), without electricity.

    Parameters
    ----------
    station : StationEconomics
        Capital in million dollars, operators per shift, floor in m2; all units of the station together.
    economics : Economics

    Returns
    -------
    tuple of (account, quantity, unit, usd)
        Hours paid for labour, dollars of capital and m2 of floor; entries that are zero are left out.
    """
    capital, labour, overhead = economics.capital, economics.labour, economics.overhead
    capex = station.capex_musd * 1e6
    hours = station.operators * labour.staffed_h_per_week * labour.paid_ratio
    wages = hours * labour.wage_usd_per_h
    building = station.floor_m2 * economics.building_usd_per_m2
    depreciation = straight_line(capex, capital.equipment_life_years) + straight_line(
        building, capital.building_life_years
    )
    variable = (overhead.variable_on_labour_share - overhead.posted_on_labour_share) * wages
    general = (
        overhead.general_on_labour_share * (1.0 + overhead.variable_on_labour_share) * wages
        + overhead.general_on_depreciation_share * depreciation / WEEKS_PER_YEAR
    )
    interest = capital.interest_share_per_year
    entries: tuple[Entry, ...] = (
        (LABOUR, hours, "h", wages),
        (CAPITAL, capex, "usd", annuity(capex, interest, capital.equipment_life_years) / WEEKS_PER_YEAR),
        (
            BUILDING,
            station.floor_m2,
            "m2_floor",
            annuity(building, interest, capital.building_life_years) / WEEKS_PER_YEAR,
        ),
        (MAINTENANCE, capex, "usd", overhead.maintenance_share_per_year * capex / WEEKS_PER_YEAR),
        (OVERHEAD, wages + depreciation / WEEKS_PER_YEAR, "usd", variable + general),
    )
    return tuple(entry for entry in entries if entry[3] > 0.0)


def with_added_capital(station: StationEconomics, capex_musd: float) -> StationEconomics:
    """The station after `capex_musd` million dollars were spent on it; what it cost before stays to be paid for."""
    return station.model_copy(update={"capex_musd": station.capex_musd + capex_musd})


def weekly_plant_cost(
    economics: Economics, electricity_usd_per_kwh: float, heat_usd_per_kwh: float, added_musd: float = 0.0
) -> tuple[Entry, ...]:
    """The same for what the stations share, with its electricity and heat, which are always on.

    Parameters
    ----------
    added_musd : float
        Capital of no single station that was spent on a conversion, million dollars.
    """
    plant = economics.plant
    capex_musd = plant.capex_musd + added_musd
    shared = StationEconomics(capex_musd=capex_musd, operators=plant.operators, floor_m2=plant.floor_m2)
    power, heat = plant.power_kw * HOURS_PER_WEEK, plant.heat_kw * HOURS_PER_WEEK
    utilities: tuple[Entry, ...] = (
        (ELECTRICITY, power, ENERGY_UNIT, power * electricity_usd_per_kwh),
        (HEAT, heat, ENERGY_UNIT, heat * heat_usd_per_kwh),
    )
    return weekly_period_cost(shared, economics) + tuple(entry for entry in utilities if entry[1] > 0.0)


class StandardRate(NamedTuple):
    """What one lot pays per hour that it occupies one unit of a station."""

    entries: tuple[Entry, ...]
    power_kw: float = 0.0
    """Electricity of a unit that works."""
    heat_kw: float = 0.0
    """Heat of a unit that works."""

    def lines(self, electricity_usd_per_kwh: Sequence[float], heat_usd_per_kwh: Sequence[float]) -> list[Line]:
        """Of a bill, for lots counted as at a station; prices by week."""
        fixed = [Line(account, unit, UNIT_HOURS, quantity, usd) for account, quantity, unit, usd in self.entries]
        return fixed + [
            Line(account, ENERGY_UNIT, UNIT_HOURS, kw, price=price)
            for account, kw, price in (
                (ELECTRICITY, self.power_kw, electricity_usd_per_kwh),
                (HEAT, self.heat_kw, heat_usd_per_kwh),
            )
            if kw
        ]


def standard_rate(station: StationEconomics, units: float, economics: Economics) -> StandardRate:
    """Weekly period cost over the unit hours normally worked in a week, and power and heat of a working unit.

    Parameters
    ----------
    station : StationEconomics
        All units together.
    units : float
        Units (parallel machines, tray positions, or lots that a store holds) that share the station's cost.
    """
    worked = HOURS_PER_WEEK * units * economics.normal_utilisation_share
    fixed = tuple(
        (account, quantity / worked, unit, usd / worked)
        for account, quantity, unit, usd in weekly_period_cost(station, economics)
    )
    return StandardRate(fixed, station.power_kw / units, station.heat_kw / units)


def energy_entries(
    electricity_kwh: float, heat_kwh: float, electricity_usd_per_kwh: float, heat_usd_per_kwh: float
) -> list[Entry]:
    """Electricity and heat at their prices; what is zero is left out."""
    entries: list[Entry] = []
    if electricity_kwh:
        entries.append((ELECTRICITY, electricity_kwh, ENERGY_UNIT, electricity_kwh * electricity_usd_per_kwh))
    if heat_kwh:
        entries.append((HEAT, heat_kwh, ENERGY_UNIT, heat_kwh * heat_usd_per_kwh))
    return entries


def close_week(
    ledger: Ledger, week: int, costs: Mapping[str, Iterable[Entry]], plant: Iterable[Entry] = (), part: float = 1.0,
    late: Mapping[str, float] | None = None,
) -> None:  # fmt: skip
    """Post what lots have not absorbed in a week as idle capacity, and the plant's cost as expensed.

    Call it once per week, after the last lot of the week has been charged.

    Parameters
    ----------
    costs : mapping of station to entries
        From `weekly_period_cost`.
    plant : entries
        From `weekly_plant_cost`.
    part : float
        Share of the week that was simulated, 0-1.
    late : mapping of station to float, optional
        The same for stations that were not there from its beginning.
    """
    late = late or {}
    for station, entries in costs.items():
        share = late.get(station, part)
        for account, quantity, unit, usd in entries if share else ():
            absorbed_quantity, absorbed_usd = ledger.debited(week, station, account)
            rest = (quantity * share - absorbed_quantity, unit, usd * share - absorbed_usd)
            ledger.charge(week, station, account, *rest, Holding.IDLE_CAPACITY)
    for account, quantity, unit, usd in plant:
        ledger.charge(week, PLANT, account, quantity * part, unit, usd * part, Holding.EXPENSED)
