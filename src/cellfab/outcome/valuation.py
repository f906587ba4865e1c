"""What a plant costs to build, when that is paid, and what its cash flow is worth."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from cellfab.config.line_spec import StationEconomics
from cellfab.economics.cash_flow import (
    cash_burnt_in_scrap_usd,
    levelised_usd_per_kwh,
    payback_weeks,
    present_value,
    rate_of_return,
)
from cellfab.outcome.books import Books
from cellfab.outcome.money import unpriced
from cellfab.replicate import Replicate
from cellfab.result import NOTHING_SOLD, Kpi
from cellfab.scenario import Scenario
from cellfab.units import TICKS_PER_WEEK

CASH = (
    "week", "simulated", "sales_usd", "credits_usd", "recycling_usd", "operating_usd", "capital_usd", "net_usd",
    "cumulative_usd",
)  # fmt: skip
"""Columns of `RunResult.cash`, after `replicate`."""


def capital_usd(scenario: Scenario, replicate: Replicate) -> dict[int, float]:
    """Capital by the week in which it is spent: of a conversion what that takes, else the whole plant at the start;
    lines that come later are paid when they come."""
    conversion, economics = replicate.conversion, scenario.spec.economics
    assert economics is not None
    by_week: dict[int, float] = {}
    for name, tick in scenario.layout.begins().items():
        if name in scenario.spec.line.stations and tick < replicate.flow.horizon:
            site, week = scenario.spec.line.stations[name].economics, tick // TICKS_PER_WEEK
            usd = site.capex_musd * 1e6 + site.floor_m2 * economics.building_usd_per_m2
            by_week[week] = by_week.get(week, 0.0) + usd
    if conversion is not None:
        for spend in conversion.capital(replicate.flow.horizon):
            week = spend.tick // TICKS_PER_WEEK
            by_week[week] = by_week.get(week, 0.0) + spend.musd * 1e6
        return by_week
    sites = list(_sites_by(scenario, 0))
    floor = economics.plant.floor_m2 + sum(site.floor_m2 for site in sites)
    first = economics.plant.capex_musd + sum(site.capex_musd for site in sites)
    by_week[0] = by_week.get(0, 0.0) + (first * 1e6 + floor * economics.building_usd_per_m2)
    return by_week


def _sites_by(scenario: Scenario, tick: int) -> Iterator[StationEconomics]:
    """Stations that are there at a tick."""
    begins = scenario.layout.begins()
    for name, station in scenario.spec.line.stations.items():
        if begins.get(name, 0) <= tick:
            yield station.economics


def _installed_musd(scenario: Scenario, tick: int) -> float:
    """Equipment of the stations that are there at a tick, and of the plant, as it is before any conversion."""
    assert scenario.spec.economics is not None
    stations = sum(site.capex_musd for site in _sites_by(scenario, tick))
    return stations + scenario.spec.economics.plant.capex_musd


def capital_kpis(books: Books, replicate: Replicate) -> dict[str, Kpi]:
    """Capital, what a kWh sold must earn to pay it, and what the plant's cash flow is worth."""
    plant, conversion = books.plant, replicate.conversion
    installed = _installed_musd(plant.scenario, replicate.flow.horizon - 1)
    share = plant.economics.valuation.discount_share_per_year
    share = plant.economics.capital.interest_share_per_year if share is None else share
    levelised = levelised_usd_per_kwh(books.periods, share)
    return {
        "installed_capital_musd": Kpi(installed, "MUSD"),
        "capex_musd": Kpi(installed if conversion is None else sum(books.capital_usd.values()) / 1e6, "MUSD"),
        "levelised_cost_usd_per_kwh": Kpi.known(levelised, "USD/kWh", NOTHING_SOLD),
        "cash_burnt_in_scrap_musd": Kpi(cash_burnt_in_scrap_usd(plant.ledger) / 1e6, "MUSD"),
        **_valuation(books, share),
    }


def _valuation(books: Books, share_per_year: float) -> dict[str, Kpi]:
    units = {
        "npv_musd": "MUSD", "irr_share_per_year": "1", "payback_weeks": "weeks", "peak_cash_need_musd": "MUSD",
    }  # fmt: skip
    if reason := unpriced(books.plant):
        return {name: Kpi(None, unit, reason=reason) for name, unit in units.items()}
    try:
        flow = books.cash_flow
    except ValueError as error:
        reason = f"the years after the run (economics.valuation.after_run_years) cannot be valued: {error}"
        return {name: Kpi(None, unit, reason=reason) for name, unit in units.items()}
    net = flow.net
    rate, why_rate = rate_of_return(net)
    weeks, why_weeks = payback_weeks(flow)
    values: dict[str, tuple[float | None, str]] = {
        "npv_musd": (present_value(net, share_per_year) / 1e6, ""),
        "irr_share_per_year": (rate, why_rate),
        "payback_weeks": (weeks, why_weeks),
        "peak_cash_need_musd": (max(0.0, -min(accumulate(net), default=0.0)) / 1e6, ""),
    }
    return {name: Kpi.known(value, units[name], why) for name, (value, why) in values.items()}


def cash_rows(books: Books) -> Iterator[dict[str, Any]]:
    """Rows of `RunResult.cash`."""
    try:
        flow = books.cash_flow
    except ValueError:
        return  # the key figures say why there is none
    total = 0.0
    for week, net in enumerate(flow.net):
        total += net
        yield {
            "week": week, "simulated": int(week < flow.simulated_weeks), "sales_usd": flow.sales[week],
            "credits_usd": flow.credits[week], "recycling_usd": flow.recycling[week],
            "operating_usd": flow.operating[week], "capital_usd": flow.capital[week], "net_usd": net,
            "cumulative_usd": total,
        }  # fmt: skip
